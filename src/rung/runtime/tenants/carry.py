"""The tenant of an authenticated request, carried to everything that the request causes.

The context holds it: the database, caches, logs and traces read it there; messages take it along in their headers
(`to_headers`), and whoever handles them restores it (`serving_message`). A bus, a workflow, or anything else that
hands work on does the same with the two functions of this module.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace

from rung.runtime.context import (
    DEADLINE_HEADER,
    Context,
    Tenant,
    current,
    current_tenant,
    from_headers,
    serving,
    tenant_prefix,
    to_headers,
)
from rung.runtime.errors import TenantError
from rung.runtime.http.asgi import ASGIApp, Receive, Scope, Send

#: Who is asking, from the session, token or key that the scope carries; None: nobody who belongs to a tenant.
Identify = Callable[[Scope], Awaitable[Tenant | str | None]]


def for_tenants(app: ASGIApp, identify: Identify) -> ASGIApp:
    """`app`, in which the current context has the tenant that `identify` tells, for requests and for WebSockets.

    What the client sends as x-rung-tenant is never looked at: `identify` has to check a credential. What it
    raises is answered as `protect` answers it, TenantError with 404. A WebSocket keeps its tenant for its life.
    """

    async def scoped(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await app(scope, receive, send)
            return
        found = await identify(scope)
        tenant = Tenant(found) if isinstance(found, str) else found
        with serving(replace(current(), tenant=tenant)):
            await app(scope, receive, send)

    return scoped


def required_tenant() -> Tenant:
    """The tenant of the current context. Raises TenantError without one."""
    tenant = current_tenant()
    if tenant is None:
        raise TenantError("this is for a tenant, and there is no current one")
    return tenant


def tenant_key(name: str) -> str:
    """`name` as a key that two tenants never share: for channels, objects, locks, anything kept by key.

    Holds the tenant's epoch too: after a move, what was kept before is not found. Raises TenantError.
    """
    return f"{tenant_prefix(required_tenant())}{name}"


def carried_headers() -> dict[str, str]:
    """What work that is handed on takes along: correlation id, tenant and user, without the caller's deadline."""
    headers = to_headers(current())
    headers.pop(DEADLINE_HEADER, None)
    return headers


@contextmanager
def serving_message(headers: Mapping[str, str]) -> Iterator[Context]:
    """The context that `carried_headers` put there, current inside the block. Only for headers of our own making.

    Raises TenantError where they hold what cannot be a tenant.
    """
    with serving(from_headers(headers, trusted=True)) as context:
        yield context
