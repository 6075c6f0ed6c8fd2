"""Starting a server as a child that dies with us and, where it must, under another user."""

from __future__ import annotations

import ctypes
import os
import pwd
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_CLONE_NEWUSER = 0x10000000
_UNPRIVILEGED = "nobody"
# Loaded before any fork: a child of a process with threads must not load libraries before it executes.
_LIBC = ctypes.CDLL(None, use_errno=True)


#: Below the ports that Linux (32768 up), macOS and Windows (49152 up) give to outgoing connections: one of
#: those is often somebody's connection by the time that a server has started.
_PORTS = range(15_000, 32_768)
_ATTEMPTS = 200


def free_port() -> int:
    """A TCP port on 127.0.0.1 that nothing uses right now, and that no outgoing connection will be given."""
    for _ in range(_ATTEMPTS):
        port = _PORTS.start + secrets.randbelow(len(_PORTS))
        if is_free(port):
            return port
    with socket.socket() as probe:  # nearly all are taken: whichever the system finds
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def is_free(port: int, host: str = "127.0.0.1") -> bool:
    """Whether a server could listen on `port` now. A connection in TIME_WAIT does not count."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
        return True


def may_listen(port: int) -> bool:
    """Whether the system lets this user listen on a port of that number."""
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except PermissionError:
            return False
        except OSError:
            return True
        return True


def wait_listening(address: tuple[str, int], *, process: subprocess.Popen[bytes], timeout_seconds: float) -> bool:
    """Wait until `address` accepts connections. False when the process ended or the time is up first."""
    deadline = time.monotonic() + timeout_seconds
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with socket.create_connection(address, timeout=0.25):
                return True
        except OSError:
            time.sleep(0.01)
    return False


def die_with_parent(death_signal: signal.Signals) -> None:
    """Linux only: the kernel sends this process `death_signal` when the *thread* that started it has ended.

    The thread, not the process (prctl(2), PR_SET_PDEATHSIG): start children from the main thread. Elsewhere
    the guard (`rung.local.guard`) ends what is left, and on Linux it does so too.
    """
    if sys.platform == "linux":
        _LIBC.prctl(_PR_SET_PDEATHSIG, int(death_signal))


def preparation(
    death_signal: signal.Signals, before_exec: Callable[[], None] | None = None, *, yields: int = 0
) -> Callable[[], None]:
    """What a child does between fork and exec: bind its life to ours, then `before_exec`.

    `yields` is by how much it is nicer to others than we are, as in nice(2).
    """
    parent = os.getpid()

    def prepare() -> None:
        die_with_parent(death_signal)
        if yields:
            os.nice(yields)
        if before_exec is not None:
            before_exec()
            die_with_parent(death_signal)  # changing the user clears the parent-death signal
        if os.getppid() != parent:  # the parent ended before the kernel knew what to do
            os._exit(1)

    return prepare


def spawn(
    command: Sequence[str | Path],
    *,
    output: Path,
    environment: Mapping[str, str] | None = None,
    before_exec: Callable[[], None] | None = None,
    death_signal: signal.Signals = signal.SIGINT,
) -> subprocess.Popen[bytes]:
    """Start `command` in a session of its own, with its output appended to `output`.

    A session of its own keeps the terminal's Ctrl-C from stopping a database under requests that still run.
    """
    with output.open("ab") as stream:
        return subprocess.Popen(
            [str(word) for word in command],
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=stream,
            env=None if environment is None else dict(environment),
            start_new_session=True,
            preexec_fn=preparation(death_signal, before_exec),  # noqa: PLW1509 - it only makes system calls
        )


def drop_root(*, reachable: Sequence[Path], writable: Sequence[Path]) -> Callable[[], None] | None:
    """How a child stops being root, for servers that refuse to run as root (Postgres does).

    An unprivileged user when that user can reach every path, else a user namespace in which we are
    not root but keep root's access to the files. None when we are not root to begin with.
    """
    if os.geteuid() != 0:
        return None
    user = pwd.getpwnam(_UNPRIVILEGED)
    if all(_can_traverse(path, user.pw_uid) for path in (*reachable, *writable)):
        for path in writable:
            for entry in (path, *path.rglob("*")):
                os.chown(entry, user.pw_uid, user.pw_gid, follow_symlinks=False)
        return lambda: _become(user.pw_uid, user.pw_gid)
    return _enter_user_namespace


def _can_traverse(path: Path, uid: int) -> bool:
    for folder in path.resolve().parents:
        status = folder.stat()
        if not status.st_mode & 0o001 and status.st_uid != uid:
            return False
    return True


def _become(uid: int, gid: int) -> None:
    os.setgroups([])
    os.setgid(gid)
    os.setuid(uid)


def _enter_user_namespace() -> None:
    if _LIBC.unshare(_CLONE_NEWUSER) != 0:
        raise OSError(ctypes.get_errno(), "this machine does not let root enter a user namespace")
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text("1000 0 1")
    Path("/proc/self/gid_map").write_text("1000 0 1")


def stop(process: subprocess.Popen[bytes], *, with_signal: signal.Signals, timeout_seconds: float) -> int:
    """Signal the process, wait for it, and kill it when it does not end in time. The exit status."""
    if process.poll() is None:
        process.send_signal(with_signal)
        try:
            process.wait(timeout_seconds)
        except subprocess.TimeoutExpired:
            process.kill()
    return process.wait()
