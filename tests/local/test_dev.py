"""`rung dev` end to end on the sample workload: one of everything, one port, and nothing left behind."""

from __future__ import annotations

import signal
import socket
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from tests.local.dev import Dev, copy_sample, running
from tests.local.programs import alive

from rung.local.machine import inherited

pytestmark = [pytest.mark.timeout(120), pytest.mark.xdist_group("rung-dev")]


@pytest.fixture(scope="module")
def dev(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dev]:
    """One that the reading tests share. Do not stop it, and do not break what it runs."""
    with running(copy_sample(tmp_path_factory.mktemp("dev")), "--no-reload") as found:
        yield found


def test_the_site_the_service_and_the_plain_program_share_one_port(dev: Dev) -> None:
    assert "sample site" in dev.get("/")[1]
    assert "sample site" in dev.get("/any/page")[1]
    assert dev.get("/api/bindings")[0] == 200
    assert dev.get("/plain/")[0] == 200


def test_the_ready_line_names_the_url_and_the_time(dev: Dev) -> None:
    ready = dev.ready()
    assert ready["url"] == f"http://localhost:{dev.port}"
    assert 0 < ready["seconds"] < 40
    assert {"gateway", "plain", "done"} <= set(ready["processes"])


def test_a_process_knows_what_it_has_an_edge_for_and_no_more(dev: Dev) -> None:
    body = dev.get("/api/bindings")[1]
    assert body["names"] == [f"RUNG_BINDING_{name}" for name in ("API_TOKEN", "CACHE", "DB", "JOBS")]
    assert body["token"] == 32
    assert dev.get("/plain/")[1] == ["CACHE_URL", "REDIS_URL", "RUNG_BINDING_CACHE"]
    worker = next(each for each in dev.tree() if "rung.runtime.worker" in each.cmdline())
    names = {name for name in worker.environ() if name.startswith("RUNG_BINDING_")}
    assert names == {"RUNG_BINDING_JOBS", "RUNG_BINDING_DB"}


def test_what_serves_says_where_its_metrics_are(dev: Dev) -> None:
    """`rung load` reads how much the caches answer there."""
    files = list((dev.folder / ".rung" / "metrics").iterdir())
    serving = {each.pid for each in dev.tree() if each.environ().get("RUNG_METRICS_PORT") == "0"}
    assert {int(file.name) for file in files} & serving
    with urllib.request.urlopen(f"http://127.0.0.1:{files[0].read_text()}/metrics", timeout=20) as answer:
        assert "rung_cache_reads_total" in answer.read().decode()


def test_a_message_goes_through_the_queue_to_the_worker(dev: Dev) -> None:
    status, _ = dev.get("/api/jobs", data=b"through the queue")
    assert status == 202
    dev.eventually("/api/notes", lambda notes: "through the queue" in notes)


def test_the_schedule_ticks(dev: Dev) -> None:
    dev.eventually("/api/ticks", lambda count: count >= 2)


def test_every_line_is_a_json_object_with_a_node(dev: Dev) -> None:
    dev.get("/")
    assert dev.other == []
    assert all("node" in line for line in dev.lines)


def test_a_killed_gateway_and_a_killed_worker_come_back(dev: Dev) -> None:
    worker = next(each for each in dev.tree() if "rung.runtime.worker" in each.cmdline())
    worker.kill()
    line = dev.until(
        lambda line: line.get("reason") == "was killed by SIGKILL" and line["node"].startswith("done")
    )
    assert "restarting in" in line["event"]
    dev.get("/api/jobs", data=b"after the kill")
    dev.eventually("/api/notes", lambda notes: "after the kill" in notes)


def test_a_second_one_on_the_same_folder_says_who_holds_it(dev: Dev) -> None:
    second = Dev(dev.folder / "workload.py")
    assert second.process.wait(30) == 1
    second.stop()
    printed = second.said()
    assert "R0306" in printed
    assert f"process {dev.process.pid}" in printed


def test_state_survives_and_the_seed_runs_once(tmp_path: Path) -> None:
    workload = copy_sample(tmp_path)
    with running(workload) as first:
        first.eventually("/api/notes", lambda notes: notes == ["seeded"])
        first.until(lambda line: line["event"] == "done" and line["node"] == "seed")
        token = (tmp_path / ".rung" / "secrets" / "api-token").read_text()
        assert first.stop() == 0
    with running(workload) as second:
        second.get("/api/jobs", data=b"second")
        second.eventually("/api/notes", lambda notes: notes == ["seeded", "second"])
        assert (tmp_path / ".rung" / "secrets" / "api-token").read_text() == token
        assert second.stop() == 0


def test_ctrl_c_leaves_no_process_and_no_socket(tmp_path: Path) -> None:
    with running(copy_sample(tmp_path)) as dev:
        tree = dev.tree()
        ports = {
            connection.laddr.port
            for process in tree
            for connection in process.net_connections(kind="inet")
            if connection.status == psutil.CONN_LISTEN
        }
        assert dev.port in ports
        assert len(ports) >= 4  # the gateway, Postgres, Redis, the plain program
        assert dev.stop() == 0
        assert [each for each in tree if alive(each.pid)] == []
        assert [port for port in ports if _listening(port)] == []


def test_a_kill_leaves_no_process_and_no_socket_either(tmp_path: Path) -> None:
    with running(copy_sample(tmp_path)) as dev:
        tree = dev.tree()
        dev.process.kill()
        dev.process.wait()
        deadline = time.monotonic() + 15
        while left := [each for each in tree if alive(each.pid)]:
            assert time.monotonic() < deadline, [(each.pid, each.cmdline()) for each in left]
            time.sleep(0.05)
        assert not _listening(dev.port)
    with running(tmp_path / "workload.py") as again:  # the lock and the data directory are no obstacle
        again.eventually("/api/notes", lambda notes: "seeded" in notes)


def test_a_second_ctrl_c_does_not_wait(tmp_path: Path) -> None:
    with running(copy_sample(tmp_path)) as dev:
        tree = dev.tree()
        held = socket.create_connection(("127.0.0.1", dev.port))
        held.sendall(b"GET /api/slow?seconds=25 HTTP/1.1\r\nhost: localhost\r\n\r\n")
        assert dev.get("/api/bindings")[0] == 200  # by now the earlier request is being served
        dev.process.send_signal(signal.SIGINT)
        dev.until(lambda line: line["event"].startswith("stopping: "))
        began = time.monotonic()
        dev.process.send_signal(signal.SIGINT)
        dev.process.wait(10)
        held.close()
        assert time.monotonic() - began < 6
        assert [each for each in tree if alive(each.pid)] == []


def test_seconds_end_it(tmp_path: Path) -> None:
    workload = copy_sample(tmp_path)
    dev = Dev(workload, "--seconds", "0.2")
    assert dev.process.wait(60) == 0, dev.said()
    dev.stop()


def _listening(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_no_binding_or_database_of_the_shell_reaches_a_process() -> None:
    shell = {
        "RUNG_BINDING_DB": "{}",
        "RUNG_STATE": "/elsewhere",
        "DATABASE_URL": "postgresql://x",
        "HOME": "/home/me",
    }
    assert inherited(shell) == {"HOME": "/home/me"}
