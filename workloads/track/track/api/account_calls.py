"""Operations of a person: signing up and in, sessions, second factor, the account itself."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from track.accounts import people, second_factor, sessions, signing_in
from track.accounts.people import PersonBody, PersonExport
from track.accounts.second_factor import Enrolment, RecoveryCodes
from track.accounts.sessions import SessionItem
from track.accounts.signing_in import Entered, SignInAnswer
from track.api.access import SESSION_COOKIE, Anybody
from track.api.callers import Person
from track.api.messages import Done, Input, Output
from track.api.operation import Call, Operation, Reply
from track.organisations import invitations, membership, organisations
from track.organisations.membership import MyOrganisation
from track.problems import Problem, not_found

COOKIE_SECONDS = 14 * 86_400


class SignUp(Input, frozen=True, kw_only=True):
    """A new account, and with it a new organisation or a membership by invitation, or neither."""

    email: str
    password: str
    name: str = ""
    organisation: str | None = None
    invitation: str | None = None


class Credentials(Input, frozen=True, kw_only=True):
    """What somebody signs in with."""

    email: str
    password: str


class Code(Input, frozen=True, kw_only=True):
    """A code of the authenticator application, or a recovery code."""

    code: str


class ChallengeCode(Input, frozen=True, kw_only=True):
    """The second step of signing in."""

    challenge: str
    code: str


class LinkRequest(Input, frozen=True, kw_only=True):
    """Whom to send a link that signs in."""

    email: str


class Token(Input, frozen=True, kw_only=True):
    """The token of a link."""

    token: str


class NewName(Input, frozen=True, kw_only=True):
    """Another name."""

    name: str


class NewPassword(Input, frozen=True, kw_only=True):
    """Another password."""

    current: str
    new: str


class SessionState(Output, frozen=True, kw_only=True):
    """Who is signed in: nobody, when `person` is null."""

    person: PersonBody | None
    csrf_token: str | None
    organisations: list[MyOrganisation]


async def sign_up(call: Call[SignUp]) -> Reply:
    """Create an account and sign in."""
    wanted, address = call.body, call.caller.address
    if wanted.organisation is not None:
        organisations.checked_name(wanted.organisation, field="organisation")
    if wanted.invitation is not None:
        await invitations.look(wanted.invitation)
    person_id = await signing_in.register(wanted.email, wanted.password, wanted.name, address=address)
    entered = await signing_in.enter(person_id, address=address, agent=agent_of(call.request))
    assert entered.token is not None
    person = await sessions.find(entered.token)
    assert person is not None
    if wanted.organisation is not None:
        await organisations.create(person, wanted.organisation)
    if wanted.invitation is not None:
        await invitations.accept(person, wanted.invitation)
    return entered_reply(call.request, entered)


async def sign_in(call: Call[Credentials]) -> Reply:
    """Sign in with a password."""
    given = call.body
    return entered_reply(
        call.request,
        await signing_in.with_password(
            given.email, given.password, address=call.caller.address, agent=agent_of(call.request)
        ),
    )


async def sign_in_with_code(call: Call[ChallengeCode]) -> Reply:
    """The second step: a code of the authenticator application, or a recovery code."""
    given = call.body
    return entered_reply(
        call.request,
        await signing_in.with_code(
            given.challenge, given.code, address=call.caller.address, agent=agent_of(call.request)
        ),
    )


async def send_sign_in_link(call: Call[LinkRequest]) -> Done:
    """Send a link that signs in, if there is such a person. The answer is the same when there is none."""
    await signing_in.send_link(call.body.email, address=call.caller.address)
    return Done()


async def sign_in_with_link(call: Call[Token]) -> Reply:
    """Sign in with the token of a link."""
    caller = call.caller
    return entered_reply(
        call.request,
        await signing_in.with_link(
            call.body.token,
            signed_in=caller.person.id if caller.person else None,
            address=caller.address,
            agent=agent_of(call.request),
        ),
    )


async def get_session(call: Call[None]) -> SessionState:
    """Who is signed in, where they are a member, and the token that changes must be sent with."""
    person = call.caller.person
    if person is None:
        return SessionState(person=None, csrf_token=None, organisations=[])
    return SessionState(
        person=await people.body_of(person),
        csrf_token=person.csrf_token,
        organisations=await membership.mine(person),
    )


async def sign_out(call: Call[None]) -> Reply:
    """End this session."""
    person = call.caller.require_person()
    await sessions.end(person, person.session_id)
    return Reply(value=Done(), finish=_forget)


async def list_sessions(call: Call[None]) -> list[SessionItem]:
    """Where I am signed in."""
    return await sessions.listing(call.caller.require_person())


async def end_session(call: Call[None]) -> Done:
    """Sign out there."""
    if not await sessions.end(call.caller.require_person(), call.path_id("session")):
        raise not_found("the session")
    return Done()


async def end_other_sessions(call: Call[None]) -> Done:
    """Sign out everywhere else."""
    person = call.caller.require_person()
    await sessions.end_others(person.id, keep=person.session_id)
    return Done()


async def begin_second_factor(call: Call[None]) -> Enrolment:
    """A secret for an authenticator application; it counts once it is confirmed with a code."""
    person = call.caller.require_person()
    return await second_factor.begin(person.id, person.email)


async def confirm_second_factor(call: Call[Code]) -> RecoveryCodes:
    """From now on a code is asked for. The recovery codes are shown this once."""
    person = call.caller.require_person()
    codes = await second_factor.confirm(person.id, call.body.code)
    await sessions.end_others(person.id, keep=person.session_id)
    return codes


async def remove_second_factor(call: Call[Code]) -> Done:
    """From now on the password is enough. Takes a code."""
    person = call.caller.require_person()
    await _require_code(person, call.body.code)
    await second_factor.remove(person.id)
    return Done()


async def _require_code(person: Person, code: str) -> None:
    from track.accounts.limits import limit_attempts

    await limit_attempts(about=f"code:{person.id}", address=str(person.id))
    if not await second_factor.take(person.id, code):
        raise Problem(422, "wrong_code", "this is not the code of this moment")


async def rename_me(call: Call[NewName]) -> PersonBody:
    """Change my name."""
    return await people.rename(call.caller.require_person(), call.body.name)


async def change_password(call: Call[NewPassword]) -> Done:
    """Change my password; everywhere else I am signed out."""
    await people.change_password(call.caller.require_person(), call.body.current, call.body.new)
    return Done()


async def export_me(call: Call[None]) -> PersonExport:
    """Everything that is kept about me."""
    return await people.export(call.caller.require_person())


async def erase_me(call: Call[None]) -> Reply:
    """Forget me. Refused while I am the only owner of an organisation."""
    await people.erase(call.caller.require_person())
    return Reply(value=Done(), finish=_forget)


def entered_reply(request: Request, entered: Entered) -> Reply:
    """The answer to somebody who came in, with the cookie of the session."""
    token = entered.token
    return Reply(
        value=entered.answer, finish=None if token is None else lambda answer: _remember(request, answer, token)
    )


def _remember(request: Request, response: Response, token: str) -> None:
    """Scripts cannot read the cookie, and other sites cannot post with it."""
    response.set_cookie(
        SESSION_COOKIE, token, max_age=COOKIE_SECONDS, httponly=True, samesite="lax", secure=is_secure(request),
        path="/api",
    )  # fmt: skip


def _forget(response: Response) -> None:
    response.delete_cookie(SESSION_COOKIE, path="/api")


def is_secure(request: Request) -> bool:
    """Whether the browser came by https."""
    return request.url.scheme == "https" or request.headers.get("x-forwarded-proto") == "https"


def agent_of(request: Request) -> str:
    """What the browser calls itself."""
    return request.headers.get("user-agent", "")


OPERATIONS = (
    Operation(method="POST", path="/api/sign-up", handler=sign_up, summary="Sign up", tag="account",
              access=Anybody(), body=SignUp, answer=SignInAnswer, status=201),
    Operation(method="POST", path="/api/sign-in", handler=sign_in, summary="Sign in", tag="account",
              access=Anybody(), body=Credentials, answer=SignInAnswer),
    Operation(method="POST", path="/api/sign-in/code", handler=sign_in_with_code, summary="Second step",
              tag="account", access=Anybody(), body=ChallengeCode, answer=SignInAnswer),
    Operation(method="POST", path="/api/sign-in/link", handler=send_sign_in_link, summary="Send a link",
              tag="account", access=Anybody(), body=LinkRequest, answer=Done, status=202),
    Operation(method="POST", path="/api/sign-in/link/redeem", handler=sign_in_with_link,
              summary="Sign in with a link", tag="account", access=Anybody(), body=Token, answer=SignInAnswer),
    Operation(method="GET", path="/api/session", handler=get_session, summary="Who is signed in", tag="account",
              access=Anybody(), answer=SessionState),
    Operation(method="DELETE", path="/api/session", handler=sign_out, summary="Sign out", tag="account",
              answer=Done),
    Operation(method="GET", path="/api/sessions", handler=list_sessions, summary="My sessions", tag="account",
              answer=list[SessionItem]),
    Operation(method="DELETE", path="/api/sessions", handler=end_other_sessions, tag="account", answer=Done,
              summary="Sign out everywhere else"),
    Operation(method="DELETE", path="/api/sessions/{session}", handler=end_session, summary="End a session",
              tag="account", answer=Done),
    Operation(method="POST", path="/api/second-factor", handler=begin_second_factor, tag="account",
              summary="Begin a second factor", answer=Enrolment),
    Operation(method="POST", path="/api/second-factor/confirm", handler=confirm_second_factor, tag="account",
              summary="Confirm it", body=Code, answer=RecoveryCodes),
    Operation(method="POST", path="/api/second-factor/remove", handler=remove_second_factor, tag="account",
              summary="Remove it", body=Code, answer=Done),
    Operation(method="PATCH", path="/api/account", handler=rename_me, summary="Change my name", tag="account",
              body=NewName, answer=PersonBody),
    Operation(method="PUT", path="/api/account/password", handler=change_password, tag="account",
              summary="Change my password", body=NewPassword, answer=Done),
    Operation(method="GET", path="/api/account/export", handler=export_me, summary="Export me", tag="account",
              answer=PersonExport),
    Operation(method="DELETE", path="/api/account", handler=erase_me, summary="Forget me", tag="account",
              answer=Done),
)  # fmt: skip
