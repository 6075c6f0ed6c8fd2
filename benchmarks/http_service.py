"""HTTP: what `protect` costs, what it buys under overload, and 10,000 connections held.

    python benchmarks/http_service.py [cost|overload|connections ...] [--json]

cost         granian alone against `python -m rung.runtime.serve`, the same application, wrk, alternating
overload     a service for 1,600 requests/s, offered one to three times as many, with and without protect
connections  10,000 keep-alive connections with 1,000 requests/s among them; resident memory of the server
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import psutil
import uvloop
from http_client import Client
from http_servers import APPLICATION, Measured, bare, machine, print_table, service, summary, wrk

from rung.runtime.http.supervise import raise_descriptor_limit

#: 16 connections of a pool, 10 ms each; one request in twenty is a checkout. No admission control of its own.
POOLED = """
import asyncio

POOL = asyncio.Semaphore(16)


async def app(scope, receive, send):
    if scope["type"] != "http":
        return
    async with POOL:
        await asyncio.sleep(0.01)
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})
"""
CAPACITY = 1_600
USEFUL_SECONDS = 0.5


def cost(*, as_json: bool) -> None:
    """Bare granian against the same with `protect`."""
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        directory = Path(name)
        (directory / "application.py").write_text(APPLICATION)
        urls = {
            "granian alone": stack.enter_context(bare(directory)),
            "serve": stack.enter_context(service(directory)),
        }
        for path, title in (("/read", "An answer from memory"), ("/work", "An answer that is computed")):
            runs: dict[str, list[Measured]] = {variant: [] for variant in urls}
            for _ in range(5):
                for variant, url in urls.items():
                    runs[variant].append(wrk(url + path, seconds=2))
            rows = {variant: summary(found, runs["granian alone"]) for variant, found in runs.items()}
            print_table(title, rows, as_json=as_json)
            print(flush=True)


def overload(*, as_json: bool) -> None:
    """Goodput (200 within half a second) per second at rising offers."""
    os.environ["RUNG_HTTP_PRIORITIES"] = "/api/checkout=critical"
    print(f"A service for {CAPACITY:,} requests/s. {machine()}\n")
    print(f"{'':16}{'offered/s':>10}{'useful/s':>10}{'checkouts':>11}{'p99 ms':>9}{'refused/s':>11}{'in ms':>8}")
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        (directory / "application.py").write_text(POOLED)
        for variant, start in (("granian alone", bare), ("serve", service)):
            for factor in (0.9, 2.0, 3.0):
                with start(directory) as url:
                    row = uvloop.run(_offer(int(url.rpartition(":")[2]), factor * CAPACITY))
                if as_json:
                    print(json.dumps({"variant": variant, **row}))
                else:
                    print(
                        f"{variant:16}{row['offered']:10,.0f}{row['useful']:10,.0f}{row['checkouts']:11.1%}"
                        f"{row['p99_ms']:9.1f}{row['refused']:11,.0f}{row['refusal_ms']:8.2f}",
                        flush=True,
                    )


async def _offer(port: int, per_second: float) -> dict[str, float]:
    client = Client()
    await client.open(port, 3_000)
    seconds = 6.0
    await client.run(["/api/catalogue"] * 19 + ["/api/checkout"], per_second=per_second, seconds=seconds)
    useful = [path for path, status, taken in client.answers if status == 200 and taken <= USEFUL_SECONDS]
    refused = sum(status == 503 for _, status, _ in client.answers)
    return {
        "offered": (len(client.answers) + client.unsent + client.lost) / seconds,
        "useful": len(useful) / seconds,
        "checkouts": useful.count("/api/checkout") / (per_second * seconds / 20),
        "p99_ms": client.percentile(0.99) * 1000,
        "refused": refused / seconds,
        "refusal_ms": client.percentile(0.5, status=503) * 1000,
    }


def connections(*, as_json: bool) -> None:
    """Ten thousand users who mostly think."""
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        (directory / "application.py").write_text(APPLICATION)
        with service(directory) as url:
            row = uvloop.run(_hold(int(url.rpartition(":")[2])))
    row["machine"] = machine()
    if as_json:
        print(json.dumps(row))
        return
    for key, value in row.items():
        print(f"{key:28}{value}")


async def _hold(port: int) -> dict[str, object]:
    client = Client()
    await client.open(port, 10_000)
    await client.run(["/read"], per_second=1_000, seconds=20.0)
    server = [
        entry.pid
        for entry in psutil.net_connections("tcp4")
        if entry.laddr and entry.laddr.port == port and entry.pid
    ]
    worker = max(set(server), key=server.count)
    return {
        "connections": 10_000,
        "lost": client.lost,
        "requests/s": round(len(client.answers) / 20),
        "p50 ms": round(client.percentile(0.5) * 1000, 2),
        "p99 ms": round(client.percentile(0.99) * 1000, 2),
        "p99.9 ms": round(client.percentile(0.999) * 1000, 2),
        "worker's memory MB": round(psutil.Process(worker).memory_info().rss / 1e6),
    }


PARTS: dict[str, Callable[..., None]] = {"cost": cost, "overload": overload, "connections": connections}


def main() -> None:
    """Measure what is asked for, or everything."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", metavar="part", help=" or ".join(PARTS))
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    raise_descriptor_limit()
    for part in options.parts or list(PARTS):
        if part not in PARTS:
            parser.error(f"{part!r} is not one of {', '.join(PARTS)}")
        PARTS[part](as_json=options.json)
        print()


if __name__ == "__main__":
    main()
