"""What travels with one user action: correlation id, tenant, user, deadline.

One `Context` is current at any moment. HTTP sets it per request, workers per message, schedules per run;
the log, the database, the queue and the cache read it. It crosses processes as headers (`to_headers`).
"""

from __future__ import annotations

import random
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar, Token
from dataclasses import dataclass, field, replace
from functools import lru_cache

from rung.runtime.errors import DeadlineExceededError, TenantError

CORRELATION_HEADER = "x-correlation-id"
TENANT_HEADER = "x-rung-tenant"
EPOCH_HEADER = "x-rung-tenant-epoch"
USER_HEADER = "x-rung-user"
DEADLINE_HEADER = "x-deadline-ms"

_TENANT_PATTERN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}", re.ASCII)
_CORRELATION_PATTERN = re.compile(r"[A-Za-z0-9._:-]{1,128}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Tenant:
    """A validated tenant id: 1 to 64 ASCII letters, digits, `_` or `-`. Nothing else is ever a tenant.

    `epoch` counts how often the tenant was moved; it tells nobody who the tenant is.
    """

    id: str
    epoch: int = field(default=0, compare=False)

    def __post_init__(self) -> None:
        if _TENANT_PATTERN.fullmatch(self.id) is None:
            raise TenantError(f"not a tenant id: {self.id[:40]!r}")


@lru_cache(maxsize=4096)
def tenant_of(identity: str) -> Tenant:
    """`Tenant(identity)`, looked up for those that are seen often. Raises TenantError."""
    return Tenant(identity)


#: The epochs of the tenants that were ever moved, as far as this process has heard.
known_epochs: dict[str, int] = {}


def tenant_prefix(tenant: Tenant) -> str:
    """What begins each key that belongs to `tenant`, as `t:acme:`, or `t:acme@3:` after its third move.

    Neither `@` nor `:` can be in an id: no tenant's prefix begins another's.
    """
    epoch = max(tenant.epoch, known_epochs.get(tenant.id, 0))
    return f"t:{tenant.id}@{epoch}:" if epoch else f"t:{tenant.id}:"


@dataclass(frozen=True, slots=True)
class Deadline:
    """A moment on the monotonic clock after which nobody waits for the answer."""

    at: float

    @classmethod
    def after(cls, seconds: float) -> Deadline:
        """The moment `seconds` from now."""
        return cls(time.monotonic() + seconds)

    def remaining(self) -> float:
        """Seconds left; negative when the time is up."""
        return self.at - time.monotonic()

    def require(self) -> float:
        """Seconds left, or DeadlineExceededError."""
        left = self.remaining()
        if left <= 0:
            raise DeadlineExceededError("the caller's deadline has passed")
        return left


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What is known about the action that is being served."""

    correlation_id: str
    tenant: Tenant | None = None
    user: str | None = None
    deadline: Deadline | None = None


_chance = random.Random()  # seeded by the system, once
_current: ContextVar[Context | None] = ContextVar("rung_context", default=None)


def current() -> Context:
    """The context being served; outside of any, a fresh one with a new correlation id."""
    return _current.get() or Context(correlation_id=new_correlation_id())


def current_or_none() -> Context | None:
    """The context being served, or None outside of any: for the log and the traces, which must not invent one."""
    return _current.get()


def current_deadline() -> Deadline | None:
    """The deadline of the current context, without making a context where there is none."""
    context = _current.get()
    return None if context is None else context.deadline


def current_tenant() -> Tenant | None:
    """The tenant of the current context, without making a context where there is none."""
    context = _current.get()
    return None if context is None else context.tenant


def new_correlation_id() -> str:
    """128 random bits, in hexadecimal. They name an action and keep no secret: no system call is worth it."""
    return f"{_chance.getrandbits(128):032x}"


def enter(context: Context) -> Token[Context | None]:
    """`serving` without its block, for what runs at each request: give the token to `leave`."""
    return _current.set(context)


def leave(token: Token[Context | None]) -> None:
    """Make the context current again that was before `enter`, in the same task."""
    _current.reset(token)


@contextmanager
def serving(context: Context) -> Iterator[Context]:
    """Make `context` the current one inside the block."""
    token = _current.set(context)
    try:
        yield context
    finally:
        _current.reset(token)


@contextmanager
def serving_tenant(tenant: Tenant | str) -> Iterator[Context]:
    """The current context, with this tenant, inside the block."""
    chosen = tenant if isinstance(tenant, Tenant) else Tenant(tenant)
    with serving(replace(current(), tenant=chosen)) as context:
        yield context


def to_headers(context: Context) -> dict[str, str]:
    """The context as lower-case headers for HTTP between services, and for messages."""
    headers = {CORRELATION_HEADER: context.correlation_id}
    if context.tenant is not None:
        headers[TENANT_HEADER] = context.tenant.id
        epoch = max(context.tenant.epoch, known_epochs.get(context.tenant.id, 0))
        if epoch:
            headers[EPOCH_HEADER] = str(epoch)
    if context.user is not None:
        headers[USER_HEADER] = context.user
    if context.deadline is not None:
        headers[DEADLINE_HEADER] = str(max(0, round(context.deadline.remaining() * 1000)))
    return headers


def from_headers(headers: Mapping[str, str], *, trusted: bool) -> Context:
    """The context that lower-case `headers` carry.

    A caller that is not `trusted` (the public) chooses neither tenant nor user. A correlation id that is not
    plain ASCII of at most 128 characters is replaced, so that a header cannot forge a log line.
    """
    given = headers.get(CORRELATION_HEADER, "")
    correlation_id = given if _CORRELATION_PATTERN.fullmatch(given) else new_correlation_id()
    tenant = headers.get(TENANT_HEADER) if trusted else None
    return Context(
        correlation_id=correlation_id,
        tenant=Tenant(tenant, _epoch_of(headers.get(EPOCH_HEADER, ""))) if tenant else None,
        user=headers.get(USER_HEADER) if trusted else None,
        deadline=_deadline_of(headers.get(DEADLINE_HEADER, "")),
    )


def _epoch_of(text: str) -> int:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else 0


def _deadline_of(milliseconds: str) -> Deadline | None:
    if not (milliseconds.isascii() and milliseconds.isdecimal()) or len(milliseconds) > 8:
        return None
    return Deadline.after(int(milliseconds) / 1000)
