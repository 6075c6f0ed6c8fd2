"""Two questions that must not be mixed up (O4).

Liveness: is this process able to answer at all? If not, restart it. It touches no dependency, because
restarting every task does not bring a database back. Readiness: should traffic come here now? If not, send it
elsewhere. It asks the resources this process has opened, for at most `bound_seconds`, and remembers the answer
as long, so that health checks are never the load that keeps a dependency down.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping

import msgspec

from rung.runtime.http.asgi import Send

#: Asks every resource of the process; maps its name to None (well) or to what is wrong.
Check = Callable[[], Awaitable[Mapping[str, str | None]]]

LIVE = msgspec.json.encode({"status": "live"})


async def nothing_to_check() -> Mapping[str, str | None]:
    """The check of a process that uses no resource."""
    return {}


class Readiness:
    """The answer to `/ready`: cached, bounded in time, one check at a time."""

    def __init__(
        self,
        check: Check = nothing_to_check,
        *,
        bound_seconds: float = 1.0,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._check = check
        self._bound_seconds = bound_seconds
        self._monotonic = monotonic
        self._lock = asyncio.Lock()
        self._found: Mapping[str, str | None] = {}
        self._expires_at = float("-inf")

    async def resources(self) -> Mapping[str, str | None]:
        """Each resource and what is wrong with it; at most `bound_seconds` old."""
        async with self._lock:
            if self._monotonic() >= self._expires_at:
                self._found = await self._ask()
                self._expires_at = self._monotonic() + self._bound_seconds
        return self._found

    async def _ask(self) -> Mapping[str, str | None]:
        try:
            return await asyncio.wait_for(self._check(), self._bound_seconds)
        except TimeoutError:
            return {"check": f"no answer within {self._bound_seconds:g} s"}
        except Exception as error:  # noqa: BLE001 - whatever a resource raises means not ready
            return {"check": type(error).__name__}


async def send_live(send: Send) -> None:
    """200: this process answers."""
    await _send(send, 200, LIVE)


async def send_ready(send: Send, readiness: Readiness, *, draining: bool) -> int:
    """200 or 503 with the state of each resource. Returns the status."""
    resources = {} if draining else await readiness.resources()
    ready = not draining and not any(resources.values())
    state = "draining" if draining else "ready" if ready else "not ready"
    document = {"status": state, "resources": {name: fault or "ok" for name, fault in resources.items()}}
    status = 200 if ready else 503
    await _send(send, status, msgspec.json.encode(document))
    return status


async def _send(send: Send, status: int, body: bytes) -> None:
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", b"%d" % len(body)),
        (b"cache-control", b"no-store"),
    ]
    if status == 503:
        headers.append((b"retry-after", b"1"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
