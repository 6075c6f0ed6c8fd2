"""What a person may do with their own account: name, password, a copy of everything, an end."""

from __future__ import annotations

import uuid
from dataclasses import replace

from track import erasures
from track.accounts import identities, passwords, sessions
from track.api.callers import Person
from track.api.messages import Output
from track.organisations import membership
from track.organisations.membership import MyOrganisation
from track.problems import Problem, invalid
from track.resources import db


class PersonBody(Output, frozen=True, kw_only=True):
    """Somebody, as they see themselves."""

    id: uuid.UUID
    email: str
    name: str
    has_second_factor: bool
    #: Who came by a provider has none, and may set one.
    has_password: bool


class PersonExport(Output, frozen=True, kw_only=True):
    """Everything that is kept about a person beside their organisations' own data. No password, no token."""

    person: PersonBody
    organisations: list[MyOrganisation]
    sessions: list[sessions.SessionItem]
    identities: list[identities.Identity]


async def body_of(person: Person) -> PersonBody:
    """The person as the API shows them."""
    row = await db.fetch_row(
        """select p.password_hash is not null as has_password, exists (
                  select from second_factors f where f.person_id = p.id and f.confirmed_at is not null
                  ) as has_second_factor
             from people p where p.id = $1""",
        person.id, across_tenants=True,
    )  # fmt: skip
    assert row is not None, "whoever is signed in is there"
    return PersonBody(id=person.id, email=person.email, name=person.name, **dict(row))


async def rename(person: Person, name: str) -> PersonBody:
    """Another name, here and wherever the person is a member."""
    if not 0 < len(name.strip()) <= 120:
        raise invalid("name has 1 to 120 characters", field="name")
    await db.execute("update people set name = $2 where id = $1", person.id, name.strip(), across_tenants=True)
    for tenant in await membership.tenants_of(person.id):
        await db.execute(
            "update members set name = $2 where person_id = $1", person.id, name.strip(), tenant=tenant
        )
    return await body_of(replace(person, name=name.strip()))


async def change_password(person: Person, current: str, new: str) -> None:
    """Another password, or the first; everywhere else the person is signed out. Raises Problem 401, 422."""
    stored = await db.fetch_value("select password_hash from people where id = $1", person.id, across_tenants=True)
    if stored is not None and not await passwords.is_right(stored, current):
        raise Problem(401, "wrong_credentials", "the current password is wrong")
    hashed = await passwords.hashed(new, field="new")
    await db.execute("update people set password_hash = $2 where id = $1", person.id, hashed, across_tenants=True)
    await sessions.end_others(person.id, keep=person.session_id)


async def export(person: Person) -> PersonExport:
    """Everything about the person (GDPR, articles 15 and 20)."""
    return PersonExport(
        person=await body_of(person),
        organisations=await membership.mine(person),
        sessions=await sessions.listing(person),
        identities=await identities.mine(person.id),
    )


async def erase(person: Person) -> None:
    """Forget the person (GDPR, article 17). Raises Problem 409 for the only owner of an organisation."""
    for tenant in await membership.tenants_of(person.id):
        await membership.leave(tenant, person)
    await _delete(person.id)
    await erasures.keep_now()


async def forget_again(person_id: uuid.UUID) -> None:
    """Forget somebody whom a restored backup brought back. Nothing refuses: it was decided before."""
    for tenant in await membership.tenants_of(person_id):
        await membership.take_out(tenant, person_id)
    await _delete(person_id)


async def _delete(person_id: uuid.UUID) -> None:
    async with db.transaction(across_tenants=True) as connection:
        await connection.execute("delete from people where id = $1", person_id)
        await erasures.bury(connection, "person", erasures.hash_of(str(person_id)))
