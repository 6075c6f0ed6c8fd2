"""What a generator process writes down while it runs: plain counts that can be added together."""

from __future__ import annotations

from typing import Literal, TypeVar, get_args

import msgspec

from rung.load.histogram import Histogram

Key = TypeVar("Key", int, str)

ErrorKind = Literal["connect", "timeout", "reset", "garbage", "status 4xx", "status 5xx", "status", "invalid body",
                    "journey", "dropped", "unfinished"]  # fmt: skip
ERROR_KINDS: tuple[ErrorKind, ...] = get_args(ErrorKind)


class GroupRecord(msgspec.Struct, kw_only=True):
    """One row of the table: everything sent under one step name."""

    name: str
    method: str
    route: str
    # Per second of the intended send time: bucket -> count, of latency from the intended send time.
    latency: dict[int, dict[int, int]] = {}
    # From the moment the bytes were handed to the kernel; without the generator's and the user's own queue.
    service: dict[int, int] = {}
    statuses: dict[int, int] = {}
    errors: dict[str, int] = {}
    offered: int = 0
    completed: int = 0
    succeeded: int = 0
    received_bytes: int = 0

    def histogram(self) -> Histogram:
        """All latencies of the group."""
        return Histogram.merged(Histogram(counts) for counts in self.latency.values())

    def failed(self) -> int:
        """Requests that ended in any error."""
        return sum(self.errors.values())


class Second(msgspec.Struct, kw_only=True):
    """One second of the run."""

    offered: int = 0  # due in this second
    sent: int = 0  # handed to the kernel in this second
    completed: int = 0  # answered in this second, right or wrong
    succeeded: int = 0  # answered rightly in this second
    failed: int = 0  # ended in an error in this second
    in_flight: int = 0  # at the end of this second
    waiting: int = 0  # due but not sent at the end of this second
    lag_us: int = 0  # the largest lateness of the generator itself


class Recording(msgspec.Struct, kw_only=True):
    """One process's counts over the measured time."""

    groups: list[GroupRecord]
    seconds: dict[int, Second] = {}
    lag: dict[int, int] = {}  # how late the generator was for requests it could have sent at once
    errors: dict[str, int] = {}  # before a step was chosen: connect, dropped
    connections_opened: int = 0
    connections_failed: int = 0
    connections_closed_idle: int = 0
    reconnections: int = 0
    first_problems: list[str] = []
    cpu_seconds: float = 0.0
    wall_seconds: float = 0.0
    peak_memory_bytes: int = 0

    def second(self, index: int) -> Second:
        """The record of a second, made when it is first asked for."""
        found = self.seconds.get(index)
        if found is None:
            found = self.seconds[index] = Second()
        return found


def add_counts(into: dict[Key, int], other: dict[Key, int]) -> None:
    """Add the counts of `other` to `into`."""
    for key, count in other.items():
        into[key] = into.get(key, 0) + count


def merge(recordings: list[Recording]) -> Recording:
    """The recordings of several processes of one run as one."""
    whole = Recording(
        groups=[GroupRecord(name=g.name, method=g.method, route=g.route) for g in recordings[0].groups]
    )
    for part in recordings:
        for into, group in zip(whole.groups, part.groups, strict=True):
            _merge_group(into, group)
        for index, second in part.seconds.items():
            _merge_second(whole.second(index), second)
        add_counts(whole.lag, part.lag)
        add_counts(whole.errors, part.errors)
        whole.connections_opened += part.connections_opened
        whole.connections_failed += part.connections_failed
        whole.connections_closed_idle += part.connections_closed_idle
        whole.reconnections += part.reconnections
        whole.first_problems = (whole.first_problems + part.first_problems)[:10]
        whole.cpu_seconds += part.cpu_seconds
        whole.wall_seconds = max(whole.wall_seconds, part.wall_seconds)
        whole.peak_memory_bytes += part.peak_memory_bytes
    return whole


def _merge_group(into: GroupRecord, group: GroupRecord) -> None:
    for index, counts in group.latency.items():
        add_counts(into.latency.setdefault(index, {}), counts)
    add_counts(into.service, group.service)
    add_counts(into.statuses, group.statuses)
    add_counts(into.errors, group.errors)
    into.offered += group.offered
    into.completed += group.completed
    into.succeeded += group.succeeded
    into.received_bytes += group.received_bytes


def _merge_second(into: Second, second: Second) -> None:
    into.offered += second.offered
    into.sent += second.sent
    into.completed += second.completed
    into.succeeded += second.succeeded
    into.failed += second.failed
    into.in_flight += second.in_flight
    into.waiting += second.waiting
    into.lag_us = max(into.lag_us, second.lag_us)
