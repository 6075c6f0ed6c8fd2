"""The function that a schedule runs: `async def expire()` or `def expire()`, with or without a Tick to take."""

from __future__ import annotations

import asyncio
import contextvars
import importlib
import inspect
import threading
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from rung.errors import Finding, UserError


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """One run: of which schedule, and for which moment (UTC), which may be past when the run is late."""

    schedule: str
    at: datetime


Handler = Callable[[Tick], Awaitable[None]]


def load_handler(reference: str) -> Handler:
    """The handler that `package.module:function` names, called with a Tick if it takes an argument.

    A plain function runs in a thread of its own. Raises UserError (R0550) that says what is missing.
    """
    module, _, path = reference.partition(":")
    if not module or not path:
        raise _unusable(reference, "it is not of the form package.module:function")
    try:
        found: Any = importlib.import_module(module)
    except Exception as error:
        raise _unusable(reference, f"importing {module} raised {type(error).__name__}: {error}") from error
    for part in path.split("."):
        if not hasattr(found, part):
            names = ", ".join(sorted(name for name in vars(found) if not name.startswith("_")))
            raise _unusable(reference, f"no {part!r} there; it has {names or 'nothing'}")
        found = getattr(found, part)
    if not callable(found):
        raise _unusable(reference, f"it is a {type(found).__name__}, not a function")
    return adapt(found)


def adapt(function: Callable[..., Any]) -> Handler:
    """`function` as a coroutine function of one Tick."""
    takes_tick = bool(inspect.signature(function).parameters)
    call = function if inspect.iscoroutinefunction(function) else _in_thread(function)

    async def handle(tick: Tick) -> None:
        await (call(tick) if takes_tick else call())

    return handle


def _in_thread(function: Callable[..., Any]) -> Callable[..., Awaitable[None]]:
    async def call(*arguments: Tick) -> None:
        loop = asyncio.get_running_loop()
        ended: asyncio.Future[None] = loop.create_future()
        context = contextvars.copy_context()

        def settle(error: Exception | None) -> None:
            if not ended.done():
                ended.set_exception(error) if error is not None else ended.set_result(None)

        def work() -> None:
            failure: Exception | None = None
            try:
                context.run(function, *arguments)
            except Exception as error:  # noqa: BLE001 - it is raised again, in the loop
                failure = error
            loop.call_soon_threadsafe(settle, failure)

        # A daemon: a run that outlives its deadline must not keep the process from ending.
        threading.Thread(target=work, name="schedule run", daemon=True).start()
        try:
            await asyncio.shield(ended)
        except asyncio.CancelledError:
            # Python cannot stop a thread: until it ends by itself, the next run must not begin.
            await asyncio.wait([ended])
            raise

    return call


def _unusable(reference: str, found: str) -> UserError:
    return UserError(
        Finding(
            code="R0550",
            severity="error",
            message=f"the handler {reference!r} of a schedule cannot be loaded",
            found=found,
            effect="the scheduler does not start, and none of its schedules runs",
            help='name a function as "package.module:function", importable from the folder of the workload file',
        )
    )
