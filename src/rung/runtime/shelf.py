"""A SQLite file that the processes of `rung dev` share: what stands in for a store of AWS on this machine.

Each call opens the file anew, which takes a fraction of a millisecond and leaves nothing open in a process that
forks or ends. A writer waits for another one; a reader waits for nobody.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from rung.runtime.errors import UnavailableError

Result = TypeVar("Result")
BUSY_SECONDS = 5.0


class Shelf:
    """One file with its tables, made at the first use."""

    def __init__(self, path: str | Path, tables: str) -> None:
        self.path = Path(path)
        self._tables = tables
        self._made = False

    async def call(self, work: Callable[[sqlite3.Connection], Result]) -> Result:
        """`work` in a thread, in one transaction that is rolled back when it raises. Raises UnavailableError."""
        return await asyncio.to_thread(self.call_now, work)

    def call_now(self, work: Callable[[sqlite3.Connection], Result]) -> Result:
        """The same in this thread."""
        try:
            with self._opened() as connection:
                connection.execute("begin immediate")
                result = work(connection)
                connection.execute("commit")
                return result
        except sqlite3.Error as error:
            raise UnavailableError(f"{self.path.name}: {error}") from error

    @contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        if not self._made:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(self.path, timeout=BUSY_SECONDS, isolation_level=None)
        try:
            if not self._made:
                connection.execute("pragma journal_mode=wal")
                connection.executescript(self._tables)
                self._made = True
            yield connection
        finally:
            connection.close()
