"""Invoices replayed as traffic against a shop that really runs: the sums come out to the penny."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rung.local.process import free_port
from shop.invoices import Invoices, read_invoices

HERE = Path(__file__).parent
ADMIN_KEY = "admin-key-of-the-tests"


@contextlib.contextmanager
def _running(*words: str, log: Path) -> Iterator[None]:
    """A process of the shop, started as `rung dev` starts it, ended with SIGTERM."""
    environment = {**os.environ, "PYTHONPATH": str(HERE.parent), "RUNG_NODE": words[0]}
    with log.open("wb") as stream:
        process = subprocess.Popen(
            [sys.executable, "-m", *words], cwd=HERE.parent, env=environment, stdout=stream, stderr=stream
        )
        try:
            yield
        finally:
            process.send_signal(signal.SIGTERM)
            assert process.wait(30) == 0, log.read_text()


def _wait_healthy(url: str, log: Path) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError), urllib.request.urlopen(f"{url}/health", timeout=1) as answer:
            if answer.status == 200:
                return
        time.sleep(0.05)
    raise AssertionError(log.read_text())


async def _replay(shop: Any, found: Invoices, tmp_path: Path) -> Any:
    from shop import importer
    from shop.replay import Replay

    await importer.load(found, shop.db)
    port, log = free_port(), tmp_path / "serve.log"
    url = f"http://127.0.0.1:{port}"
    serve = ("rung.runtime.serve", "--app", "shop.api:app", "--port", str(port), "--workers", "1", "--name", "api")
    work = ("rung.runtime.worker", "--name", "fulfil", "--queue", "orders", "--handler", "shop.fulfilment:handle")
    with _running(*serve, log=log), _running(*work, log=tmp_path / "work.log"):
        _wait_healthy(url, log)
        replay = Replay(url=url, admin_key=ADMIN_KEY, speed=1e6)
        return await asyncio.to_thread(replay.run, found)


async def test_invoices_replayed_as_traffic_give_the_same_sums(shop: Any, tmp_path: Path) -> None:
    from shop.replay import table

    found = read_invoices([HERE / "data" / "invoices.csv"])
    report = await _replay(shop, found, tmp_path)
    assert report.right, table(report)
    assert (report.found.orders, report.found.sold_minor) == (3, found.sold_minor)
    assert (report.found.refunds, report.found.refunded_minor) == (2, found.cancelled_minor)
    await shop.verify()


async def test_a_real_day_replayed_as_traffic_gives_the_same_sums(shop: Any, tmp_path: Path) -> None:
    from shop.replay import table

    root = HERE.parents[2]
    shared = Path(os.environ.get("RUNG_SHARED", root.parent / "shared"))
    day = shared / "data" / "online-retail" / "2010-12-02.csv"
    if not day.exists():
        pytest.skip("the data set is not on this machine: set RUNG_SHARED")
    report = await _replay(shop, read_invoices([day]), tmp_path)
    assert report.right, table(report)
    assert report.found.orders > 100
    await shop.verify()


async def test_a_sum_that_differs_is_told(shop: Any) -> None:
    from shop.replay import Report, Totals, table

    wanted, found = Totals(2, 500, 0, 0), Totals(2, 499, 0, 0)
    assert table(Report(wanted, wanted, 1, 0, 1.0)).endswith("equal to the penny")
    different = Report(wanted, found, 1, 0, 1.0)
    assert not different.right
    assert "NOT EQUAL" in table(different)
