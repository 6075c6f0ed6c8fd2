"""One call of a handler: with the message's context, a deadline, and a span of its trace."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

from rung.runtime.context import Deadline, from_headers, serving
from rung.runtime.errors import TenantError
from rung.runtime.queue.delivery import Delivery, current_delivery
from rung.runtime.queue.message import Message, Reject
from rung.runtime.trace import span
from rung.runtime.worker.handler import Handler


async def call_handler(
    handler: Handler,
    message: Message,
    delivery: Delivery,
    limit_seconds: float,
    begun: Callable[[asyncio.Timeout], None] | None = None,
) -> None:
    """Call `handler` for at most `limit_seconds`. Raises what it raises; Reject where the tenant is none.

    `begun` is given what can end the call early.
    """
    try:
        context = from_headers(message.headers, trusted=True)
    except TenantError as error:
        raise Reject(str(error)) from error
    token = current_delivery.set(delivery)
    try:
        with (
            serving(replace(context, deadline=Deadline.after(limit_seconds))),
            span(f"handle {message.queue}", kind="consumer", headers=message.headers),
        ):
            async with asyncio.timeout(limit_seconds) as timeout:
                if begun is not None:
                    begun(timeout)
                await _uncancelled(handler(message))
    finally:
        current_delivery.reset(token)


async def _uncancelled(handling: Awaitable[None]) -> None:
    """A handler whose own awaits are cancelled by others has failed; only who cancels its task cancels it."""
    try:
        await handling
    except asyncio.CancelledError as error:
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        raise RuntimeError("something that the handler awaited was cancelled") from error
