"""F34: Ctrl-C on `rung dev` under load: no request that was begun fails, what runs is finished, exit 0 in 30 s."""

from __future__ import annotations

import signal
import threading
import time
from pathlib import Path

import pytest
from tests.local.dev import Dev, copy_sample, running
from tests.local.programs import alive

CLIENTS = 8


class Load:
    """Clients that ask again and again until the port is closed, and remember every answer."""

    def __init__(self, dev: Dev) -> None:
        self.dev = dev
        self.statuses: list[int] = []
        self.begun_and_lost: list[str] = []
        self._threads = [threading.Thread(target=self._ask, daemon=True) for _ in range(CLIENTS)]

    def start(self) -> None:
        """Begin."""
        for thread in self._threads:
            thread.start()

    def join(self) -> None:
        """Wait until every client has seen the port closed."""
        for thread in self._threads:
            thread.join(40)

    def _ask(self) -> None:
        while True:
            try:
                self.statuses.append(self.dev.get("/api/slow?seconds=0.05")[0])
            except ConnectionRefusedError:
                return
            except OSError as error:
                if "refused" in str(error):
                    return
                self.begun_and_lost.append(repr(error))


@pytest.mark.fault
@pytest.mark.timeout(90)
@pytest.mark.xdist_group("rung-dev")
def test_ctrl_c_under_load_drains(tmp_path: Path) -> None:
    with running(copy_sample(tmp_path), "--no-reload") as dev:
        tree = dev.tree()
        load = Load(dev)
        long_one: list[int] = []
        patient = threading.Thread(target=lambda: long_one.append(dev.get("/api/slow?seconds=3", seconds=30)[0]))
        load.start()
        patient.start()
        dev.until(lambda line: line["event"] == "request" and "/api/slow" in str(line.get("path")))
        deadline = time.monotonic() + 10
        while len(load.statuses) < 50:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        began = time.monotonic()
        dev.process.send_signal(signal.SIGINT)
        assert dev.process.wait(40) == 0, dev.said()
        assert time.monotonic() - began <= 30
        load.join()
        patient.join(10)
        dev.stop()
    assert long_one == [200]
    assert set(load.statuses) <= {200, 503}, set(load.statuses)
    assert load.begun_and_lost == []
    assert [each for each in tree if alive(each.pid)] == []
    stopped = [line["node"] for line in dev.lines if line["event"] == "drained"]
    assert stopped.index("api") < stopped.index("done")
