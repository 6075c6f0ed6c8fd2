"""A real RabbitMQ on this machine: the one that the system's package installed, run by us as a node of our own.

It has its own folder, ports, cookie and port mapper (epmd), so it neither finds nor disturbs another node.
"""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import subprocess
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from rung.errors import Finding, MachineError
from rung.local.process import drop_root, free_port, spawn, wait_listening

START_TIMEOUT_SECONDS = 60.0
STOP_TIMEOUT_SECONDS = 10.0
USER = "rung"
#: Where packages put the script that runs a node as whoever calls it. The one on PATH may insist on its own user.
_SCRIPTS = ("/usr/lib/rabbitmq/bin/rabbitmq-server",)
#: Two schedulers, and none that spins while it waits; a laptop has other work.
_ERLANG = "+S 2:2 +sbwt none +sbwtdcpu none +sbwtdio none"

SETTINGS: Mapping[str, str] = {
    "default_user": USER,
    "default_vhost": "/",
    "loopback_users": "none",
    "log.file": "false",
    "log.console": "true",
    "log.console.level": "warning",
    # How long a handler may keep one message, in ms: a week. Servers before 3.12 know it for all queues only.
    "consumer_timeout": "604800000",
    # What else runs on this machine needs memory and disk too.
    "disk_free_limit.absolute": "50MB",
    "vm_memory_high_watermark.absolute": "512MB",
}


def server_script() -> Path:
    """The script that runs a node. Raises MachineError (R0311) when RabbitMQ is not installed."""
    for name in (*_SCRIPTS, shutil.which("rabbitmq-server")):
        if name is not None and Path(name).exists():
            return Path(name)
    raise MachineError(
        Finding(
            code="R0311",
            severity="error",
            message="RabbitMQ is not installed",
            found="no rabbitmq-server on this machine",
            effect="no queue with broker='rabbitmq' can run here",
            help="apt-get install rabbitmq-server, or set RUNG_RABBITMQ_URL to a server that runs",
        )
    )


