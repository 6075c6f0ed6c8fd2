"""`.rung/`: one holder at a time, a dead one is no obstacle, ports and secrets stay what they were."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from rung.errors import MachineError
from rung.local.process import free_port
from rung.local.state import State

_HOLD = """
import sys, time
from pathlib import Path
from rung.local.state import State
with State.beside(Path(sys.argv[1])).lock():
    print("held", flush=True)
    time.sleep(60)
"""


def hold(workload: Path) -> subprocess.Popen[str]:
    holder = subprocess.Popen([sys.executable, "-c", _HOLD, str(workload)], stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    return holder


def test_a_second_holder_is_told_who_has_it(tmp_path: Path) -> None:
    holder = hold(tmp_path / "workload.py")
    try:
        with pytest.raises(MachineError) as caught, State.beside(tmp_path / "workload.py").lock():
            pass
        (finding,) = caught.value.findings
        assert finding.code == "R0306"
        assert f"process {holder.pid}, started 20" in finding.found
        assert f"kill {holder.pid}" in finding.help
    finally:
        holder.kill()
        holder.communicate()


def test_the_lock_of_a_killed_holder_is_taken_over(tmp_path: Path) -> None:
    holder = hold(tmp_path / "workload.py")
    os.kill(holder.pid, signal.SIGKILL)
    holder.communicate()
    assert str(holder.pid) in (tmp_path / ".rung" / "lock").read_text()
    with State.beside(tmp_path / "workload.py").lock():
        assert str(os.getpid()) in (tmp_path / ".rung" / "lock").read_text()
    assert (tmp_path / ".rung" / "lock").read_text() == ""


def test_a_port_stays_the_same_while_it_is_free(tmp_path: Path) -> None:
    port = State.beside(tmp_path / "workload.py").port("postgres")
    again = State.beside(tmp_path / "workload.py")
    assert again.port("postgres") == port
    assert again.port("redis") != port
    with socket.socket() as other:
        other.bind(("127.0.0.1", port))
        other.listen()
        assert again.port("postgres") == port  # whoever listens there now was started by us
        assert State.beside(tmp_path / "workload.py").port("postgres") != port


def test_a_port_is_none_that_an_outgoing_connection_may_be_given() -> None:
    lowest = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    assert all(1024 <= free_port() < lowest for _ in range(50))


def test_a_secret_is_made_up_once_and_is_private(tmp_path: Path) -> None:
    state = State.beside(tmp_path / "workload.py")
    file, made_up = state.secret("stripe-key")
    assert made_up
    assert file.stat().st_mode & 0o777 == 0o600
    value = file.read_text()
    assert state.secret("stripe-key") == (file, False)
    assert file.read_text() == value
    state.secret("stripe-key", "sk_test_1")
    assert file.read_text() == "sk_test_1\n"


def test_what_was_done_for_one_database_is_not_done_for_another(tmp_path: Path) -> None:
    state = State.beside(tmp_path / "workload.py")
    state.mark_done("seed", "7000/16384")
    assert state.done("seed", "7000/16384")
    assert not state.done("seed", "7000/16999")
    assert not state.done("other", "7000/16384")


def test_the_folder_keeps_itself_out_of_version_control(tmp_path: Path) -> None:
    State.beside(tmp_path / "workload.py")
    assert (tmp_path / ".rung" / ".gitignore").read_text() == "*\n"
