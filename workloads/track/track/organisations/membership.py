"""Members and their roles. An organisation always has an owner; its plan says how many seats there are."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from track.api.callers import Caller, Person, Role
from track.api.messages import Output
from track.organisations import audit
from track.problems import Problem, not_found
from track.resources import db

ORGANISATIONS_PER_PERSON_MAX = 50


class Member(Output, frozen=True, kw_only=True):
    """Somebody in the organisation."""

    person_id: uuid.UUID
    email: str
    name: str
    role: Role
    joined_at: datetime


class MyOrganisation(Output, frozen=True, kw_only=True):
    """An organisation that the caller belongs to, and as what."""

    id: str
    name: str
    role: Role


async def tenants_of(person_id: uuid.UUID) -> list[str]:
    """The ids of the organisations that a person belongs to."""
    rows = await db.fetch(
        "select tenant from person_organisations where person_id = $1 order by tenant limit $2",
        person_id, ORGANISATIONS_PER_PERSON_MAX, across_tenants=True,
    )  # fmt: skip
    return [row["tenant"] for row in rows]


async def mine(person: Person) -> list[MyOrganisation]:
    """The caller's organisations, by name; each is read as that tenant."""
    found = []
    for tenant in await tenants_of(person.id):
        row = await db.fetch_row(
            """select o.tenant_id as id, o.name, m.role from organisations o join members m using (tenant_id)
                where m.person_id = $1""",
            person.id, tenant=tenant,
        )  # fmt: skip
        if row is not None:
            found.append(MyOrganisation(**dict(row)))
    return sorted(found, key=lambda each: (each.name.lower(), each.id))


async def listing() -> list[Member]:
    """Everybody in the current organisation, the longest member first."""
    rows = await db.fetch(
        "select person_id, email, name, role, joined_at from members order by joined_at, person_id"
    )
    return [Member(**dict(row)) for row in rows]


async def add(connection: Any, tenant: str, person_id: uuid.UUID, role: Role) -> None:
    """Make a person a member, in the caller's transaction. Who is one stays as they are."""
    await connection.execute(
        """insert into members (tenant_id, person_id, email, name, role)
           select $1, id, email, name, $3 from people where id = $2 on conflict do nothing""",
        tenant, person_id, role,
    )  # fmt: skip
    await connection.execute(
        "insert into person_organisations (person_id, tenant) values ($1, $2) on conflict do nothing",
        person_id, tenant,
    )  # fmt: skip


async def change_role(caller: Caller, person_id: uuid.UUID, role: Role) -> Member:
    """Another role. Only an owner makes or unmakes owners. Raises Problem 403, 404, 409."""
    async with db.transaction() as connection:
        current = await _locked(connection, person_id, unmakes_owner=role != "owner")
        if "owner" in (current, role) and caller.role != "owner":
            raise Problem(403, "forbidden", "only an owner makes or unmakes owners")
        row = await connection.fetchrow(
            """update members set role = $2 where person_id = $1
               returning person_id, email, name, role, joined_at""",
            person_id, role,
        )  # fmt: skip
        await audit.note(connection, caller, "member.role_changed", row["email"], old=current, new=role)
    return Member(**dict(row))


async def remove(caller: Caller, person_id: uuid.UUID) -> None:
    """Take a member out: anybody themselves, an admin the others. Raises Problem 403, 404, 409."""
    is_self = caller.person is not None and caller.person.id == person_id
    if not is_self and caller.role == "member":
        raise Problem(403, "forbidden", "this takes the role admin")
    async with db.transaction() as connection:
        current = await _locked(connection, person_id, unmakes_owner=True)
        if current == "owner" and caller.role != "owner":
            raise Problem(403, "forbidden", "only an owner takes owners out")
        email = await connection.fetchval("delete from members where person_id = $1 returning email", person_id)
        await _unlink(connection, caller.require_tenant(), person_id)
        await audit.note(connection, caller, "member.removed", email)


async def leave(tenant: str, person: Person) -> None:
    """Take the person out of an organisation, as their own wish. Raises Problem 409 for the only owner."""
    async with db.transaction(tenant=tenant) as connection:
        await _locked(connection, person.id, unmakes_owner=True)
        await connection.execute("delete from members where person_id = $1", person.id)
        await _unlink(connection, tenant, person.id)
        await audit.write(connection, tenant, "a member", "member.left", "", {})


async def take_out(tenant: str, person_id: uuid.UUID) -> None:
    """As `leave`, whoever they are. Where that leaves no owner, the longest admin or member becomes one."""
    async with db.transaction(tenant=tenant) as connection:
        await connection.execute("delete from members where person_id = $1", person_id)
        await _unlink(connection, tenant, person_id)
        await connection.execute(
            """update members set role = 'owner'
                where not exists (select from members where role = 'owner') and person_id = (
                      select person_id from members order by role = 'admin' desc, joined_at, person_id limit 1)"""
        )
        await audit.write(connection, tenant, "a member", "member.left", "", {})


async def _locked(connection: Any, person_id: uuid.UUID, *, unmakes_owner: bool) -> Role:
    """The member's role. The owners are locked with it, in one order: two who take each other out wait in line.

    Raises Problem 404, and 409 for the only owner where the caller would unmake them.
    """
    rows = await connection.fetch(
        "select person_id, role from members where role = 'owner' or person_id = $1 order by person_id for update",
        person_id,
    )
    role: Role | None = next((row["role"] for row in rows if row["person_id"] == person_id), None)
    if role is None:
        raise not_found("the member")
    if role == "owner" and unmakes_owner and len(rows) == 1:
        raise Problem(409, "last_owner", "an organisation always has an owner: make somebody else one first")
    return role


async def _unlink(connection: Any, tenant: str, person_id: uuid.UUID) -> None:
    await connection.execute(
        "delete from person_organisations where person_id = $1 and tenant = $2", person_id, tenant
    )
