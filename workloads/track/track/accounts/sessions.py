"""Sessions: a random token in a cookie, its hash in the database, so that each can be listed and ended."""

from __future__ import annotations

import hmac
import uuid
from datetime import UTC, datetime, timedelta

from track.api.callers import Person
from track.api.messages import Output
from track.identifiers import new_id
from track.resources import db, key_of
from track.tokens import hashed, new_token

IDLE = timedelta(days=14)
LIFETIME = timedelta(days=90)
#: How often the time of the last use is written down: not at each request.
SEEN = timedelta(minutes=5)


class SessionItem(Output, frozen=True, kw_only=True):
    """A place where somebody is signed in."""

    id: uuid.UUID
    address: str
    agent: str
    created_at: datetime
    seen_at: datetime
    is_this_one: bool


async def start(person_id: uuid.UUID, *, address: str, agent: str) -> str:
    """A new session; returns the token for the cookie."""
    token = new_token()
    await db.execute(
        """insert into sign_in_sessions (id, person_id, token_hash, address, agent, expires_at)
           values ($1, $2, $3, $4, $5, $6)""",
        new_id(), person_id, hashed(token), address[:60], agent[:200], datetime.now(UTC) + LIFETIME,
        across_tenants=True,
    )  # fmt: skip
    return token


async def find(token: str) -> Person | None:
    """Who has this token, or None when it is none, or is over. Raises UnavailableError."""
    row = await db.fetch_row(
        """select s.id, s.seen_at, p.id as person_id, p.email, p.name
             from sign_in_sessions s join people p on p.id = s.person_id
            where s.token_hash = $1 and s.expires_at > now() and s.seen_at > now() - $2::interval""",
        hashed(token[:100]), IDLE, across_tenants=True,
    )  # fmt: skip
    if row is None:
        return None
    if datetime.now(UTC) - row["seen_at"] > SEEN:
        await db.execute(
            "update sign_in_sessions set seen_at = now() where id = $1", row["id"], across_tenants=True
        )
    return Person(
        id=row["person_id"],
        email=row["email"],
        name=row["name"],
        session_id=row["id"],
        csrf_token=csrf_token(token),
    )


def csrf_token(token: str) -> str:
    """What belongs to the session and is not in its cookie."""
    return hmac.digest(key_of("session-key"), f"csrf:{token}".encode(), "sha256").hex()[:40]


def same_text(given: str, expected: str) -> bool:
    """Compare in constant time."""
    return hmac.compare_digest(given.encode(), expected.encode())


async def listing(person: Person) -> list[SessionItem]:
    """Where the person is signed in, the latest first."""
    rows = await db.fetch(
        """select id, address, agent, created_at, seen_at from sign_in_sessions
            where person_id = $1 and expires_at > now() and seen_at > now() - $2::interval
            order by seen_at desc limit 100""",
        person.id, IDLE, across_tenants=True,
    )  # fmt: skip
    return [SessionItem(**dict(row), is_this_one=row["id"] == person.session_id) for row in rows]


async def end(person: Person, session_id: uuid.UUID) -> bool:
    """Sign out there. False when the person has no such session."""
    status = await db.execute(
        "delete from sign_in_sessions where person_id = $1 and id = $2", person.id, session_id, across_tenants=True
    )
    return status == "DELETE 1"


async def end_others(person_id: uuid.UUID, *, keep: uuid.UUID | None = None) -> None:
    """Sign the person out everywhere but in the session `keep`: after a change of password or of factors."""
    await db.execute(
        "delete from sign_in_sessions where person_id = $1 and id is distinct from $2",
        person_id, keep, across_tenants=True,
    )  # fmt: skip


async def sweep() -> None:
    """Runs every hour: what is over goes, a bounded number at a time."""
    await db.execute(
        """delete from sign_in_sessions where id in (
               select id from sign_in_sessions
                where expires_at < now() or seen_at < now() - $1::interval limit 5000)""",
        IDLE, across_tenants=True,
    )  # fmt: skip
    await db.execute("delete from sign_in_flows where expires_at < now()", across_tenants=True)
    await db.execute("delete from sign_in_links where expires_at < now() - interval '1 day'", across_tenants=True)
