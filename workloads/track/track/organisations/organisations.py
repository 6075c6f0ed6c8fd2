"""Organisations: made, looked at, branded, ended."""

from __future__ import annotations

import re
import secrets
from datetime import datetime

import msgspec

from track.accounts.addresses import normal
from track.api.callers import Caller, Person
from track.api.messages import Input, Output
from track.billing import subscriptions
from track.organisations import audit, membership
from track.organisations.residency import Residency, checked
from track.problems import Problem, invalid, not_found
from track.resources import db

_COLOUR = re.compile(r"#[0-9a-f]{6}", re.IGNORECASE)
_LOGO = re.compile(r"https://[^\s\"'<>()\\]{1,500}")
TEXT_LENGTH_MAX = 300


class Organisation(Output, frozen=True, kw_only=True):
    """An organisation with its branding: what every mail of theirs looks like."""

    id: str
    name: str
    sender_name: str
    sender_address: str
    reply_to: str
    accent: str
    logo_url: str
    postal_address: str
    residency: Residency
    created_at: datetime


class OrganisationChange(Input, frozen=True, kw_only=True):
    """What shall be different; what is left out stays."""

    name: str | msgspec.UnsetType = msgspec.UNSET
    sender_name: str | msgspec.UnsetType = msgspec.UNSET
    sender_address: str | msgspec.UnsetType = msgspec.UNSET
    reply_to: str | msgspec.UnsetType = msgspec.UNSET
    accent: str | msgspec.UnsetType = msgspec.UNSET
    logo_url: str | msgspec.UnsetType = msgspec.UNSET
    postal_address: str | msgspec.UnsetType = msgspec.UNSET


COLUMNS = (
    "tenant_id as id, name, sender_name, sender_address, reply_to, accent, logo_url, postal_address, residency"
)


async def create(person: Person, name: str, residency: Residency | None = None) -> Organisation:
    """A new organisation with a trial, and its first owner. Its data may be where it is, unless said otherwise.

    Raises Problem 409, 422.
    """
    name = checked_name(name)
    if len(await membership.tenants_of(person.id)) >= membership.ORGANISATIONS_PER_PERSON_MAX:
        raise Problem(409, "too_many_organisations", "leave another one first")
    tenant = secrets.token_hex(10)
    async with db.transaction(tenant=tenant) as connection:
        residency = await checked(connection, residency)
        row = await connection.fetchrow(
            f"""insert into organisations (tenant_id, name, sender_name, residency) values ($1, $2, $2, $3)
                returning {COLUMNS}, created_at""",
            tenant, name, residency,
        )  # fmt: skip
        await membership.add(connection, tenant, person.id, "owner")
        await subscriptions.begin_trial(connection, tenant)
        caller = Caller(person=person, tenant=tenant, role="owner")
        await audit.note(connection, caller, "organisation.created", name)
    return Organisation(**dict(row))


async def read() -> Organisation:
    """The current organisation. Raises Problem 404."""
    row = await db.fetch_row(f"select {COLUMNS}, created_at from organisations")
    if row is None:
        raise not_found("the organisation")
    return Organisation(**dict(row))


async def change(caller: Caller, wanted: OrganisationChange) -> Organisation:
    """Another name or branding. Raises Problem 422."""
    changes = {name: value for name, value in msgspec.structs.asdict(wanted).items() if value is not msgspec.UNSET}
    checked = {name: _checked(name, value) for name, value in changes.items()}
    if not checked:
        return await read()
    assignments = ", ".join(f"{name} = ${number}" for number, name in enumerate(checked, start=1))
    async with db.transaction() as connection:
        # The names are the fields of the type above; the values are bound.
        row = await connection.fetchrow(
            f"update organisations set {assignments} returning {COLUMNS}, created_at",
            *checked.values(),
        )
        await audit.note(connection, caller, "organisation.changed", "", fields=sorted(checked))
    return Organisation(**dict(row))


def checked_name(name: str, *, field: str = "name") -> str:
    """The name without spaces around it. Raises Problem 422."""
    name = name.strip()
    if not 1 <= len(name) <= 120 or any(not each.isprintable() for each in name):
        raise invalid("a name has 1 to 120 characters", field=field)
    return name


def _checked(field: str, value: str) -> str:
    value = value.strip()
    if field == "name":
        return checked_name(value)
    if len(value) > TEXT_LENGTH_MAX and field != "logo_url":
        raise invalid(f"{field} is at most {TEXT_LENGTH_MAX} characters", field=field)
    # What ends in a header of a mail has no line breaks.
    if field != "postal_address" and any(not each.isprintable() for each in value):
        raise invalid(f"{field} is one line of text", field=field)
    if field in ("sender_address", "reply_to") and value:
        return normal(value, field=field)
    if field == "accent" and _COLOUR.fullmatch(value) is None:
        raise invalid("accent is a colour such as #2457d6", field=field)
    if field == "logo_url" and value and _LOGO.fullmatch(value) is None:
        raise invalid("logo_url begins with https://", field=field)
    return value
