"""Operations of signing in with a provider, and of what of theirs belongs to an account."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from track.accounts import identities
from track.accounts.identities import Begun, Identity, IdentityProvider, ProviderAnswer
from track.accounts.signing_in import SignInAnswer
from track.api.access import Anybody
from track.api.account_calls import agent_of, entered_reply, is_secure
from track.api.messages import Done
from track.api.operation import Call, Operation, Reply

FLOW_COOKIE = "track_flow"
PATH = "/api/sign-in/providers"


async def list_providers(_: Call[None]) -> list[IdentityProvider]:
    """The providers that people may sign in with."""
    return identities.listing()


async def begin_with_provider(call: Call[None]) -> Reply:
    """Where the browser goes to sign in. For who is signed in: to add the provider to the account."""
    begun, state = await identities.begin(call.path("provider"), call.caller.person, address=call.caller.address)
    return Reply(value=begun, finish=lambda response: _remember(call.request, response, state))


async def finish_with_provider(call: Call[ProviderAnswer]) -> Reply:
    """What the provider sent the browser back with: a session, or one provider more for who is signed in."""
    entered = await identities.finish(
        call.path("provider"),
        call.body,
        cookie=call.request.cookies.get(FLOW_COOKIE, ""),
        person=call.caller.person,
        address=call.caller.address,
        agent=agent_of(call.request),
    )
    if entered is None:
        return Reply(value=SignInAnswer(state="signed_in", csrf_token=call.caller.require_person().csrf_token))
    return entered_reply(call.request, entered)


async def list_identities(call: Call[None]) -> list[Identity]:
    """The providers that I may sign in with."""
    return await identities.mine(call.caller.require_person().id)


async def unlink_identity(call: Call[None]) -> Done:
    """Sign in with this provider no more."""
    await identities.unlink(call.caller.require_person(), call.path("provider"))
    return Done()


def _remember(request: Request, response: Response, state: str) -> None:
    """For the time at the provider. Lax: the browser comes back by a link of another site."""
    response.set_cookie(
        FLOW_COOKIE, state, max_age=int(identities.LIFETIME.total_seconds()), httponly=True, samesite="lax",
        secure=is_secure(request), path=PATH,
    )  # fmt: skip


OPERATIONS = (
    Operation(method="GET", path=PATH, handler=list_providers, summary="Providers", tag="account",
              access=Anybody(), answer=list[IdentityProvider]),
    Operation(method="POST", path=f"{PATH}/{{provider}}", handler=begin_with_provider, tag="account",
              summary="Sign in with a provider", access=Anybody(), answer=Begun),
    Operation(method="POST", path=f"{PATH}/{{provider}}/finish", handler=finish_with_provider, tag="account",
              summary="Come back from a provider", access=Anybody(), body=ProviderAnswer, answer=SignInAnswer),
    Operation(method="GET", path="/api/identities", handler=list_identities, summary="My providers",
              tag="account", answer=list[Identity]),
    Operation(method="DELETE", path="/api/identities/{provider}", handler=unlink_identity, tag="account",
              summary="Remove a provider", answer=Done),
)  # fmt: skip
