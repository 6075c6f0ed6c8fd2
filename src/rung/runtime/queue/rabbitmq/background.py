"""A thread with an event loop of its own, for what must go on while a handler blocks the application's loop."""

from __future__ import annotations

import asyncio
import concurrent.futures
import threading
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import uvloop

Result = TypeVar("Result")


class Background:
    """The loop runs from the first use until `close`. Its coroutines are called from any thread."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()

    @property
    def is_running(self) -> bool:
        """Whether anything was ever called."""
        return self._loop is not None

    def submit(self, work: Coroutine[Any, Any, Result]) -> concurrent.futures.Future[Result]:
        """Begin, and do not wait."""
        return asyncio.run_coroutine_threadsafe(work, self._running())

    async def call(self, work: Coroutine[Any, Any, Result]) -> Result:
        """Run to the end there, whatever becomes of the caller: what is half done on a channel breaks it."""
        return await asyncio.shield(asyncio.wrap_future(self.submit(work)))

    async def call_or(
        self, work: Coroutine[Any, Any, Result], unwanted: Callable[[Result], Coroutine[Any, Any, object]]
    ) -> Result:
        """As `call`; when the caller is cancelled, `unwanted` is given the result, there."""
        future = self.submit(work)
        try:
            return await asyncio.shield(asyncio.wrap_future(future))
        except asyncio.CancelledError:
            future.add_done_callback(lambda done: self._give(done, unwanted))
            raise

    def _give(
        self,
        done: concurrent.futures.Future[Result],
        unwanted: Callable[[Result], Coroutine[Any, Any, object]],
    ) -> None:
        if not done.cancelled() and done.exception() is None and self._loop is not None:
            asyncio.run_coroutine_threadsafe(unwanted(done.result()), self._loop)

    def _running(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None:
                self._loop = uvloop.new_event_loop()
                self._thread = threading.Thread(target=self._run, args=(self._loop,), name=self._name, daemon=True)
                self._thread.start()
            return self._loop

    @staticmethod
    def _run(loop: asyncio.AbstractEventLoop) -> None:
        asyncio.set_event_loop(loop)
        loop.run_forever()
        pending = asyncio.all_tasks(loop)
        for task in pending:
            task.cancel()
        loop.run_until_complete(asyncio.gather(*pending, return_exceptions=True))
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()

    async def close(self) -> None:
        """End the thread. What still runs there is cancelled."""
        with self._lock:
            loop, thread, self._loop, self._thread = self._loop, self._thread, None, None
        if loop is not None and thread is not None:
            loop.call_soon_threadsafe(loop.stop)
            await asyncio.to_thread(thread.join)
