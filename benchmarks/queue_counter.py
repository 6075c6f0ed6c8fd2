"""Counts handler calls across the processes of any worker: a page of shared memory for each process."""

from __future__ import annotations

import mmap
import os
import struct
import threading
import time
from pathlib import Path
from typing import NamedTuple

#: Calls, and the wall clock of the first and of the last.
_PAGE = struct.Struct("<Qdd")
_lock = threading.Lock()
_pages: dict[int, mmap.mmap] = {}


class Seen(NamedTuple):
    """What all processes have seen."""

    calls: int
    first: float
    last: float


def note() -> None:
    """One call, in whatever process and thread. The folder is `QUEUE_COUNTER`."""
    with _lock:
        page = _pages.get(os.getpid()) or _open()
        calls, first, _ = _PAGE.unpack_from(page)
        now = time.time()
        _PAGE.pack_into(page, 0, calls + 1, first or now, now)


def _open() -> mmap.mmap:
    path = Path(os.environ["QUEUE_COUNTER"]) / str(os.getpid())
    path.write_bytes(bytes(mmap.PAGESIZE))
    with path.open("r+b") as file:
        page = _pages[os.getpid()] = mmap.mmap(file.fileno(), mmap.PAGESIZE)
    return page


def seen(folder: Path) -> Seen:
    """All pages of a folder together."""
    found = [_PAGE.unpack_from(path.read_bytes()) for path in folder.iterdir() if path.stat().st_size]
    found = [each for each in found if each[0]]
    if not found:
        return Seen(0, 0.0, 0.0)
    return Seen(sum(each[0] for each in found), min(each[1] for each in found), max(each[2] for each in found))


async def handle(_message: object) -> None:
    """rung's handler."""
    note()
