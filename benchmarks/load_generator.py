"""What one request costs the generator, against a server that does nothing else.

One granian process answers 220 bytes from a raw ASGI application. `rung load` (open loop, unlimited rate: the
arrivals are due faster than one core can send) is compared in the same run with wrk (closed loop, C, when on
PATH) and with a closed loop of aiohttp's client. Rounds alternate, so that all meet the same machine.

    python benchmarks/load_generator.py [--rounds 3] [--json]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from rung.load.child import raise_open_files_limit
from rung.load.plan import Plan, Target
from rung.load.run import Run
from rung.local.process import free_port, wait_listening

APPLICATION = """
    BODY = b'{"ok":true}' * 20
    HEAD = {"type": "http.response.start", "status": 200, "headers": [
        (b"content-type", b"application/json"), (b"content-length", b"%d" % len(BODY))]}

    async def app(scope, receive, send):
        if scope["type"] == "http":
            await send(HEAD)
            await send({"type": "http.response.body", "body": BODY})
"""
SECONDS = 4.0
CONNECTIONS = 64


@dataclass(frozen=True, slots=True)
class Measured:
    """One round: requests answered, processor seconds of the client, wall seconds."""

    requests: int
    cpu_seconds: float
    wall_seconds: float

    @property
    def per_core_second(self) -> float:
        """Requests for each processor second that the client used."""
        return self.requests / self.cpu_seconds


def with_rung(url: str, *, users: int, rate: float) -> Measured:
    """Open loop at `rate`."""
    plan = Plan(target=Target.of(url), journeys="", routes=(("/", 1.0),), folder=".", users=users, rate=rate,
                duration_seconds=SECONDS, warmup_seconds=1.0)  # fmt: skip
    recording = asyncio.run(Run(plan).run())
    answered = sum(group.completed for group in recording.groups)
    return Measured(answered, recording.cpu_seconds, recording.wall_seconds)


def with_wrk(url: str) -> Measured:
    """Closed loop of 64 connections in one thread."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{SECONDS:g}s", url]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    found = re.search(r"(\d+) requests in", said)
    assert found, said
    return Measured(int(found[1]), used, time.monotonic() - start)


def with_aiohttp(url: str) -> Measured:
    """Closed loop of 64 tasks."""
    return asyncio.run(_aiohttp(url))


async def _aiohttp(url: str) -> Measured:
    import aiohttp

    done = 0
    deadline = time.monotonic() + SECONDS

    async def client(session: aiohttp.ClientSession) -> None:
        nonlocal done
        while time.monotonic() < deadline:
            async with session.get(url) as response:
                await response.read()
            done += 1

    connector = aiohttp.TCPConnector(limit=CONNECTIONS)
    cpu, start = time.process_time(), time.monotonic()
    async with aiohttp.ClientSession(connector=connector) as session:
        await asyncio.gather(*(client(session) for _ in range(CONNECTIONS)))
    return Measured(done, time.process_time() - cpu, time.monotonic() - start)


def main() -> int:
    """Start the server, alternate the rounds, print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    raise_open_files_limit(10_000)
    with tempfile.TemporaryDirectory() as folder:
        server, url = _start_server(Path(folder))
        try:
            rows = _measure(url, options.rounds)
        finally:
            server.terminate()
            server.wait(10)
    _print(rows, as_json=options.json)
    return 0


def _start_server(folder: Path) -> tuple[subprocess.Popen[bytes], str]:
    (folder / "trivial.py").write_text(textwrap.dedent(APPLICATION))
    port = free_port()
    command = [sys.executable, "-m", "granian", "--interface", "asgi", "--host", "127.0.0.1", "--port", str(port)]
    command += ["--backlog", "4096", "--backpressure", "12000", "--no-log", "--working-dir", str(folder)]
    command.append("trivial:app")
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    assert wait_listening(("127.0.0.1", port), process=server, timeout_seconds=10)
    return server, f"http://127.0.0.1:{port}/"


def _measure(url: str, rounds: int) -> dict[str, list[Measured]]:
    clients: dict[str, Callable[[], Measured]] = {
        "rung load, 64 connections, as fast as it can": lambda: with_rung(url, users=CONNECTIONS, rate=60_000),
        "rung load, 10,000 connections, 10,000/s": lambda: with_rung(url, users=10_000, rate=10_000),
        "aiohttp client, 64 connections, closed loop": lambda: with_aiohttp(url),
    }
    if shutil.which("wrk"):
        clients["wrk -t1 -c64, closed loop"] = lambda: with_wrk(url)
    rows: dict[str, list[Measured]] = {name: [] for name in clients}
    for _ in range(rounds):
        for name, client in clients.items():
            rows[name].append(client())
    return rows


def _print(rows: dict[str, list[Measured]], *, as_json: bool) -> None:
    table = [
        {
            "client": name,
            "requests_per_second": round(median(one.requests / one.wall_seconds for one in found)),
            "requests_per_core_second": round(median(one.per_core_second for one in found)),
            "lowest": round(min(one.per_core_second for one in found)),
            "highest": round(max(one.per_core_second for one in found)),
            "us_per_request": round(median(1e6 / one.per_core_second for one in found), 1),
        }
        for name, found in rows.items()
    ]
    if as_json:
        print(json.dumps({"machine": f"{os.cpu_count()} cores, {platform.platform()}", "rows": table}, indent=2))
        return
    system, python = platform.platform(terse=True), platform.python_version()
    print(f"{os.cpu_count()} cores, {system}, Python {python}; server and client share them")
    print(f"{'client':<46}{'req/s':>9}{'req/core-s':>12}{'(low - high)':>18}{'us/req':>8}")
    for row in table:
        spread = f"({row['lowest']:,} - {row['highest']:,})"
        print(f"{row['client']:<46}{row['requests_per_second']:>9,}{row['requests_per_core_second']:>12,}{spread:>18}"
              f"{row['us_per_request']:>8}")  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
