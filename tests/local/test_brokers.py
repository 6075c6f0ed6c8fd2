"""The broker of a queue is one word of the workload file: `rung dev` starts its server, and work is done."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.local.dev import copy_sample, running

from rung.cli.main import main
from tests.conftest import need_rabbitmq

pytestmark = [pytest.mark.timeout(120), pytest.mark.xdist_group("rung-dev")]

#: And where its server has its data.
BROKERS = {"redis": "redis-queues", "rabbitmq": "rabbitmq"}


@pytest.mark.parametrize("broker", BROKERS)
def test_one_word_of_the_workload_file_moves_a_queue(
    broker: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if broker == "rabbitmq":
        need_rabbitmq()
    workload = copy_sample(tmp_path)
    text = workload.read_text().replace('sample.queue("jobs",', f'sample.queue("jobs", broker="{broker}",')
    workload.write_text(text)
    with running(workload, "--no-reload") as dev:
        assert dev.get("/api/jobs", data=b"through another broker")[0] == 202
        dev.eventually("/api/notes", lambda notes: "through another broker" in notes)
        assert main(["queue", "status", str(workload), "--format", "json"]) == 0
        status = json.loads(capsys.readouterr().out)
        assert [(queue["name"], queue["dead"]) for queue in status["queues"]] == [("jobs", 0)]
        assert status["concerns"] == {}
        assert (dev.folder / ".rung" / BROKERS[broker]).is_dir()
        assert not [line for line in dev.lines if "not made for a queue" in line["event"]]
