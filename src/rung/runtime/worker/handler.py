"""Finding the handler, and calling it with an end in time."""

from __future__ import annotations

import asyncio
import contextvars
import importlib
import inspect
import threading
import traceback
from collections.abc import Awaitable, Callable
from typing import Any

from rung.errors import Finding, UserError
from rung.runtime.queue.message import Message
from rung.runtime.text import keepable

Handler = Callable[[Message], Awaitable[None]]


def load_handler(reference: str) -> Handler:
    """The handler that `package.module:object` names, as a coroutine function.

    A plain function is called in a thread of its own, so that it does not stop the others.
    Raises UserError (R0507) that says what is missing.
    """
    module_name, _, path = reference.partition(":")
    if not module_name or not path:
        raise _cannot_load(reference, "it is not of the form package.module:object")
    try:
        found: Any = importlib.import_module(module_name)
    except Exception as error:
        raise _cannot_load(reference, _brief_traceback(error)) from error
    for part in path.split("."):
        try:
            found = getattr(found, part)
        except AttributeError as error:
            names = sorted(name for name in getattr(found, "__dict__", ()) if not name.startswith("_"))
            raise _cannot_load(reference, f"no {part!r} there; it has {', '.join(names) or 'nothing'}") from error
    if not callable(found):
        raise _cannot_load(reference, f"it is a {type(found).__name__}, not a function")
    if inspect.iscoroutinefunction(found) or inspect.iscoroutinefunction(getattr(found, "__call__", None)):  # noqa: B004
        return found  # type: ignore[no-any-return]
    return in_thread(found)


def in_thread(function: Callable[[Message], object]) -> Handler:
    """A coroutine function that calls `function` in a daemon thread, with the current context.

    A caller that is cancelled leaves the thread behind: Python cannot stop it. What it returns is dropped.
    """

    async def call(message: Message) -> None:
        loop = asyncio.get_running_loop()
        done: asyncio.Future[None] = loop.create_future()
        context = contextvars.copy_context()

        def settle(error: BaseException | None) -> None:
            if done.done():
                return
            if error is None:
                done.set_result(None)
            else:
                done.set_exception(error)

        def work() -> None:
            failure: BaseException | None = None
            try:
                context.run(function, message)
            except BaseException as error:  # noqa: BLE001 - it is raised again, in the loop
                failure = error if isinstance(error, Exception) else RuntimeError(repr(error))
            if not loop.is_closed():
                loop.call_soon_threadsafe(settle, failure)

        threading.Thread(target=work, name=f"message {message.id}", daemon=True).start()
        await done

    return call


def describe(error: BaseException) -> str:
    """An error in one line: what a dead letter shows as its reason."""
    text = keepable(str(error)).strip()
    return f"{type(error).__name__}: {text}"[:500] if text else type(error).__name__


def format_traceback(error: BaseException) -> str:
    """The traceback as text, its end when it is very long."""
    return keepable("".join(traceback.format_exception(error)))[-16_000:]


def _brief_traceback(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if "importlib" not in frame.filename and frame.filename != __file__]
    place = f" ({own[-1].filename}:{own[-1].lineno})" if own else ""
    return describe(error) + place


def _cannot_load(reference: str, found: str) -> UserError:
    return UserError(
        Finding(
            code="R0507",
            severity="error",
            message=f"the handler {reference!r} cannot be loaded",
            found=found,
            effect="the worker does not start, and its queue fills",
            help='name a function as "package.module:function", importable from the folder of the workload file',
        )
    )
