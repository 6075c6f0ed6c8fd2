"""Calling the functions of a workflow: with an end in time, coroutine functions here and plain ones in threads."""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import Any

from rung.runtime.context import Deadline, current, serving


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """The step that runs. `idempotency_key` is the same at every attempt, and no other step has it."""

    workflow: str
    run_id: str
    step: str
    number: int
    idempotency_key: str


_attempt: ContextVar[Attempt | None] = ContextVar("rung_workflow_attempt", default=None)


def current_attempt() -> Attempt:
    """The step that is being run, for its idempotency key. Raises LookupError outside of any step."""
    found = _attempt.get()
    if found is None:
        raise LookupError("no step of a workflow is running here")
    return found


@contextmanager
def attempting(attempt: Attempt) -> Iterator[None]:
    """Make `attempt` the current one inside the block."""
    token = _attempt.set(attempt)
    try:
        yield
    finally:
        _attempt.reset(token)


async def call(function: Callable[..., Any], arguments: tuple[Any, ...], *, timeout_seconds: float) -> Any:
    """What the function returns. Raises TimeoutError after `timeout_seconds`, and what the function raises."""
    with serving(replace(current(), deadline=Deadline.after(timeout_seconds))):
        async with asyncio.timeout(timeout_seconds):
            return await invoke(function, arguments)


async def invoke(function: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
    """Call a coroutine function here, any other in a thread of its own."""
    if _is_coroutine_function(function):
        return await function(*arguments)
    found = await _in_thread(function, arguments)
    return await found if inspect.isawaitable(found) else found


def _is_coroutine_function(function: Callable[..., Any]) -> bool:
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(
        getattr(function, "__call__", None)  # noqa: B004
    )


async def _in_thread(function: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
    """In a daemon thread with the current context. A caller that is cancelled leaves the thread behind."""
    loop = asyncio.get_running_loop()
    ended: asyncio.Future[Any] = loop.create_future()
    context = contextvars.copy_context()

    def settle(result: Any, error: Exception | None) -> None:
        if not ended.done():
            ended.set_result(result) if error is None else ended.set_exception(error)

    def work() -> None:
        result, failure = None, None
        try:
            result = context.run(function, *arguments)
        except Exception as error:  # noqa: BLE001 - it is raised again, in the loop
            failure = error
        if not loop.is_closed():
            loop.call_soon_threadsafe(settle, result, failure)

    threading.Thread(target=work, name="workflow step", daemon=True).start()
    return await ended
