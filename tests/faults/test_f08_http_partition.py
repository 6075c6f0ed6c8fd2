"""F08 and F10 as a client of the API sees them: the database cannot be reached, or has no connection left.

Proves: 503 with Retry-After within 2 s, readiness false and liveness true meanwhile, no process restarted, and
normal again within 10 s after healing.
"""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import pytest
from tests.faults.http_kit import served

from rung.runtime.bindings import PostgresBinding, encode
from rung.testing import FaultProxy

SOURCE = """
from rung.runtime import database

db = database("db")

async def app(scope, receive, send):
    if scope["type"] != "http":
        return
    if scope["path"] == "/":
        value = await db.fetch_value("select 1")
    elif scope["path"] == "/slow":
        value = await db.fetch_value("select 1 from pg_sleep(3)")
    else:
        value = 404
    await send({"type": "http.response.start", "status": 404 if value == 404 else 200, "headers": []})
    await send({"type": "http.response.body", "body": b""})
"""


async def _get(session: aiohttp.ClientSession, path: str) -> tuple[int, dict[str, str], float]:
    """Status, headers and seconds."""
    began = time.monotonic()
    async with session.get(path) as response:
        await response.read()
        return response.status, dict(response.headers), time.monotonic() - began


async def _until(session: aiohttp.ClientSession, path: str, status: int, *, timeout_seconds: float) -> float:
    """The seconds until `path` answers `status`."""
    began = time.monotonic()
    while (await _get(session, path))[0] != status:
        assert time.monotonic() - began < timeout_seconds, f"{path} did not become {status}"
        await asyncio.sleep(0.05)
    return time.monotonic() - began


def _environment(url: str, pool_size: int) -> dict[str, str]:
    return {"RUNG_BINDING_DB": encode(PostgresBinding(url=url, pool_size=pool_size))}


@pytest.mark.fault
async def test_a_partition_is_told_in_time_and_heals(tmp_path: Path, postgres_url: str) -> None:
    """The network swallows everything between service and database."""
    parts = urlsplit(postgres_url)
    assert parts.port is not None
    async with FaultProxy("127.0.0.1", parts.port) as proxy:
        through = parts._replace(netloc=parts.netloc.replace(f":{parts.port}", f":{proxy.port}")).geturl()
        with served(tmp_path, SOURCE, environment=_environment(through, 4)) as server:
            async with aiohttp.ClientSession(server.url, timeout=aiohttp.ClientTimeout(total=10)) as session:
                assert (await _get(session, "/"))[0] == 200
                assert (await _get(session, "/ready"))[0] == 200
                before = {worker.pid for worker in server.workers()}
                proxy.blackhole()
                answers = await asyncio.gather(*(_get(session, "/") for _ in range(8)))
                assert {status for status, _, _ in answers} == {503}
                assert all("Retry-After" in headers for _, headers, _ in answers)
                assert max(seconds for _, _, seconds in answers) <= 2.0
                await _until(session, "/ready", 503, timeout_seconds=3.0)
                status, _, seconds = await _get(session, "/health")
                assert (status, seconds < 0.5) == (200, True), "liveness must not touch the database"
                proxy.heal()
                assert await _until(session, "/", 200, timeout_seconds=10.0) <= 10.0
                await _until(session, "/ready", 200, timeout_seconds=10.0)
                assert {worker.pid for worker in server.workers()} == before, "a restart helps nobody"


@pytest.mark.fault
async def test_callers_without_a_connection_are_told_in_time(tmp_path: Path, postgres_url: str) -> None:
    """Every connection of the pool is busy: others fail within about a second, and liveness does not notice."""
    with served(tmp_path, SOURCE, environment=_environment(postgres_url, 2)) as server:
        async with aiohttp.ClientSession(server.url, timeout=aiohttp.ClientTimeout(total=10)) as session:
            slow = [asyncio.create_task(_get(session, "/slow")) for _ in range(2)]
            await asyncio.sleep(0.3)
            answers = await asyncio.gather(*(_get(session, "/") for _ in range(5)))
            assert {status for status, _, _ in answers} == {503}
            assert all("Retry-After" in headers for _, headers, _ in answers)
            assert max(seconds for _, _, seconds in answers) <= 1.5
            assert (await _get(session, "/health"))[0] == 200
            assert [status for status, _, _ in await asyncio.gather(*slow)] == [200, 200]
            assert (await _get(session, "/"))[0] == 200