@dataclass(slots=True)
class RabbitServer:
    """A running RabbitMQ. `url` carries its random password."""

    directory: Path
    ports: tuple[int, int, int]
    password: str
    settings: Mapping[str, str]
    process: subprocess.Popen[bytes] = field(repr=False)

    @property
    def port(self) -> int:
        """Where it speaks AMQP."""
        return self.ports[0]

    @property
    def url(self) -> str:
        """Its virtual host `/`."""
        return rabbitmq_url(self.port, self.password)

    def stop(self) -> None:
        """Ordinary shutdown, and its port mapper with it."""
        with suppress(ProcessLookupError):
            self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(STOP_TIMEOUT_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
        _end_group(self.process)

    def kill(self) -> None:
        """What a crash does."""
        _end_group(self.process)
        self.process.wait()

    def restart(self) -> None:
        """Start again on the same ports and data."""
        self.process = _launch(self.directory, self.ports, self.settings)


def start_rabbitmq(directory: Path, *, settings: Mapping[str, str] | None = None) -> RabbitServer:
    """Start RabbitMQ with its data in `directory` (3 s). Raises MachineError (R0311 none, R0312 does not start).

    It lives at most as long as the thread that starts it.
    """
    password = read_password(directory)
    ports = (free_port(), free_port(), free_port())
    merged = {**SETTINGS, **(settings or {})}
    return RabbitServer(directory, ports, password, merged, _launch(directory, ports, merged))


def rabbitmq_command(directory: Path, ports: tuple[int, int, int], settings: Mapping[str, str]) -> tuple[str, ...]:
    """The command that runs a node in `directory`, its port mapper beside it; writes the configuration it reads.

    `ports` are those of AMQP, of other nodes, and of the port mapper. A group of processes: end it as one.
    """
    script = server_script()
    password = read_password(directory)
    amqp, _, mapper = ports
    for name in ("home", "data", "log"):
        (directory / name).mkdir(exist_ok=True)
    lines = [f"{name} = {value}" for name, value in settings.items()]
    lines += [f"listeners.tcp.1 = 127.0.0.1:{amqp}", f"default_pass = {password}"]
    _write(directory / "rabbitmq.conf", "\n".join(lines) + "\n")
    _write(directory / "environment.conf", "")
    _write(directory / "plugins", "[].\n")
    # The node replaces the shell, so its process is the one that is watched; the mapper ends with it where it can.
    bound = "setpriv --pdeathsig KILL " if shutil.which("setpriv") else ""
    program = f'{bound}epmd -port {mapper} -address 127.0.0.1 & exec "{script}" -noinput'
    return ("/bin/sh", "-c", program)


def rabbitmq_environment(directory: Path, ports: tuple[int, int, int]) -> dict[str, str]:
    """What the node is told; nothing of the system's own node."""
    amqp, distribution, mapper = ports
    place = str(directory.resolve())
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("RABBITMQ_", "ERL_"))}
    return {
        **inherited,
        "HOME": f"{place}/home",
        "LANG": "C.UTF-8",
        "PATH": f"{inherited.get('PATH', os.defpath)}:/usr/sbin:/usr/lib/rabbitmq/bin",
        "ERL_EPMD_PORT": str(mapper),
        "ERL_EPMD_ADDRESS": "127.0.0.1",
        "ERL_CRASH_DUMP_SECONDS": "0",
        "RABBITMQ_ALLOW_INPUT": "1",  # the script then becomes the node instead of waiting for it
        "RABBITMQ_NODENAME": f"rung-{amqp}@localhost",
        "RABBITMQ_NODE_PORT": str(amqp),
        "RABBITMQ_DIST_PORT": str(distribution),
        "RABBITMQ_MNESIA_BASE": f"{place}/data",
        "RABBITMQ_LOG_BASE": f"{place}/log",
        "RABBITMQ_GENERATED_CONFIG_DIR": f"{place}/data/config",
        "RABBITMQ_CONFIG_FILE": f"{place}/rabbitmq.conf",
        "RABBITMQ_ADVANCED_CONFIG_FILE": f"{place}/advanced.config",
        "RABBITMQ_CONF_ENV_FILE": f"{place}/environment.conf",
        "RABBITMQ_ENABLED_PLUGINS_FILE": f"{place}/plugins",
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": _ERLANG,
    }


def without_root(directory: Path) -> Callable[[], None] | None:
    """What the node's process does before it executes: a broker has no business with root's rights."""
    return drop_root(reachable=[server_script()], writable=[directory])


def read_password(directory: Path) -> str:
    """The password of the RabbitMQ in `directory`; made on first use, readable by its owner alone."""
    file = directory / "password"
    if not file.exists():
        directory.mkdir(parents=True, exist_ok=True)
        file.touch(mode=0o600)
        file.write_text(secrets.token_urlsafe(24))
    return file.read_text()


def rabbitmq_url(port: int, password: str) -> str:
    """The URL of this machine's RabbitMQ."""
    return f"amqp://{USER}:{password}@127.0.0.1:{port}/"


def _write(file: Path, text: str) -> None:
    file.touch(mode=0o600)
    file.write_text(text)


def _launch(directory: Path, ports: tuple[int, int, int], settings: Mapping[str, str]) -> subprocess.Popen[bytes]:
    log = directory / "rabbitmq.log"
    command = rabbitmq_command(directory, ports, settings)
    log.touch()
    process = spawn(
        command,
        output=log,
        environment=rabbitmq_environment(directory, ports),
        before_exec=without_root(directory),
        death_signal=signal.SIGTERM,
    )
    if not wait_listening(("127.0.0.1", ports[0]), process=process, timeout_seconds=START_TIMEOUT_SECONDS):
        _end_group(process)
        raise MachineError(
            Finding(
                code="R0312",
                severity="error",
                message="RabbitMQ does not start",
                found="\n".join(log.read_text(errors="replace").splitlines()[-5:]),
                effect="no queue with broker='rabbitmq' can run here",
                help="read the log above, or set RUNG_RABBITMQ_URL to a server that runs",
            )
        )
    return process


def _end_group(process: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
