"""A task that a clock starts does nothing while the one before it goes on, and the next one runs again."""

from __future__ import annotations

import asyncio

import pytest

from rung.runtime.bindings import PostgresBinding, encode, variable_name
from rung.runtime.job import run


async def test_an_exclusive_job_overlaps_no_other(postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(variable_name("db"), encode(PostgresBinding(url=postgres_url)))
    begun, finish = asyncio.Event(), asyncio.Event()
    runs: list[str] = []

    async def slow() -> None:
        runs.append("slow")
        begun.set()
        await finish.wait()

    async def quick() -> None:
        runs.append("quick")

    first = asyncio.create_task(run("tick", slow, 30, exclusive=True))
    await begun.wait()
    assert await run("tick", quick, 30, exclusive=True) == 0
    assert runs == ["slow"], "the second one found the first"
    assert await run("other", quick, 30, exclusive=True) == 0
    finish.set()
    assert await first == 0
    assert await run("tick", quick, 30, exclusive=True) == 0
    assert runs == ["slow", "quick", "quick"]
