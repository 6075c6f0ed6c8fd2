"""`rung queue status` counts every lane, finds the queues by itself, and says why when it cannot."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import msgspec
import pytest

from rung.cli.main import main
from rung.runtime.bindings import QueueBinding, encode
from rung.runtime.queue import Entry, PostgresQueue

WORKLOAD = """
from rung import Workload

shop = Workload("shop")
orders = shop.queue("orders", lanes=("urgent", "default"))
mails = shop.queue("mails")
"""


@pytest.fixture
def workload(tmp_path: Path) -> Path:
    """A workload file with two queues."""
    file = tmp_path / "workload.py"
    file.write_text(WORKLOAD)
    return file


@pytest.fixture
def binding(postgres_url: str) -> QueueBinding:
    return QueueBinding(url=postgres_url, lanes=("urgent", "default"))


async def fill(binding: QueueBinding) -> None:
    """2 urgent: one in flight, one ready; of 4 others one is delayed and one dead."""
    orders = PostgresQueue("orders", binding)
    await orders.send_batch([Entry(body=b"x", lane="urgent")] * 2)
    await orders.receive(lanes=["urgent"])
    await orders.send_batch([Entry(body=b"x")] * 3)
    (dead,) = await orders.receive(lanes=["default"])
    await orders.dead_letter(dead, reason="no such order")
    await orders.send(b"x", delay_seconds=600)
    await orders.close()


async def test_it_counts_each_lane_as_a_table_and_as_json(
    workload: Path, binding: QueueBinding, capsys: pytest.CaptureFixture[str]
) -> None:
    await fill(binding)
    command = ["queue", "status", str(workload), "--url", binding.url]
    assert await asyncio.to_thread(main, command) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert lines[0] == ["queue", "lane", "ready", "in", "flight", "delayed", "dead", "oldest"]
    assert [line[:6] for line in lines[1:]] == [
        ["orders", "urgent", "1", "1", "0", "0"],
        ["default", "2", "0", "1", "1", lines[2][5]],
        ["all", "3", "1", "1", "1", lines[3][5]],
        ["mails", "default", "0", "0", "0", "0"],
    ]
    assert lines[4][-1] == "-"
    assert await asyncio.to_thread(main, [*command, "--queue", "orders", "--format", "json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["schema"], found["workload"]) == ("rung.queues/1", "shop")
    (orders,) = found["queues"]
    assert {name: orders[name] for name in ("ready", "in_flight", "delayed", "dead")} == {
        "ready": 3, "in_flight": 1, "delayed": 1, "dead": 1,
    }  # fmt: skip
    assert orders["oldest_age_seconds"] > 0
    assert [lane["name"] for lane in orders["lanes"]] == ["urgent", "default"]


async def test_it_finds_the_queues_of_rung_dev_and_those_of_its_own_environment(
    workload: Path, binding: QueueBinding, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    await fill(binding)
    (workload.parent / ".rung").mkdir()
    written = msgspec.json.encode({"orders": binding})
    (workload.parent / ".rung/queues.json").write_bytes(written)
    monkeypatch.setenv("RUNG_BINDING_MAILS", encode(binding))
    assert await asyncio.to_thread(main, ["queue", "status", str(workload), "--format", "json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [(queue["name"], queue["ready"]) for queue in found["queues"]] == [("orders", 3), ("mails", 0)]


def test_it_says_why_it_cannot(workload: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["queue", "status", str(workload)]) == 1
    assert "rung dev has not run this workload here" in capsys.readouterr().err
    nowhere = ["--url", "postgresql://nobody@127.0.0.1:9/nothing"]
    assert main(["queue", "status", str(workload), *nowhere]) == 1
    assert "error[R0510]: the queue 'orders' cannot be asked" in capsys.readouterr().err
    assert main(["queue", "status", str(workload), "--queue", "order"]) == 2
    assert "there are orders, mails" in capsys.readouterr().err
