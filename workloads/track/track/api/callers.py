"""Who is asking: nobody yet, a person with a session, or a program with an API key. And as which organisation."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Literal, TypeAlias

from track.problems import Problem

Role: TypeAlias = Literal["owner", "admin", "member"]
Scope: TypeAlias = Literal[
    "mails:read", "mails:write", "templates:read", "templates:write", "suppressions:read", "suppressions:write"
]
RANKS: dict[Role, int] = {"member": 0, "admin": 1, "owner": 2}


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody who is signed in."""

    id: uuid.UUID
    email: str
    name: str
    session_id: uuid.UUID
    #: What a page of ours must send along with every change; no other site can know it.
    csrf_token: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """A program with an API key."""

    id: uuid.UUID
    name: str
    scopes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who asks, and within which organisation, as what."""

    person: Person | None = None
    key: Key | None = None
    tenant: str | None = None
    role: Role = "member"
    address: str = ""

    def require_person(self) -> Person:
        """The person. Raises Problem 401 when nobody is signed in."""
        if self.person is None:
            raise Problem(401, "signed_out", "sign in first")
        return self.person

    def require_tenant(self) -> str:
        """The organisation's id. Raises Problem 404 outside of any."""
        if self.tenant is None:
            raise Problem(404, "not_found", "the organisation was not found")
        return self.tenant

    @property
    def actor(self) -> str:
        """Who the audit log says it was."""
        if self.person is not None:
            return f"person:{self.person.email}"
        return f"key:{self.key.name}" if self.key is not None else "nobody"
