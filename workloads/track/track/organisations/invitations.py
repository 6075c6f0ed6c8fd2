"""Invitations: a link by mail that makes its receiver a member, once, for a week."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

from rung.runtime import serving_tenant
from track.accounts import signing_in
from track.accounts.addresses import normal
from track.api.callers import Caller, Person, Role
from track.api.messages import Output
from track.billing import subscriptions
from track.hooks import publish
from track.identifiers import new_id
from track.organisations import audit, membership
from track.problems import Problem, not_found
from track.resources import db, outgoing
from track.tokens import hashed, new_token

LIFETIME = timedelta(days=7)


class Invitation(Output, frozen=True, kw_only=True):
    """Somebody who was asked to join and has not done so yet."""

    id: uuid.UUID
    email: str
    role: Role
    invited_by: str
    created_at: datetime
    expires_at: datetime


class InvitationPreview(Output, frozen=True, kw_only=True):
    """What the receiver of a link is shown before joining."""

    organisation: str
    email: str
    role: Role


FIELDS = "id, email, role, invited_by, created_at, expires_at"


async def invite(caller: Caller, email: str, role: Role) -> Invitation:
    """Ask somebody to join; a seat is held for them. Who is asked again gets a new link.

    Raises Problem 403, 409 (`already_member`, `seat_limit`), 422.
    """
    email = normal(email)
    if role == "owner" and caller.role != "owner":
        raise Problem(403, "forbidden", "only an owner makes owners")
    async with db.transaction() as connection:
        if await connection.fetchval("select true from members where email = $1", email):
            raise Problem(409, "already_member", "this person is a member")
        await connection.execute("delete from invitations where email = $1 and accepted_at is null", email)
        await subscriptions.require_seat(connection)
        row = await connection.fetchrow(
            f"""insert into invitations (tenant_id, id, email, role, token_hash, invited_by, expires_at)
                values ($1, $2, $3, $4, $5, $6, $7) returning {FIELDS}""",
            caller.require_tenant(), new_id(), email, role, hashed(new_token()), caller.actor,
            datetime.now(UTC) + LIFETIME,
        )  # fmt: skip
        await audit.note(connection, caller, "member.invited", email, role=role)
        await outgoing.send(
            {"kind": "invitation", "invitation": str(row["id"])}, lane="system", transaction=connection
        )
    return Invitation(**dict(row))


async def remember_token(invitation: uuid.UUID, token: str) -> Any:
    """Let this token, which is about to be sent, be the one that is accepted. The row, None when it is gone."""
    return await db.fetch_row(
        f"update invitations set token_hash = $2 where id = $1 and accepted_at is null returning {FIELDS}",
        invitation, hashed(token),
    )  # fmt: skip


async def listing() -> list[Invitation]:
    """Who was asked and has not answered."""
    rows = await db.fetch(f"select {FIELDS} from invitations where accepted_at is null order by id desc limit 500")
    return [Invitation(**dict(row)) for row in rows]


async def withdraw(caller: Caller, invitation: uuid.UUID) -> None:
    """The link stops working, the seat is free. Raises Problem 404."""
    async with db.transaction() as connection:
        email = await connection.fetchval(
            "delete from invitations where id = $1 and accepted_at is null returning email", invitation
        )
        if email is None:
            raise not_found("the invitation")
        await audit.note(connection, caller, "invitation.withdrawn", email)


async def look(token: str) -> InvitationPreview:
    """What an invitation says. Raises Problem 404."""
    tenant = _tenant_of(token)
    row = await db.fetch_row(
        """select o.name as organisation, i.email, i.role from invitations i join organisations o using (tenant_id)
            where i.token_hash = $1 and i.accepted_at is null and i.expires_at > now()""",
        hashed(token), tenant=tenant,
    )  # fmt: skip
    if row is None:
        raise not_found("the invitation")
    return InvitationPreview(**dict(row))


async def accept(person: Person, token: str) -> str:
    """Join; returns the organisation's id. The link is for its receiver alone, and works once.

    Raises Problem 403, 404.
    """
    tenant = _tenant_of(token)
    with serving_tenant(tenant):
        async with db.transaction() as connection:
            row = await connection.fetchrow(
                """update invitations set accepted_at = now()
                    where token_hash = $1 and accepted_at is null and expires_at > now() returning email, role""",
                hashed(token),
            )
            if row is None:
                raise not_found("the invitation")
            if row["email"] != person.email:
                raise Problem(403, "other_address", "this invitation is for another address")
            await membership.add(connection, tenant, person.id, row["role"])
            await signing_in.prove(connection, person.id)  # the link came to that address alone
            caller = Caller(person=person, tenant=tenant, role=row["role"])
            await audit.note(connection, caller, "member.joined", person.email, role=row["role"])
            await publish(connection, tenant, "member.joined", {"email": person.email, "role": row["role"]})
    return tenant


def _tenant_of(token: str) -> str:
    """A token names its organisation, so that it is looked for as that tenant and nowhere else."""
    tenant, _, secret = token.partition(".")
    if not (len(tenant) == 20 and tenant.isascii() and tenant.isalnum()) or not 20 <= len(secret) <= 100:
        raise not_found("the invitation")
    return tenant
