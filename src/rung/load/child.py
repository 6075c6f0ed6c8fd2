"""A generator process: `python -m rung.load.child`, told what to do over its standard input.

    parent -> child   the Plan and the process number, one JSON line
    child  -> parent  {"event":"connected", ...}                       when every user is connected, or failed to
    parent -> child   {"start": <CLOCK_MONOTONIC seconds>}             one clock for all processes of this machine
    child  -> parent  {"event":"second", ...} ... {"event":"done", "recording": ...}

The end of standard input means that the parent is gone: the child ends too.
"""

from __future__ import annotations

import asyncio
import resource
import sys

import msgspec
import uvloop

from rung.errors import UserError, render
from rung.load.generator import Generator
from rung.load.plan import Plan
from rung.load.recording import Recording, Second
from rung.load.sources import journeys_of

OPEN_FILES_SPARE = 256


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """What a child is to run."""

    plan: Plan
    process: int


class Start(msgspec.Struct, frozen=True, kw_only=True):
    """When the measured time begins."""

    start: float


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """One line from a child."""

    event: str
    process: int = 0
    failed: int = 0
    problems: list[str] = []
    index: int = 0
    second: Second | None = None
    latency: dict[int, int] = {}
    recording: Recording | None = None


def raise_open_files_limit(connections: int) -> int:
    """Ask the kernel for enough file descriptors. Returns how many connections fit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = connections + OPEN_FILES_SPARE
    if soft != resource.RLIM_INFINITY and soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return connections if soft == resource.RLIM_INFINITY else min(connections, soft - OPEN_FILES_SPARE)


def _say(event: Event) -> None:
    sys.stdout.buffer.write(msgspec.json.encode(event) + b"\n")
    sys.stdout.buffer.flush()


async def _run() -> None:
    loop = asyncio.get_running_loop()
    order = msgspec.json.decode(sys.stdin.buffer.readline(), type=Order)
    process = order.process
    raise_open_files_limit(len(order.plan.users_of(process)))
    try:
        journeys = journeys_of(order.plan)
    except UserError as problem:
        _say(Event(event="refused", process=process, problems=[render(finding) for finding in problem.findings]))
        return

    def on_second(index: int, second: Second, latency: dict[int, int]) -> None:
        _say(Event(event="second", process=process, index=index, second=second, latency=latency))

    generator = Generator(order.plan, journeys, process=process, on_second=on_second)
    failed = await generator.connect()
    _say(Event(event="connected", process=process, failed=failed,
               problems=generator.recorder.recording.first_problems))  # fmt: skip
    line = await loop.run_in_executor(None, sys.stdin.buffer.readline)
    if not line:
        return
    running = asyncio.ensure_future(generator.run(msgspec.json.decode(line, type=Start).start))
    orphaned = asyncio.ensure_future(_input_ends())
    await asyncio.wait([running, orphaned], return_when=asyncio.FIRST_COMPLETED)
    orphaned.cancel()
    if running.done():
        _say(Event(event="done", process=process, recording=running.result()))
    running.cancel()
    await generator.close()


async def _input_ends() -> None:
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    await reader.read()


def main() -> int:
    """Run one child to its end."""
    uvloop.run(_run())
    return 0


if __name__ == "__main__":
    sys.exit(main())
