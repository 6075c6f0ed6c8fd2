"""Starting a server as a child that dies with us and, where it must, under another user."""

from __future__ import annotations

import ctypes
import os
import pwd
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


def free_port() -> int:
    """A TCP port on 127.0.0.1 that nothing listens on right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


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


def _die_with_parent() -> None:
    """Linux only: the kernel signals this child when the process that started it is gone."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGINT)


def spawn(
    command: Sequence[str | Path],
    *,
    output: Path,
    environment: Mapping[str, str] | None = None,
    before_exec: Callable[[], None] | None = None,
) -> subprocess.Popen[bytes]:
    """Start `command` in a session of its own, with its output appended to `output`.

    A session of its own keeps the terminal's Ctrl-C from stopping a database under requests that still run.
    """

    def prepare() -> None:
        _die_with_parent()
        if before_exec is not None:
            before_exec()

    with output.open("ab") as stream:
        return subprocess.Popen(
            [str(word) for word in command],
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=stream,
            env=None if environment is None else dict(environment),
            start_new_session=True,
            preexec_fn=prepare,  # noqa: PLW1509 - runs before any thread of ours exists in the child
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
    _die_with_parent()  # changing the user clears the parent-death signal


def _enter_user_namespace() -> None:
    if ctypes.CDLL(None, use_errno=True).unshare(_CLONE_NEWUSER) != 0:
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
