"""An ASGI application by name, and its lifespan."""

from __future__ import annotations

import asyncio
import importlib
import traceback
from collections.abc import Awaitable
from contextlib import suppress
from typing import cast

from rung.errors import Finding, Location, MachineError
from rung.runtime.http.asgi import ASGIApp, AsgiMessage, Receive, Scope, Send

_OUR_FILES = frozenset({__file__, importlib.__file__})


class LifespanError(Exception):
    """The application refused to start: its own `lifespan.startup.failed`."""


def load_application(name: str) -> ASGIApp:
    """The object that `package.module:object` names. Whatever its import raises passes through.

    Raises ImportError or AttributeError when there is no such module or object, TypeError when it is no
    application.
    """
    module_name, _, attribute = name.partition(":")
    found: object = importlib.import_module(module_name)
    for part in (attribute or "app").split("."):
        found = getattr(found, part)
    if not callable(found):
        raise TypeError(f"{name} is a {type(found).__name__}, not an ASGI application")
    return cast("ASGIApp", found)


def import_application(name: str, *, node: str, location: str = "") -> ASGIApp:
    """`load_application`, with every failure as one MachineError R0351 that names the line to change.

    `location` is `file:line` of the workload file, where the service is defined.
    """
    try:
        return load_application(name)
    except Exception as error:
        raise MachineError(import_finding(name, error, node=node, location=location)) from error


def import_finding(name: str, error: BaseException, *, node: str, location: str = "") -> Finding:
    """What is wrong with the module, and where: the deepest line of the user's own code."""
    file, _, line = location.rpartition(":")
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if _is_users(frame.filename)]
    place = f", at {frames[-1].filename}:{frames[-1].lineno}   {frames[-1].line}" if frames else ""
    return Finding(
        code="R0351",
        severity="error",
        message=f"the application of service {node!r} cannot be imported: {name!r}",
        location=Location(file=file, line=int(line)) if line.isdecimal() else None,
        found=f"{type(error).__name__}: {error}{place}",
        effect="the service does not start",
        help=f"python -c 'import {name.partition(':')[0]}' in the workload's folder shows the same error",
    )


def _is_users(filename: str) -> bool:
    """Not the import machinery, not rung, not an installed package."""
    return not filename.startswith("<") and "site-packages" not in filename and filename not in _OUR_FILES


class Lifespan:
    """Runs the start-up and shut-down of one application. An application without lifespan is fine."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        #: The application as it is to be called: each scope gets a copy of the lifespan's state.
        self.app: ASGIApp = self._with_state
        self._inbox: asyncio.Queue[AsgiMessage] = asyncio.Queue()
        self._outbox: asyncio.Queue[AsgiMessage] = asyncio.Queue()
        self._task: asyncio.Task[None] | None = None
        self.state: dict[str, object] = {}

    async def startup(self) -> None:
        """Wait until the application has started. LifespanError, with its own message, when it refuses."""
        self._task = asyncio.create_task(self._run())
        answer = await self._ask("lifespan.startup")
        if answer is not None and answer["type"] == "lifespan.startup.failed":
            raise LifespanError(answer.get("message") or "the application refused to start")

    async def shutdown(self, *, timeout_seconds: float = 5.0) -> None:
        """Let the application clean up, for at most `timeout_seconds`."""
        if self._task is None or self._task.done():
            return
        with suppress(TimeoutError):
            await asyncio.wait_for(self._ask("lifespan.shutdown"), timeout_seconds)
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task

    def _with_state(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        scope["state"] = dict(self.state)
        return self._app(scope, receive, send)

    async def _ask(self, kind: str) -> AsgiMessage | None:
        """Send `kind`; the application's answer, or None when its lifespan task ends instead."""
        assert self._task is not None
        await self._inbox.put({"type": kind})
        answer = asyncio.create_task(self._outbox.get())
        await asyncio.wait({answer, self._task}, return_when=asyncio.FIRST_COMPLETED)
        if answer.done():
            return answer.result()
        answer.cancel()
        return None

    async def _run(self) -> None:
        scope = {"type": "lifespan", "asgi": {"version": "3.0", "spec_version": "2.0"}, "state": self.state}
        with suppress(Exception):  # the specification: an exception means "no lifespan here"
            await self._app(scope, self._inbox.get, self._outbox.put)
