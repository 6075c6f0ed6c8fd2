"""What a plan needs to know about this machine: facts gathered before, so that planning itself is pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

#: How much processes record and write: `RUNG_TRACE=always rung dev`.
LOOK_CLOSER = ("RUNG_TRACE", "RUNG_LOG_LEVEL")


@dataclass(frozen=True, slots=True, kw_only=True)
class Database:
    """One database of the workload, with its three roles.

    `owner_url` may change the schema and is used by migrations alone; `serving_url` is what processes that use
    the database get; `carrier_url` reaches the schema `rung` only, the queues and schedules.
    """

    name: str
    owner_url: str = field(repr=False)
    serving_url: str = field(repr=False)
    carrier_url: str = field(repr=False)
    serving_role: str
    carrier_role: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """This machine, for one workload.

    `ports` are those of services that listen on their own; `environment` is what every process inherits,
    already without anybody's bindings or secrets. `carrier` is the database that carries queues and schedules;
    `brokers` are the URLs of the other servers that carry queues, by broker.
    """

    python: str
    folder: Path
    state: Path
    host: str
    port: int
    gateway_workers: int = 1
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    ports: Mapping[str, int] = field(default_factory=dict)
    databases: Mapping[str, Database] = field(default_factory=dict)
    carrier: Database | None = None
    caches: Mapping[str, str] = field(default_factory=dict, repr=False)
    brokers: Mapping[str, str] = field(default_factory=dict, repr=False)
    secrets: Mapping[str, Path] = field(default_factory=dict)
    workload: str = ""

    @property
    def url(self) -> str:
        """Where the workload is open for a browser."""
        host = "localhost" if self.host in ("127.0.0.1", "0.0.0.0", "::") else self.host  # noqa: S104 - compared
        return f"http://{host}:{self.port}"


def inherited(environment: Mapping[str, str]) -> dict[str, str]:
    """The part of the shell's environment that processes may see: no bindings and no secrets of ours.

    What somebody sets to look closer is theirs to set.
    """
    ours = ("RUNG_", "DATABASE_URL", "REDIS_URL", "VIRTUAL_ENV")
    return {name: value for name, value in environment.items() if name in LOOK_CLOSER or not name.startswith(ours)}
