"""`.rung/` beside workload.py: who runs here, which ports it had, its data and its secrets.

Everything in it can be thrown away at the price of the data; nothing in it belongs in version control (a
`.gitignore` inside says so).
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from rung.errors import Finding, MachineError
from rung.local.process import free_port, is_free

FOLDER = ".rung"
#: The binding of every queue, for `rung queue`.
QUEUES_FILE = "queues.json"
BUSES_FILE = "buses.json"
WORKFLOWS_FILE = "workflows.json"


@dataclass(slots=True)
class State:
    """The state folder of one workload."""

    directory: Path
    ports: dict[str, int] = field(default_factory=dict)
    _given: set[str] = field(default_factory=set)

    @classmethod
    def beside(cls, workload: Path) -> State:
        """The folder beside the workload file, made when it is not there."""
        directory = workload.resolve().parent / FOLDER
        directory.mkdir(mode=0o755, exist_ok=True)
        (directory / ".gitignore").write_text("*\n")
        return cls(directory, _read_json(directory / "ports.json"))

    def port(self, name: str) -> int:
        """The port that `name` had last time when it is still free, else another free one.

        Asked again it answers the same: what listens there by then is ours.
        """
        if name in self._given:
            return self.ports[name]
        remembered = self.ports.get(name)
        taken = {port for other, port in self.ports.items() if other != name}
        if not isinstance(remembered, int) or not is_free(remembered):
            remembered = next(port for port in iter(free_port, None) if port not in taken)
        if self.ports.get(name) != remembered:
            self.ports[name] = remembered
            (self.directory / "ports.json").write_bytes(msgspec.json.encode(self.ports))
        self._given.add(name)
        return remembered

    def secret(self, name: str, given: str | None = None) -> tuple[Path, bool]:
        """The file that holds a secret, and whether a random value had to be made up for it.

        `given` replaces what the file holds. The file is readable by its owner alone.
        """
        file = self.directory / "secrets" / name
        file.parent.mkdir(mode=0o700, exist_ok=True)
        made_up = given is None and not file.exists()
        if given is not None or made_up:
            file.touch(mode=0o600)
            file.write_text((given or secrets.token_urlsafe(24)) + "\n")
        return file, made_up

    def write_json(self, name: str, content: object) -> Path:
        """Write a file for other processes of its owner, whole or not at all."""
        file = self.directory / name
        draft = file.with_suffix(".new")
        draft.touch(mode=0o600)
        draft.write_bytes(msgspec.json.format(msgspec.json.encode(content)))
        draft.replace(file)
        return file

    def done(self, what: str, where: str) -> bool:
        """Whether `what` was marked as done for the database `where`."""
        marker = self._marker(what)
        return marker.exists() and marker.read_text() == _fingerprint(where)

    def mark_done(self, what: str, where: str) -> None:
        """Remember that `what` was done for the database `where`; another database starts afresh."""
        marker = self._marker(what)
        marker.parent.mkdir(exist_ok=True)
        marker.write_text(_fingerprint(where))

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Be the only `rung dev` in this folder. Raises MachineError (R0306) that names who is.

        The lock is the kernel's (`flock`): it ends with its holder, however that ends, so a stale file is
        simply taken over. The content is for people.
        """
        file = self.directory / "lock"
        with file.open("a+") as stream:
            try:
                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise _held(file, _read_json(file)) from None
            stream.truncate(0)
            stream.write(_describe_holder())
            stream.flush()
            try:
                yield
            finally:
                with contextlib.suppress(OSError):
                    stream.truncate(0)

    def _marker(self, what: str) -> Path:
        return self.directory / "done" / what


def _describe_holder() -> str:
    started = datetime.now(UTC).isoformat(timespec="seconds")
    return msgspec.json.encode({"pid": os.getpid(), "started_at": started}).decode()


def _held(file: Path, holder: dict[str, Any]) -> MachineError:
    return MachineError(
        Finding(
            code="R0306",
            severity="error",
            message="another rung dev runs this workload",
            found=f"process {holder.get('pid', '?')}, started {holder.get('started_at', '?')}, holds {file}",
            effect="two would share one database, one set of ports and one set of workers",
            help=f"use the one that runs, or end it: kill {holder.get('pid', '<pid>')}",
        )
    )


def _read_json(file: Path) -> dict[str, Any]:
    try:
        content = msgspec.json.decode(file.read_bytes())
    except (OSError, msgspec.DecodeError):
        return {}
    return content if isinstance(content, dict) else {}


def _fingerprint(where: str) -> str:
    return hashlib.sha256(where.encode()).hexdigest()
