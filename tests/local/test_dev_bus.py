"""`rung dev` runs buses: events with their transaction, a service called until it takes them, and a new consumer
that is added to the workload file while the producer goes on as it is."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tests.local.dev import Dev, running

SAMPLE = Path(__file__).with_name("bus_sample")
RULE = """
from rung import Transform
bazaar.rule(
    "whispers", bus=events, target=ears, dead_letter=undelivered, pattern={"detail-type": ["whispered"]},
    transform=Transform(paths={"what": "$.detail.what"}, template='"psst: <what>"'),
)
"""

pytestmark = [pytest.mark.timeout(120), pytest.mark.xdist_group("rung-dev")]


def heard(dev: Dev, who: str) -> list[object]:
    """What one of the listeners has written down."""
    return [json.loads(what) for each, what in dev.get("/heard")[1] if each == who]


def say(dev: Dev, how: str, what: str) -> int:
    """Have the shop put an event; the status."""
    return dev.get(f"/say/{how}", data=what.encode())[0]


def replayed(dev: Dev, *arguments: str) -> dict[str, object]:
    """Run `rung events replay` beside it."""
    command = [sys.executable, "-m", "rung.cli.main", "events", "replay", "events", "--format", "json"]
    given = ["--file", str(dev.folder / "workload.py"), *arguments]
    done = subprocess.run([*command, *given], capture_output=True, text=True, timeout=30, check=True)
    found: dict[str, object] = json.loads(done.stdout)
    return found


def test_a_consumer_is_added_without_touching_the_producer(tmp_path: Path) -> None:
    shutil.copytree(SAMPLE, tmp_path, ignore=shutil.ignore_patterns("__pycache__", ".rung"), dirs_exist_ok=True)
    with running(tmp_path / "workload.py") as dev:
        producer = dev.get("/process")[1]
        assert say(dev, "shouted", "fish") == 202
        assert say(dev, "whispered", "eggs") == 202
        assert say(dev, "shouted", "fish") == 500, "said already: neither row nor event"
        dev.eventually("/heard", lambda rows: any("fish" in what for _, what in rows))
        assert heard(dev, "listener") == [{"said": "fish", "tenant": "acme"}]

        file = tmp_path / "workload.py"
        file.write_text(file.read_text() + RULE)
        dev.until(lambda line: line["node"] == "events" and line["event"] == "ready" and line.get("rules") == 2)
        assert say(dev, "whispered", "milk") == 202
        dev.eventually("/heard", lambda rows: any("milk" in what for _, what in rows))
        assert heard(dev, "ears") == [{"said": "psst: milk", "tenant": "acme"}]
        assert dev.get("/process")[1] == producer, "the producer was not even restarted"

        assert replayed(dev, "--from", "1h", "--rule", "whispers")["events"] == 3
        dev.eventually("/heard", lambda rows: any("eggs" in what for _, what in rows))
        assert heard(dev, "listener") == [{"said": "fish", "tenant": "acme"}], "the replay was for one rule"
