"""What this process has opened: closed when it drains, checked when somebody asks whether it is ready.

A resource belongs to the event loop that it was opened in: only there can it be asked or closed. A process of ours
has one loop; tests, notebooks and threads have several, and each closes its own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

CHECK_TIMEOUT_SECONDS = 1.0
CLOSE_TIMEOUT_SECONDS = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Resource:
    name: str
    close: Callable[[], Awaitable[None]]
    check: Callable[[], Awaitable[None]] | None
    #: None when it was registered before any loop ran: whichever loop comes first closes it.
    loop: asyncio.AbstractEventLoop | None


_resources: dict[int, _Resource] = {}
_count = 0


def register(
    name: str, *, close: Callable[[], Awaitable[None]], check: Callable[[], Awaitable[None]] | None = None
) -> Callable[[], None]:
    """Remember an opened resource; returns how to forget it (a resource closed early calls that).

    `check` raises when the resource cannot serve; its message is what `/ready` shows, so it names no secret.
    """
    global _count  # noqa: PLW0603 - one registry per process is the point
    _count += 1
    key = _count
    _resources[key] = _Resource(name=name, close=close, check=check, loop=_running_loop())

    def forget() -> None:
        _resources.pop(key, None)

    return forget


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


def _of_this_loop() -> list[int]:
    """The keys of what this loop may use, the oldest first. What a closed loop left behind is forgotten."""
    loop = asyncio.get_running_loop()
    for key, resource in tuple(_resources.items()):
        if resource.loop is not None and resource.loop.is_closed():
            _resources.pop(key, None)
    return [key for key, resource in _resources.items() if resource.loop in (None, loop)]


async def check_all(timeout_seconds: float = CHECK_TIMEOUT_SECONDS) -> dict[str, str | None]:
    """Each checked resource of this loop by name: None when it serves, else why not. Total time is bounded."""
    resources = [_resources[key] for key in _of_this_loop()]
    checked = [(resource.name, resource.check) for resource in resources if resource.check is not None]
    answers = await asyncio.gather(*(_answer(check, timeout_seconds) for _, check in checked))
    return {name: answer for (name, _), answer in zip(checked, answers, strict=True)}


async def _answer(check: Callable[[], Awaitable[None]], timeout_seconds: float) -> str | None:
    try:
        async with asyncio.timeout(timeout_seconds):
            await check()
    except TimeoutError:
        return f"no answer in {timeout_seconds:g} s"
    except Exception as error:  # noqa: BLE001 - whatever it is, the resource does not serve
        return str(error) or type(error).__name__
    return None


async def close_all() -> None:
    """Close everything of this loop, the latest opened first. One that fails or hangs keeps no other open."""
    failures: list[Exception] = []
    while ours := _of_this_loop():
        resource = _resources.pop(ours[-1])
        try:
            async with asyncio.timeout(CLOSE_TIMEOUT_SECONDS):
                await resource.close()
        except Exception as error:  # noqa: BLE001 - collected, and raised together below
            failures.append(error)
    if failures:
        raise ExceptionGroup("resources did not close", failures)
