"""Writing a recording: the few lines that run once per request."""

from __future__ import annotations

import math

from rung.load.histogram import bucket
from rung.load.recording import ErrorKind, GroupRecord, Recording, Second

_PROBLEMS_MAX = 10


class Recorder:
    """Counts into a Recording. What was due before `start` (the warm-up) is not counted."""

    def __init__(self, groups: list[GroupRecord], start: float) -> None:
        self.recording = Recording(groups=groups)
        self._start = start
        self._open: dict[int, Second] = self.recording.seconds

    def lag(self, intended: float, now: float) -> None:
        """The generator sends at `now` what was due at `intended` and could have gone then."""
        if intended < self._start:
            return
        late_us = int((now - intended) * 1e6)
        recording = self.recording
        key = bucket(late_us) if late_us > 0 else 0
        recording.lag[key] = recording.lag.get(key, 0) + 1
        second = self._second(intended)
        second.lag_us = max(second.lag_us, late_us)

    def offered(self, intended: float) -> None:
        """A request is due."""
        if intended >= self._start:
            self._second(intended).offered += 1

    def sent(self, index: int, intended: float, now: float) -> None:
        """A request of group `index` was handed to the kernel."""
        if intended >= self._start:
            self.recording.groups[index].offered += 1
            self._second(now).sent += 1

    def succeeded(self, index: int, intended: float, sent_at: float, now: float, size: int) -> None:
        """A right answer came at `now`."""
        offset = intended - self._start
        if offset < 0:
            return
        group = self.recording.groups[index]
        group.completed += 1
        group.succeeded += 1
        group.received_bytes += size
        key = bucket(int((now - intended) * 1e6))
        counts = group.latency.get(int(offset))
        if counts is None:
            counts = group.latency[int(offset)] = {}
        counts[key] = counts.get(key, 0) + 1
        key = bucket(int((now - sent_at) * 1e6))
        group.service[key] = group.service.get(key, 0) + 1
        second = self._second(now)
        second.completed += 1
        second.succeeded += 1

    def failed(self, index: int, kind: ErrorKind, intended: float, now: float) -> None:
        """A request of group `index` ended in an error.

        A timeout is a latency too, of at least what was waited: leaving it out would flatter the percentiles.
        """
        if intended < self._start:
            return
        group = self.recording.groups[index]
        group.errors[kind] = group.errors.get(kind, 0) + 1
        if kind in ("timeout", "unfinished"):
            counts = group.latency.setdefault(int(intended - self._start), {})
            key = bucket(int((now - intended) * 1e6))
            counts[key] = counts.get(key, 0) + 1
        else:
            group.completed += 1
            self._second(now).completed += 1
        self._second(now).failed += 1

    def fail_unsent(self, kind: ErrorKind, intended: float, now: float) -> None:
        """A due request was never sent."""
        if intended >= self._start:
            errors = self.recording.errors
            errors[kind] = errors.get(kind, 0) + 1
            self._second(now).failed += 1

    def status(self, index: int, status: int, intended: float) -> None:
        """The status of an answer, right or wrong."""
        if status and intended >= self._start:
            statuses = self.recording.groups[index].statuses
            statuses[status] = statuses.get(status, 0) + 1

    def closed_idle(self) -> None:
        """The server closed a connection on which nothing was in flight."""
        self.recording.connections_closed_idle += 1

    def note(self, problem: str) -> None:
        """Keep the first few problems in words: a count says how many, a text says what."""
        problems = self.recording.first_problems
        if len(problems) < _PROBLEMS_MAX and problem not in problems:
            problems.append(problem)

    def _second(self, moment: float) -> Second:
        index = math.floor(moment - self._start)
        second = self._open.get(index)
        return self.recording.second(index) if second is None else second
