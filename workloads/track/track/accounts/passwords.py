"""Passwords: hashed off the event loop, few at once, in the same time whether the address is known or not."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import Any

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError

from rung.runtime.errors import OverloadedError
from track.problems import invalid

HASHING_THREADS = 2
HASHING_WAITERS_MAX = 16
LENGTH_MIN = 10
LENGTH_MAX = 200

# RFC 9106, second recommended choice (64 MiB), with one lane: two may run at once without filling a small machine.
_hasher = PasswordHasher(time_cost=3, memory_cost=65_536, parallelism=1)
_pool = ThreadPoolExecutor(HASHING_THREADS, thread_name_prefix="argon2")
_waiting = 0


async def hashed(password: str, *, field: str = "password") -> str:
    """What is stored of a password. Raises Problem 422 for one too short or too long, OverloadedError."""
    if not LENGTH_MIN <= len(password) <= LENGTH_MAX:
        raise invalid(f"a password has {LENGTH_MIN} to {LENGTH_MAX} characters", field=field)
    found: str = await _off_the_loop(_hasher.hash, password)
    return found


async def is_right(stored: str | None, password: str) -> bool:
    """Whether the password is the stored one. Without a stored one it takes as long to say no."""
    found: bool = await _off_the_loop(_verify, stored, password[:LENGTH_MAX])
    return found


async def _off_the_loop(work: Any, *arguments: Any) -> Any:
    """Run in one of the few threads. Raises OverloadedError instead of a long queue of costly work."""
    global _waiting  # noqa: PLW0603 - one count per process, touched by the event loop's thread alone
    if _waiting >= HASHING_WAITERS_MAX:
        raise OverloadedError("too many people sign in at once", retry_after_seconds=2)
    _waiting += 1
    try:
        return await asyncio.get_running_loop().run_in_executor(_pool, work, *arguments)
    finally:
        _waiting -= 1


def _verify(stored: str | None, password: str) -> bool:
    try:
        _hasher.verify(stored or _decoy(), password)
    except (VerifyMismatchError, InvalidHashError):
        return False
    return stored is not None


@lru_cache(maxsize=1)
def _decoy() -> str:
    """A hash that no password fits, and that costs what every other costs."""
    return _hasher.hash("a password that nobody has")
