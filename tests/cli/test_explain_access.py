"""`rung explain-access` tells everything about one node, with its line, and that the rest is denied."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from rung.cli.main import main

SHOP = str(Path(__file__).parents[2] / "workloads" / "shop" / "workload.py")


def explained(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """What the command prints."""
    assert main(["explain-access", *words, "--file", SHOP]) == 0
    return capsys.readouterr().out


def test_a_worker_and_its_reasons(capsys: pytest.CaptureFixture[str]) -> None:
    text = explained(capsys, "fulfil")
    assert text.startswith('worker "fulfil" in prod on fargate')
    assert re.search(r"sqs:ReceiveMessage.*  on  orders-payment, orders-fulfilment", text)
    assert "orders-payment (dead letters)" in text
    assert "fulfil --write--> db" in text
    assert "workload.py:" in text
    assert "session-key" not in text
    assert text.rstrip().endswith("Whatever is not listed is denied.")


def test_a_database_names_everybody_who_reaches_it(capsys: pytest.CaptureFixture[str]) -> None:
    document = json.loads(explained(capsys, "db", "--format", "json"))
    assert document["schema"] == "rung.explain-access/1"
    assert document["may"] == []
    callers = {right["who"] for right in document["open_to"] if right["means"] == "network"}
    assert callers == {"api", "fulfil", "expire-carts", "expire-reservations", "seed", "db-migrate"}
    assert all(right["edge"] or right["why"] for right in document["open_to"])
    assert all(right["location"]["line"] > 0 for right in document["open_to"] if right["edge"])


def test_a_queue_names_senders_and_consumers(capsys: pytest.CaptureFixture[str]) -> None:
    document = json.loads(explained(capsys, "orders", "--format", "json"))
    assert {right["who"] for right in document["open_to"]} >= {"api", "fulfil", "expire-reservations"}
    assert {right["who"] for right in document["open_to"]} & {"seed", "expire-carts"} == set()


def test_what_stands_on_a_machine_shares_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert 'shares the role and the address of "box"' in explained(capsys, "api", "--environment", "dev")
    assert 'shares the role and the address of "hosts"' in explained(capsys, "api", "--rung", "host")
    assert "shares the role" not in explained(capsys, "seed", "--rung", "host")


def test_a_part_that_no_node_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    text = explained(capsys, "load-balancer")
    assert "tcp/8000  on  api\n      /api/* --route--> api" in text
    assert "cloudfront: tcp/443" in text


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["fulfill"], 'did you mean "fulfil"'),
        (["api", "--environment", "prd"], 'did you mean "prod"'),
        (["api", "--rung", "castle"], "there are box, host, fargate"),
    ],
)
def test_unknown_names_are_a_wrong_command_line(
    words: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["explain-access", *words, "--file", SHOP]) == 2
    assert says in capsys.readouterr().err


def test_what_cannot_be_placed_is_not_explained(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain-access", "api", "--rung", "box", "--file", SHOP]) == 1
    assert "R0802" in capsys.readouterr().err


@pytest.mark.parametrize("rung", ["eks", "serverless"])
def test_the_same_access_where_processes_are_pods_or_functions(
    rung: str, capsys: pytest.CaptureFixture[str]
) -> None:
    text = explained(capsys, "fulfil", "--rung", rung)
    assert text.startswith(f'worker "fulfil" in prod on {rung}')
    assert re.search(r"sqs:ReceiveMessage.*  on  orders-payment, orders-fulfilment", text)
    assert "tcp/5432  on  db" in text
    assert "session-key" not in text
