"""Who may call an operation. Each way in is a value; `admit` says who came in, or raises a Problem.

An organisation is entered by its id in the path, and everything after that runs as that tenant: whether the caller
is a member of it is itself read under its row-level security. Who is not gets the 404 of what is not there.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TypeAlias, assert_never

from starlette.requests import Request

from rung.runtime import serving_tenant
from rung.runtime.cache import RateLimit
from track.accounts import sessions
from track.api.callers import RANKS, Caller, Key, Person, Role, Scope
from track.organisations import keys
from track.problems import Problem, not_found, too_many
from track.resources import db, store

SESSION_COOKIE = "track_session"
CSRF_HEADER = "x-csrf-token"
SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
_TENANT = re.compile(r"[a-z0-9]{20}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Anybody:
    """No session is needed. From another site's page, changes are refused all the same."""


@dataclass(frozen=True, slots=True)
class Outside:
    """Other machines call this, and prove who they are by signing what they send."""


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A person with a session."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Within:
    """A member of the organisation in the path, with this role or a higher one; or a key of it with the scope."""

    role: Role = "member"
    scope: Scope | None = None


Access: TypeAlias = Anybody | Outside | SignedIn | Within


async def admit(access: Access, request: Request) -> Caller:
    """Who is calling. Raises Problem 401, 403, 404 or 429, UnavailableError."""
    address = request.client.host if request.client else "unknown"
    match access:
        case Anybody():
            _refuse_other_sites(request)
            return Caller(address=address, person=await _person(request))
        case Outside():
            return Caller(address=address)
        case SignedIn():
            caller = Caller(address=address, person=await _person(request))
            _check_token(request, caller.require_person())
            return caller
        case Within():
            return await _enter(access, request, address)
        case _:
            assert_never(access)


async def _enter(access: Within, request: Request, address: str) -> Caller:
    tenant = request.path_params["organisation"]
    if _TENANT.fullmatch(tenant) is None:
        raise not_found("the organisation")
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return Caller(tenant=tenant, key=await _key(access, tenant, given), address=address)
    person = await _person(request)
    if person is None:
        raise Problem(401, "signed_out", "sign in first")
    _check_token(request, person)
    role = await _role_of(person, tenant)
    if RANKS[role] < RANKS[access.role]:
        raise Problem(403, "forbidden", f"this takes the role {access.role}")
    return Caller(tenant=tenant, person=person, role=role, address=address)


async def _role_of(person: Person, tenant: str) -> Role:
    with serving_tenant(tenant):
        role: Role | None = await db.fetch_value("select role from members where person_id = $1", person.id)
    if role is None:
        raise not_found("the organisation")
    return role


async def _key(access: Within, tenant: str, given: str) -> Key:
    with serving_tenant(tenant):
        key = await keys.find(tenant, given)
    if key is None:
        raise Problem(401, "wrong_key", "this key does not open this organisation")
    limit = RateLimit(store.connection, "key", limit=key.per_minute, per_seconds=60, when_away="allow")
    decision = await limit.hit(str(key.id))
    if not decision.allowed:
        raise too_many(decision.retry_after_seconds)
    if access.scope is None or access.scope not in key.scopes:
        raise Problem(
            403, "forbidden", f"the key lacks the scope {access.scope or 'for this: only people may do it'}"
        )
    return Key(id=key.id, name=key.name, scopes=tuple(key.scopes))


async def _person(request: Request) -> Person | None:
    token = request.cookies.get(SESSION_COOKIE)
    return await sessions.find(token) if token else None


def _check_token(request: Request, person: Person) -> None:
    """A cookie is sent by the browser whoever made the page; this header only our own page can send."""
    if request.method not in SAFE_METHODS and not sessions.same_text(
        request.headers.get(CSRF_HEADER, ""), person.csrf_token
    ):
        raise Problem(403, "csrf_token", f"send the header {CSRF_HEADER} with the csrf_token of GET /api/session")


def _refuse_other_sites(request: Request) -> None:
    if request.method not in SAFE_METHODS and request.headers.get("sec-fetch-site", "") == "cross-site":
        raise Problem(403, "cross_site", "this is not called from another site's page")
