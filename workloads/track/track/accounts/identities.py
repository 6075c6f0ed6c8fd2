"""Signing in with a provider: begun here, finished when the browser comes back; and who of theirs is who of ours.

A sign-in is one browser's: its state is in a cookie and, hashed, in a row that is used up by the first answer.
A provider's word makes or finds an account only for an address that it has verified. An account that there was
before is joined only when its address was proved here: whoever registered it may not have been its owner.
"""

from __future__ import annotations

import hmac
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

from track.accounts import providers
from track.accounts.addresses import normal
from track.accounts.limits import limit_attempts
from track.accounts.openid import Claims
from track.accounts.sessions import same_text
from track.accounts.signing_in import NAME_LENGTH_MAX, Entered, first_factor_passed
from track.api.callers import Person
from track.api.messages import Input, Output
from track.identifiers import new_id
from track.problems import Problem, not_found
from track.resources import db, key_of, public_url
from track.tokens import hashed, new_token

LIFETIME = timedelta(minutes=10)


class IdentityProvider(Output, frozen=True, kw_only=True):
    """Somebody else whom people may prove to who they are."""

    name: str
    title: str


class Identity(Output, frozen=True, kw_only=True):
    """Who somebody is at a provider."""

    provider: str
    email: str
    linked_at: datetime
    used_at: datetime


class Begun(Output, frozen=True, kw_only=True):
    """Where the browser goes now."""

    url: str


class ProviderAnswer(Input, frozen=True, kw_only=True):
    """What the provider sent the browser back with (RFC 6749, 4.1.2; RFC 9207 for `iss`)."""

    state: str
    code: str = ""
    error: str = ""
    iss: str = ""


def listing() -> list[IdentityProvider]:
    """The providers that there are."""
    found = (each.settings for each in providers.providers())
    return [IdentityProvider(name=each.name, title=each.title) for each in found]


async def begin(name: str, person: Person | None, *, address: str) -> tuple[Begun, str]:
    """Where to sign in, and the state for the cookie. Whoever is signed in adds the provider to the account."""
    client = providers.provider(name)
    state = new_token()
    await limit_attempts(about=f"flow:{state}", address=address)
    url = await client.address(
        redirect_uri=_return_address(name),
        state=state,
        nonce=_derived(state, "nonce"),
        verifier=_derived(state, "verifier"),
    )
    await db.execute(
        "insert into sign_in_flows (state_hash, provider, person_id, expires_at) values ($1, $2, $3, $4)",
        hashed(state), name, person.id if person else None, datetime.now(UTC) + LIFETIME, across_tenants=True,
    )  # fmt: skip
    return Begun(url=url), state


async def finish(
    name: str, answer: ProviderAnswer, *, cookie: str, person: Person | None, address: str, agent: str
) -> Entered | None:
    """Who came back is let in; None: who was in has added the provider. Raises Problem 401, 403, 409, 429, 503."""
    await limit_attempts(about=f"flow:{answer.state}", address=address)
    row = await db.fetch_row(
        """delete from sign_in_flows where state_hash = $1 and provider = $2 and expires_at > now()
           returning person_id""",
        hashed(answer.state[:100]), name, across_tenants=True,
    )  # fmt: skip
    if row is None or not same_text(cookie, answer.state):
        raise Problem(401, "flow_over", "this sign-in is over, or was begun elsewhere: begin again")
    client = providers.provider(name)
    if answer.error or answer.iss not in ("", client.settings.issuer):
        raise Problem(401, "identity_refused", f"{client.settings.title} has not confirmed who you are")
    claims = await client.redeem(
        answer.code[:4_000],
        redirect_uri=_return_address(name),
        nonce=_derived(answer.state, "nonce"),
        verifier=_derived(answer.state, "verifier"),
    )
    if row["person_id"] is not None:
        if person is None or person.id != row["person_id"]:
            raise Problem(401, "signed_out", "sign in first, and add the provider again")
        await _link(person.id, name, claims)
        return None
    return await first_factor_passed(await _person_of(name, claims), address=address, agent=agent)


async def mine(person_id: uuid.UUID) -> list[Identity]:
    """The providers that a person may sign in with."""
    rows = await db.fetch(
        "select provider, email, linked_at, used_at from identities where person_id = $1 order by provider",
        person_id, across_tenants=True,
    )  # fmt: skip
    return [Identity(**dict(row)) for row in rows]


async def unlink(person: Person, name: str) -> None:
    """Sign in with this provider no more; a link by mail always works. Raises Problem 404."""
    status = await db.execute(
        "delete from identities where person_id = $1 and provider = $2", person.id, name, across_tenants=True
    )
    if status == "DELETE 0":
        raise not_found("the provider")


async def _person_of(name: str, claims: Claims) -> uuid.UUID:
    known: uuid.UUID | None = await db.fetch_value(
        "update identities set used_at = now() where issuer = $1 and subject = $2 returning person_id",
        claims.issuer, claims.subject, across_tenants=True,
    )  # fmt: skip
    if known is not None:
        return known
    if not claims.email_verified or not claims.email:
        raise Problem(403, "address_unverified", "the provider has not verified your address: sign in another way")
    email = normal(claims.email)
    async with db.transaction(across_tenants=True) as connection:
        made: uuid.UUID | None = await connection.fetchval(
            """insert into people (id, email, name, email_proved_at) values ($1, $2, $3, now())
               on conflict (email) do nothing returning id""",
            new_id(), email, _printable(claims.name),
        )  # fmt: skip
        person = made if made is not None else await _proved(connection, email)
        await _insert(connection, person, name, claims)
    return person


async def _proved(connection: Any, email: str) -> uuid.UUID:
    """The account with this address, whose owner has shown that it is theirs."""
    found: uuid.UUID | None = await connection.fetchval(
        "select id from people where email = $1 and email_proved_at is not null", email
    )
    if found is None:
        raise Problem(
            409, "account_exists",
            "there is an account with this address: sign in to it by a mailed link, then try again",
        )  # fmt: skip
    return found


async def _link(person: uuid.UUID, name: str, claims: Claims) -> None:
    async with db.transaction(across_tenants=True) as connection:
        await _insert(connection, person, name, claims)


async def _insert(connection: Any, person: uuid.UUID, name: str, claims: Claims) -> None:
    """Raises Problem 409 when that is somebody else's, or this person has another one at the provider."""
    linked = await connection.fetchval(
        """insert into identities as i (issuer, subject, person_id, provider, email) values ($1, $2, $3, $4, $5)
           on conflict do nothing returning true""",
        claims.issuer, claims.subject, person, name, claims.email[:254],
    )  # fmt: skip
    if linked is None and not await connection.fetchval(
        "select true from identities where issuer = $1 and subject = $2 and person_id = $3",
        claims.issuer, claims.subject, person,
    ):  # fmt: skip
        raise Problem(409, "identity_taken", "another account has this one, or yours has another one there")


def _return_address(name: str) -> str:
    """One for each provider: an answer of one is never taken for another's (RFC 9700, 4.4)."""
    return f"{public_url()}/sign-in/provider/{name}"


def _derived(state: str, purpose: str) -> str:
    """What belongs to a state and cannot be known from it: nothing of it has to be kept."""
    return hmac.digest(key_of("session-key"), f"{purpose}:{state}".encode(), "sha256").hex()


def _printable(name: str) -> str:
    return "".join(each for each in name if each.isprintable()).strip()[:NAME_LENGTH_MAX]
