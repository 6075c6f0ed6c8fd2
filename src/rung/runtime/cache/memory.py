"""The layer inside the process: bounded in entries and bytes, and a hit costs less than a microsecond.

Eviction is first in, first out with a second chance for what was read since (the CLOCK algorithm, Corbató 1968):
a hit then only sets a flag, where LRU would have to reorder.
"""

from __future__ import annotations

from typing import Any

DEFAULT_ENTRIES = 10_000
DEFAULT_BYTES = 64 * 1024 * 1024
#: What an entry costs besides its value.
_OVERHEAD_BYTES = 400


class Held:
    """A value in memory. Times are of the monotonic clock, in seconds.

    Until `checked_until` it is served without asking Redis; from `early_from` an early refresh is possible;
    after `fresh_until` it is stale; after `stale_until` it is gone.
    """

    __slots__ = (
        "checked_until", "early_from", "fresh_until", "load_seconds", "size_bytes", "stale_until", "used", "value",
    )  # fmt: skip

    def __init__(
        self, value: Any, *, size_bytes: int, checked_until: float, fresh_until: float, stale_until: float,
        early_from: float, load_seconds: float,
    ) -> None:  # fmt: skip
        self.value = value
        self.size_bytes = size_bytes
        self.checked_until = checked_until
        self.fresh_until = fresh_until
        self.stale_until = stale_until
        self.early_from = early_from
        self.load_seconds = load_seconds
        self.used = False


class Memory:
    """Entries by key. Not shared between threads: one event loop uses it."""

    def __init__(self, *, max_entries: int = DEFAULT_ENTRIES, max_bytes: int = DEFAULT_BYTES) -> None:
        self.entries: dict[str, Held] = {}
        self.size_bytes = 0
        self._max_entries = max_entries
        self._max_bytes = max_bytes

    def put(self, key: str, held: Held) -> None:
        """Keep `held`, making room. What is larger than a quarter of the whole is not kept."""
        self.drop(key)
        held.size_bytes += _OVERHEAD_BYTES
        if held.size_bytes * 4 > self._max_bytes or self._max_entries == 0:
            return
        self.entries[key] = held
        self.size_bytes += held.size_bytes
        while len(self.entries) > self._max_entries or self.size_bytes > self._max_bytes:
            self._evict_one()

    def drop(self, key: str) -> None:
        """Forget `key`."""
        held = self.entries.pop(key, None)
        if held is not None:
            self.size_bytes -= held.size_bytes

    def clear(self) -> None:
        """Forget everything."""
        self.entries.clear()
        self.size_bytes = 0

    def _evict_one(self) -> None:
        while True:
            key = next(iter(self.entries))
            held = self.entries.pop(key)
            if not held.used:
                self.size_bytes -= held.size_bytes
                return
            held.used = False
            self.entries[key] = held
