"""Servers and wrk, for the benchmarks of HTTP. Run benchmarks/gateway.py or benchmarks/http_service.py."""

from __future__ import annotations

import json
import os
import platform
import re
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rung.local.process import free_port

#: A small JSON answer, and one that computes for about 100 microseconds, as a real handler does.
APPLICATION = """
import json

BODY = json.dumps([{"id": i, "name": f"product {i}", "price": 1999} for i in range(40)]).encode()
HEADERS = [(b"content-type", b"application/json"), (b"content-length", str(len(BODY)).encode())]


async def app(scope, receive, send):
    if scope["type"] != "http":
        return
    if scope["path"].endswith("/work"):
        json.loads(BODY)
        json.dumps(json.loads(BODY))
    await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
    await send({"type": "http.response.body", "body": BODY})
"""
BARE = """
import asyncio, sys, uvloop
from granian.constants import HTTPModes, Interfaces
from granian.server.embed import Server
from application import app

async def main():
    await Server(app, port=int(sys.argv[1]), interface=Interfaces.ASGINL, http=HTTPModes.http1, backlog=4096,
                 backpressure=20_000, log_enabled=False).serve()

uvloop.run(main())
"""


@dataclass(frozen=True, slots=True)
class Measured:
    """One run of wrk."""

    per_second: float
    p50_ms: float
    p99_ms: float


@contextmanager
def started(command: Sequence[str], port: int, directory: Path) -> Iterator[str]:
    """A server that accepts on `port`; its address."""
    with (directory / f"{port}.log").open("wb") as output:
        process = subprocess.Popen(command, cwd=directory, stdout=output, stderr=output)
    try:
        wait_answer(port)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


def wait_answer(port: int) -> None:
    """Wait until something accepts on `port`."""
    import socket

    for _ in range(500):
        try:
            with socket.create_connection(("127.0.0.1", port), 1):
                return
        except OSError:
            time.sleep(0.02)
    raise SystemExit(f"nothing listens on {port}")


def python(*words: str) -> list[str]:
    """This Python."""
    return [sys.executable, *words]


@contextmanager
def bare(directory: Path) -> Iterator[str]:
    """granian with the application and nothing else."""
    port = free_port()
    (directory / "bare.py").write_text(BARE)
    with started(python("bare.py", str(port)), port, directory) as url:
        yield url


@contextmanager
def service(directory: Path) -> Iterator[str]:
    """The application by `python -m rung.runtime.serve`."""
    port = free_port()
    words = python("-m", "rung.runtime.serve", "--app", "application:app", "--port", str(port))
    with started(words, port, directory) as url:
        yield url


@contextmanager
def gateway(directory: Path, upstream: str | None) -> Iterator[str]:
    """The application behind the gateway: in its process, or proxied to `upstream`."""
    port = free_port()
    entry = {
        "name": "api",
        "kind": "proxy" if upstream else "asgi",
        "app": "application:app",
        "upstream": upstream,
    }
    (directory / "dist").mkdir(exist_ok=True)
    routes = {
        "services": [entry],
        "sites": [{"name": "web", "directory": "dist"}],
        "routes": [{"path": "/*", "target": "web"}, {"path": "/api/*", "target": "api"}],
    }
    file = directory / f"routes-{port}.json"
    file.write_text(json.dumps(routes))
    words = python("-m", "rung.local.gateway", "--routes", file.name, "--port", str(port))
    with started(words, port, directory) as url:
        yield url


def wrk(url: str, *, seconds: int, connections: int = 64) -> Measured:
    """One run. Closed loop: throughput is honest, latency is that of a saturated server."""
    program = shutil.which("wrk")
    if program is None:
        raise SystemExit("this benchmark needs wrk on PATH (apt-get install wrk)")
    words = [program, "-t1", f"-c{connections}", f"-d{seconds}", "--latency", url]
    text = subprocess.run(words, check=True, capture_output=True, text=True).stdout
    refused = re.search(r"Non-2xx or 3xx responses: (\d+)", text)
    total = re.search(r"(\d+) requests in", text)
    if refused is not None and (total is None or int(refused[1]) > int(total[1]) / 50):
        raise SystemExit(f"{url} does not answer 2xx:\n{text}")
    rate = re.search(r"Requests/sec:\s+([\d.]+)", text)
    assert rate is not None
    return Measured(float(rate[1]), _milliseconds(text, "50%"), _milliseconds(text, "99%"))


def _milliseconds(text: str, label: str) -> float:
    found = re.search(rf"{label}\s+([\d.]+)(us|ms|s)", text)
    assert found is not None
    return float(found[1]) * {"us": 0.001, "ms": 1.0, "s": 1000.0}[found[2]]


def summary(runs: Sequence[Measured], reference: Sequence[Measured]) -> dict[str, float]:
    """Medians, the spread of the throughput, and the medians of the ratios to `reference`, round by round."""
    rates = [run.per_second for run in runs]
    pairs = list(zip(runs, reference, strict=True))
    return {
        "per_second": statistics.median(rates),
        "per_second_min": min(rates),
        "per_second_max": max(rates),
        "p99_ms": statistics.median(run.p99_ms for run in runs),
        "throughput_ratio": statistics.median(run.per_second / base.per_second for run, base in pairs),
        "p99_ratio": statistics.median(run.p99_ms / base.p99_ms for run, base in pairs),
    }


def machine() -> str:
    """What the figures were taken on."""
    return f"{os.cpu_count()} cores, {platform.system()} {platform.release()}, Python {platform.python_version()}"


def print_table(title: str, rows: dict[str, dict[str, float]], *, as_json: bool) -> None:
    """One row per variant."""
    if as_json:
        print(json.dumps({"title": title, "machine": machine(), "rows": rows}, indent=2))
        return
    print(f"{title}\n{machine()}\n")
    print(f"{'':34}{'requests/s':>12}{'(min - max)':>20}{'p99 ms':>9}{'throughput':>12}{'p99':>8}")
    for name, row in rows.items():
        spread = f"({row['per_second_min']:,.0f} - {row['per_second_max']:,.0f})"
        print(
            f"{name:34}{row['per_second']:12,.0f}{spread:>20}{row['p99_ms']:9.2f}"
            f"{row['throughput_ratio']:12.0%}{row['p99_ratio']:8.0%}"
        )
