"""How much the workload's caches answer while a load runs: read off the metrics of the processes that serve.

Where `rung dev` runs the workload on this machine, each such process says below `.rung/metrics` on which port it
shows them; of any other target `rung load --metrics URL` says where they are. A cache counts its reads by what
answered them (rung.runtime.metrics). They are looked at in the first measured second and ever more seldom after
it, so that looking costs the run nothing.
"""

from __future__ import annotations

import contextlib
import re
import urllib.request
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from rung.load.run import Progress

#: Below a workload's state folder: a file for each process that serves, named by its number, with its port.
FOLDER = "metrics"
TIMEOUT_SECONDS = 1.0
_SAMPLE = re.compile(
    r'^(rung_cache_reads_total|rung_cache_loads_total)\{[^}]*?(?:source|outcome)="(\w+)"\} (\S+)$', re.MULTILINE
)
#: A read that waited for the source was not answered by the cache.
_FROM_THE_SOURCE = "load"


class CacheResult(msgspec.Struct, frozen=True, kw_only=True):
    """Reads of all caches for `requests` right answers; `loads` is how often the source behind them was asked.

    `database_share`: the share of requests that reached the database, those that read no cache and the loads.
    """

    requests: int
    reads: int
    hits: int
    loads: int
    hit_ratio: float
    database_share: float


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """Reads, those of them that the source answered, and calls of the source, since the processes began."""

    reads: float = 0.0
    missed: float = 0.0
    loads: float = 0.0

    def __add__(self, other: Counts) -> Counts:
        return Counts(
            reads=self.reads + other.reads, missed=self.missed + other.missed, loads=self.loads + other.loads
        )


class CacheWatch:
    """Hears the run's seconds, and looks at the metrics in the first, second, fourth, eighth ... of them."""

    def __init__(self, folder: Path, urls: Iterable[str] = ()) -> None:
        self._state, self._urls = folder.resolve() / ".rung", tuple(urls)
        self._first: Counts | None = None
        self._last: Counts | None = None
        self._requests = self._requests_then = 0
        self._heard = 0

    def hear(self, progress: Progress) -> None:
        """One report of the run."""
        if progress.phase != "measuring" or progress.second is None:
            return
        self._requests += progress.second.succeeded if self._heard else 0
        if self._heard & (self._heard - 1) == 0:
            self._look()
        self._heard += 1

    def result(self) -> CacheResult | None:
        """What was seen; None where no metrics are, no cache was read, or the run was too short."""
        if self._first is None or self._last is None or not self._requests_then:
            return None
        reads = self._last.reads - self._first.reads
        missed, loads = self._last.missed - self._first.missed, self._last.loads - self._first.loads
        if reads <= 0 or missed < 0 or loads < 0:
            return None
        requests = self._requests_then
        beside = max(0.0, requests - reads)
        return CacheResult(
            requests=requests, reads=round(reads), hits=round(reads - missed), loads=round(loads),
            hit_ratio=round(1 - missed / reads, 4), database_share=round(min(1.0, (beside + loads) / requests), 4),
        )  # fmt: skip

    def _look(self) -> None:
        found = [counts for counts in map(_read, (*self._urls, *self._announced())) if counts is not None]
        if not found:
            return
        total = sum(found, Counts())
        if self._first is None:
            self._first, self._requests = total, 0
        else:
            self._last, self._requests_then = total, self._requests

    def _announced(self) -> Iterator[str]:
        for file in sorted((self._state / FOLDER).glob("[0-9]*")):
            with contextlib.suppress(OSError, ValueError):
                yield f"http://127.0.0.1:{int(file.read_text())}/metrics"


def _read(url: str) -> Counts | None:
    """The counters that a process shows; None where none answers: it may have ended without a word."""
    try:
        with urllib.request.urlopen(url, timeout=TIMEOUT_SECONDS) as answer:  # noqa: S310 - asked for by the user
            return counts_of(answer.read().decode())
    except (OSError, ValueError):
        return None


def counts_of(exposition: str) -> Counts:
    """The sums over all caches in Prometheus' text format."""
    reads = missed = loads = 0.0
    for name, how, value in _SAMPLE.findall(exposition):
        if name == "rung_cache_loads_total":
            loads += float(value)
        else:
            reads += float(value)
            missed += float(value) if how == _FROM_THE_SOURCE else 0.0
    return Counts(reads=reads, missed=missed, loads=loads)
