"""Waking who waits for the end of a run that another process carries, beside waking processes for runs.

One channel for both. An end says in its payload whose it is, so that it wakes nobody else. As with every
announcement nothing depends on it: who waits also looks by itself.
"""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rung.runtime.queue.postgres.announcements import Announcements

#: What ends so soon after an announcement waits for the next.
GAP_SECONDS = 0.005
#: Ends in one payload, which has less than 8,000 bytes (https://www.postgresql.org/docs/18/sql-notify.html, read
#: on 2026-11-21).
AT_ONCE = 800
ENDED = "ended "


class RunAnnouncements(Announcements):
    """The side connection of a store. Belongs to the event loop that it was made in."""

    def __init__(
        self, url: str, channel: str, on_released: Callable[[], None], *, credentials_secret: str | None = None
    ) -> None:
        super().__init__(url, channel, on_released, credentials_secret=credentials_secret)
        self._ends: set[str] = set()
        self._telling: asyncio.TimerHandle | None = None
        self._told_at = 0.0
        self._awaited: dict[str, set[asyncio.Event]] = {}

    def announce_end(self, workflow: str, run_id: str) -> None:
        """Tell who waits for this run in another process: at once, or together with what ends shortly after."""
        self._ends.add(_key(workflow, run_id))
        if self._telling is None:
            moment = max(self.loop.time(), self._told_at + GAP_SECONDS)
            self._telling = self.loop.call_at(moment, self._tell)

    @contextmanager
    def end_of(self, workflow: str, run_id: str) -> Iterator[asyncio.Event]:
        """What is set when the end of this run is announced, inside the block; rarely also for another run's."""
        key, news = _key(workflow, run_id), asyncio.Event()
        self._awaited.setdefault(key, set()).add(news)
        try:
            yield news
        finally:
            self._awaited[key].discard(news)
            if not self._awaited[key]:
                del self._awaited[key]

    async def close(self) -> None:
        """Send what is due, and close the connection."""
        if self._telling is not None:
            self._telling.cancel()
            self._tell()
        await super().close()

    def _tell(self) -> None:
        self._telling = None
        self._told_at = self.loop.time()
        keys, self._ends = sorted(self._ends), set()
        for first in range(0, len(keys), AT_ONCE):
            self.announce(ENDED + " ".join(keys[first : first + AT_ONCE]))

    def _hear(self, connection: object, pid: int, channel: str, payload: object) -> None:
        if not (isinstance(payload, str) and payload.startswith(ENDED)):
            super()._hear(connection, pid, channel, payload)
            return
        for key in payload.split()[1:]:
            for news in self._awaited.get(key, ()):
                news.set()


def _key(workflow: str, run_id: str) -> str:
    """Eight characters for a run."""
    return f"{zlib.crc32(f'{workflow} {run_id}'.encode()):08x}"
