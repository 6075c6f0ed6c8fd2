"""What it costs to wake receivers: sends of 16 writers while 20 listeners wait, with and without announcements.

    python benchmarks/queue_wakeups.py [--rounds 5] [--seconds 2] [--writers 16] [--listeners 20]

Each writer is a queue of its own with one connection and sends one message after the other. The listeners are a
second process with a connection each that listens on the queue's channel. In turn, round by round: no announcement
at all, ours (after the commit, about every 20 ms), and `pg_notify` inside each sender's transaction. Each way is
compared with the same way without announcements, within the same round.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import asyncpg
import uvloop

from rung.local.postgres import start_postgres
from rung.runtime.bindings import QueueBinding
from rung.runtime.queue import PostgresQueue
from rung.runtime.queue.postgres.announcements import Announcements, channel_of

NAME, BODY = "wakeups", b"x" * 100
CHANNEL = channel_of(NAME)
AIM = 0.95


class _Silent(Announcements):
    """Says nothing."""

    def announce(self, payload: str = "") -> None:
        """Nobody is told."""


async def _silenced(queue: PostgresQueue, url: str) -> None:
    queue._announcer = _Silent(url, NAME, lambda: None)  # noqa: SLF001 - there is no setting to leave them out


async def sends(url: str, writers: int, seconds: float, *, way: str) -> float:
    """Messages a second of all writers together."""
    queues = [PostgresQueue(NAME, QueueBinding(url=url), pool_size=1) for _ in range(writers)]
    for queue in queues:
        if way != "ours":
            await _silenced(queue, url)
        await queue.send(BODY)
    counts = [0] * writers
    end = time.perf_counter() + seconds

    async def write(number: int) -> None:
        while time.perf_counter() < end:
            if way == "in each transaction":
                async with queues[number].transaction() as transaction:
                    await queues[number].send(BODY, transaction=transaction)
                    await transaction.execute("select pg_notify($1, '')", CHANNEL)
            elif way == "none, in a transaction":
                async with queues[number].transaction() as transaction:
                    await queues[number].send(BODY, transaction=transaction)
                    await transaction.execute("select $1::text", CHANNEL)
            else:
                await queues[number].send(BODY)
            counts[number] += 1

    await asyncio.gather(*(write(number) for number in range(writers)))
    for queue in queues:
        await queue.close()
    return sum(counts) / seconds


async def _listen(url: str, listeners: int) -> None:
    """Wait for announcements until the standard input ends."""
    heard = 0

    def hear(*_: object) -> None:
        nonlocal heard
        heard += 1

    connections = [await asyncpg.connect(url) for _ in range(listeners)]
    for connection in connections:
        await connection.add_listener(CHANNEL, hear)
    print("listening", flush=True)
    await asyncio.to_thread(sys.stdin.read)
    print(heard, flush=True)
    for connection in connections:
        await connection.close()


#: The last two are compared with each other: both hold a transaction open for one more statement.
WAYS = ("none", "ours", "none, in a transaction", "in each transaction")


async def compare(url: str, options: argparse.Namespace) -> dict[str, list[float]]:
    """Every way in turn, `rounds` times; the table is emptied between."""
    found: dict[str, list[float]] = {way: [] for way in WAYS}
    connection = await asyncpg.connect(url)
    for number in range(options.rounds):
        for way in WAYS if number % 2 == 0 else WAYS[::-1]:
            await connection.execute("truncate rung.message")
            found[way].append(await sends(url, options.writers, options.seconds, way=way))
    await connection.close()
    return found


def show(found: dict[str, list[float]], options: argparse.Namespace) -> bool:
    """Print the table; whether ours is within the aim."""
    print(f"{options.writers} writers in a process, {options.listeners} listeners in another\n")
    print("| announcements | sends/s | of those without |")
    print("|---|---|---|")
    reached = 0.0
    for way, base in zip(WAYS, ("none", "none", WAYS[2], WAYS[2]), strict=True):
        shares = [own / other for own, other in zip(found[way], found[base], strict=True)]
        share = statistics.median(shares)
        reached = share if way == "ours" else reached
        print(f"| {way} | {_spread(found[way], ',.0f')} | {'' if way == base else _spread(shares, '.0%')} |")
    print(f"\nours >= {AIM:.0%}: {'met' if reached >= AIM else 'NOT MET'}; {os.cpu_count()} cores")
    return reached >= AIM


def _spread(values: Sequence[float], form: str) -> str:
    return f"{statistics.median(values):{form}} ({min(values):{form}}-{max(values):{form}})"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--writers", type=int, default=16)
    parser.add_argument("--listeners", type=int, default=20)
    parser.add_argument("--listen", metavar="URL", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.listen:
        uvloop.run(_listen(options.listen, options.listeners))
        return
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)  # noqa: PTH101 - for the unprivileged user that Postgres runs as
        server = start_postgres(Path(folder) / "postgres")
        try:
            found = _beside_listeners(server.url, options)
        finally:
            server.stop()
    sys.exit(0 if show(found, options) else 1)


def _beside_listeners(url: str, options: argparse.Namespace) -> dict[str, list[float]]:
    uvloop.run(_install(url))
    command = [sys.executable, __file__, "--listen", url, "--listeners", str(options.listeners)]
    listening = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert listening.stdin is not None
    assert listening.stdout is not None
    assert listening.stdout.readline() == "listening\n"
    try:
        return uvloop.run(compare(url, options))
    finally:
        listening.stdin.close()
        print(f"announcements heard: {listening.stdout.read().strip()}\n")
        listening.wait()


async def _install(url: str) -> None:
    queue = PostgresQueue(NAME, QueueBinding(url=url))
    await queue.send(BODY)
    await queue.close()


if __name__ == "__main__":
    main()
