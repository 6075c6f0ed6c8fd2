"""What the supervisor is told about one process: data, and nothing about workloads."""

from __future__ import annotations

import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from rung.errors import Location

Kind = Literal["server", "gateway", "service", "worker", "workflow", "schedule", "job"]

#: Stopping goes from the outside in: first nobody new comes in, last the data goes away.
#: The gateway first: what it forwards to is there until everybody has had an answer.
STOP_ORDER: tuple[tuple[Kind, ...], ...] = (
    ("gateway",),
    ("service",),
    ("worker", "workflow"),
    ("schedule", "job"),
    ("server",),
)


#: What nobody waits for leaves the processor to what somebody waits for, on a machine that has to do both.
YIELDS: Mapping[Kind, int] = {"worker": 5, "workflow": 5, "schedule": 5, "job": 5}


@dataclass(frozen=True, slots=True, kw_only=True)
class RestartPolicy:
    """Exponential backoff: `first_seconds` doubled per failure in a row, at most `longest_seconds`.

    A process that ran for `stable_seconds` starts again from the beginning. Before it was ready for the first
    time a process is restarted only during `start_retry_seconds`: a server may still hold its predecessor's
    memory, but a program that cannot start is an error that somebody should read now.
    """

    first_seconds: float = 0.1
    longest_seconds: float = 10.0
    stable_seconds: float = 10.0
    start_retry_seconds: float = 0.0

    def delay_seconds(self, failures: int) -> float:
        """How long to wait after `failures` (1 or more) failures in a row."""
        return float(min(self.longest_seconds, self.first_seconds * 2 ** min(failures - 1, 30)))


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadyLine:
    """Ready when it prints a JSON object whose `event` is `ready`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listening:
    """Ready when something accepts connections on this port of the loopback."""

    port: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Postmaster:
    """Ready when the Postgres in `directory` says so in its pid file."""

    directory: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """Ready as soon as it runs."""


Ready = ReadyLine | Listening | Postmaster | Started


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessSpec:
    """One kind of process and how many of it: what to run, when it counts as ready, how it stops.

    `needs` names the specifications that must be ready first. `output` is the file that takes what it prints;
    None: its lines go into the merged log. `entries` are the `module:object` it imports; the reload
    restarts it when one of their files changes. Two equal specifications need no restart.
    """

    name: str
    kind: Kind
    command: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    directory: Path | None = None
    needs: tuple[str, ...] = ()
    ready: Ready = field(default_factory=ReadyLine)
    restart: RestartPolicy | None = field(default_factory=RestartPolicy)
    min_instances: int = 1
    max_instances: int = 1
    entries: tuple[str, ...] = ()
    output: Path | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    kill_signal: signal.Signals = signal.SIGKILL
    start_timeout_seconds: float = 30.0
    stop_timeout_seconds: float = 30.0
    before_exec: Callable[[], Callable[[], None] | None] | None = field(default=None, compare=False, repr=False)
    location: Location | None = field(default=None, compare=False)
    #: Where the workload names each of `entries`, when that is not `location`.
    entry_locations: tuple[Location | None, ...] = field(default=(), compare=False)

    def location_of(self, entry: str) -> Location | None:
        """The line of the workload file that names `entry`."""
        places = dict(zip(self.entries, self.entry_locations, strict=False))
        return places.get(entry) or self.location
