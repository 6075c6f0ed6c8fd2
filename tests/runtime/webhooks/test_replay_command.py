"""`rung webhooks replay`: the plan first, nothing sent without --apply, and the lane of each event is its own."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta

import pytest
from tests.runtime.webhooks.conftest import received

from rung.cli.main import main
from rung.runtime.bindings import QueueBinding
from rung.runtime.database.database import Database
from rung.runtime.queue import PostgresQueue
from rung.runtime.webhooks import Inbox, Verified


def _run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    status = main(["webhooks", "replay", *words])
    told = capsys.readouterr()
    return status, told.out + told.err


async def _kept(postgres_url: str) -> PostgresQueue:
    database = Database.from_url(postgres_url)
    queue = PostgresQueue("stripe", QueueBinding(url=postgres_url, lanes=("fast", "slow")))
    inbox = Inbox(database, queue, source="stripe", lane="fast")
    for number in range(3):
        await inbox.accept(Verified(id=f"evt_{number}", timestamp=1_700_000_000, payload=b"{}"))
    assert len(await received(queue)) == 3
    await database.close()
    return queue


async def test_plan_then_apply(postgres_url: str, capsys: pytest.CaptureFixture[str]) -> None:
    queue = await _kept(postgres_url)
    since = (datetime.now(UTC) - timedelta(minutes=1)).isoformat()
    status, told = await asyncio.to_thread(_run, capsys, "stripe", "--since", since, "--url", postgres_url)
    assert status == 0
    assert "3 events of stripe for queue stripe" in told
    assert "nothing was sent" in told
    assert await received(queue) == []
    words = ("stripe", "--id", "evt_1", "--apply", "--format", "json", "--url", postgres_url)
    status, told = await asyncio.to_thread(_run, capsys, *words)
    assert (status, json.loads(told)["replayed"]) == (0, 1)
    assert [message.lane for message in await received(queue)] == ["fast"]
    status, told = await asyncio.to_thread(_run, capsys, "unknown", "--since", since, "--url", postgres_url)
    assert status == 1
    assert "R0546" in told
    await queue.close()


@pytest.mark.parametrize("words", [("stripe", "--url", "x"), ("stripe", "--since", "soon", "--url", "x")])
def test_wrong_command_line(words: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    assert _run(capsys, *words)[0] == 2
