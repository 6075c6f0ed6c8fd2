"""Ending background tasks."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any


async def end(tasks: Iterable[asyncio.Task[Any]]) -> None:
    """Cancel `tasks` and wait until they have ended. Those of a loop that is gone ended with it."""
    loop = asyncio.get_running_loop()
    running = [task for task in tasks if not task.done() and task.get_loop() is loop]
    for task in running:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)
