"""Ways in: a password, a link by mail, and where there is a second factor, its code. Each ends in a session."""

from __future__ import annotations

import time
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from track.accounts import passwords, second_factor, sessions
from track.accounts.addresses import normal
from track.accounts.limits import limit_attempts
from track.api.messages import Output
from track.identifiers import new_id
from track.problems import Problem, invalid
from track.resources import db, key_of, outgoing
from track.tokens import hashed, sign, verified

CHALLENGE_SECONDS = 300
LINK_LIFETIME = timedelta(minutes=15)
NAME_LENGTH_MAX = 120


class SignInAnswer(Output, frozen=True, kw_only=True):
    """`signed_in`: the cookie is set. `second_factor`: send the code with the `challenge` within five minutes."""

    state: Literal["signed_in", "second_factor"]
    challenge: str | None = None
    csrf_token: str | None = None


class Entered:
    """Somebody who is through. `token` is for the cookie, None while a code is still to come."""

    __slots__ = ("answer", "token")

    def __init__(self, answer: SignInAnswer, token: str | None) -> None:
        self.answer = answer
        self.token = token


async def register(email: str, password: str, name: str, *, address: str) -> uuid.UUID:
    """A new account. Raises Problem 409 when the address has one, 422 for what cannot be, 429."""
    email = normal(email)
    if len(name) > NAME_LENGTH_MAX:
        raise invalid(f"name is at most {NAME_LENGTH_MAX} characters", field="name")
    await limit_attempts(about=email, address=address)
    created: uuid.UUID | None = await db.fetch_value(
        """insert into people (id, email, name, password_hash) values ($1, $2, $3, $4)
           on conflict (email) do nothing returning id""",
        new_id(), email, name.strip(), await passwords.hashed(password), across_tenants=True,
    )  # fmt: skip
    if created is None:
        raise Problem(409, "email_taken", "this address has an account: sign in")
    return created


async def with_password(email: str, password: str, *, address: str, agent: str) -> Entered:
    """Raises Problem 401, 429; the same for a wrong password and an unknown address."""
    email = email.strip().lower()
    await limit_attempts(about=email, address=address)
    row = await db.fetch_row("select id, password_hash from people where email = $1", email, across_tenants=True)
    if not await passwords.is_right(row and row["password_hash"], password) or row is None:
        raise Problem(401, "wrong_credentials", "the address or the password is wrong")
    return await first_factor_passed(row["id"], address=address, agent=agent)


async def send_link(email: str, *, address: str) -> None:
    """Send a link that signs in once, when there is such a person. Nobody is told whether there is."""
    email = normal(email)
    await limit_attempts(about=f"link:{email}", address=address)
    person = await db.fetch_value("select id from people where email = $1", email, across_tenants=True)
    if person is not None:
        await outgoing.send({"kind": "sign_in_link", "person": str(person)}, lane="system")


async def remember_link(person_id: uuid.UUID, token: str) -> None:
    """Accept this token once, for a quarter of an hour. Doing it twice changes nothing."""
    await db.execute(
        """insert into sign_in_links (token_hash, person_id, expires_at) values ($1, $2, $3)
           on conflict (token_hash) do nothing""",
        hashed(token), person_id, datetime.now(UTC) + LINK_LIFETIME, across_tenants=True,
    )  # fmt: skip


async def with_link(token: str, *, signed_in: uuid.UUID | None, address: str, agent: str) -> Entered:
    """Raises Problem 401 for a link that was used, is over, or never was.

    `signed_in`: whose session the browser has that redeems it.
    """
    await limit_attempts(about=f"redeem:{address}", address=address)
    async with db.transaction(across_tenants=True) as connection:
        person = await connection.fetchval(
            """update sign_in_links set used_at = now()
                where token_hash = $1 and used_at is null and expires_at > now() returning person_id""",
            hashed(token[:100]),
        )
        if person is None:
            raise Problem(401, "link_used", "this link was used or is over: ask for another")
        if await prove(connection, person) and signed_in != person:
            await _close_other_ways_in(connection, person)
    return await first_factor_passed(person, address=address, agent=agent)


async def prove(connection: Any, person: uuid.UUID) -> bool:
    """Write down that the person reads the mail of their address. Whether nobody had done so before."""
    first = await connection.fetchval(
        "update people set email_proved_at = now() where id = $1 and email_proved_at is null returning true",
        person,
    )
    return first is not None


async def _close_other_ways_in(connection: Any, person: uuid.UUID) -> None:
    """Somebody may have registered an address that they cannot read, and wait for its owner with the password."""
    await connection.execute("update people set password_hash = null where id = $1", person)
    for table in ("sign_in_sessions", "second_factors", "recovery_codes", "identities"):
        await connection.execute(f"delete from {table} where person_id = $1", person)


async def with_code(challenge: str, code: str, *, address: str, agent: str) -> Entered:
    """The second step. Raises Problem 401, 429."""
    value = verified(challenge[:300], purpose="challenge", key=key_of("session-key"), now=time.time())
    if value is None:
        raise Problem(401, "challenge_over", "begin again with the password")
    person = uuid.UUID(value)
    await limit_attempts(about=f"code:{person}", address=address)
    if not await second_factor.take(person, code):
        raise Problem(401, "wrong_code", "the code is wrong, or was used")
    return await enter(person, address=address, agent=agent)


async def enter(person: uuid.UUID, *, address: str, agent: str) -> Entered:
    """A session for somebody who has proved who they are."""
    token = await sessions.start(person, address=address, agent=agent)
    return Entered(SignInAnswer(state="signed_in", csrf_token=sessions.csrf_token(token)), token)


async def first_factor_passed(person: uuid.UUID, *, address: str, agent: str) -> Entered:
    """A session, or where there is a second factor, the challenge to answer with its code."""
    if not await second_factor.is_asked_for(person):
        return await enter(person, address=address, agent=agent)
    expires_at = int(time.time()) + CHALLENGE_SECONDS
    challenge = sign(str(person), purpose="challenge", key=key_of("session-key"), expires_at=expires_at)
    return Entered(SignInAnswer(state="second_factor", challenge=challenge), None)
