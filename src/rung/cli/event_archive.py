"""`rung events list | tail | replay BUS`: what a bus has kept, and putting it once more."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from rung.cli.arguments import at_least_one
from rung.errors import Finding, MachineError, UsageError

if TYPE_CHECKING:
    from rung.runtime.bindings import BusBinding
    from rung.runtime.bus.archive import Archive, Archived

SCHEMA = "rung.replay/1"
#: How often `tail` looks for new events.
LOOK_SECONDS = 0.5


def configure(actions: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the actions to the parser of `rung events`."""
    shown = actions.add_parser("list", help="show the newest events that a bus has kept, one JSON object a line")
    shown.add_argument("--limit", type=at_least_one, default=20, metavar="N", help="how many (20)")
    tail = actions.add_parser("tail", help="show events as the bus takes them, until Ctrl-C")
    replay = actions.add_parser("replay", help="put events once more that a bus has kept")
    replay.add_argument("--from", dest="start", required=True, metavar="TIME", help="ISO 8601, or 2h for ago")
    replay.add_argument("--to", dest="end", metavar="TIME", help="up to, and without; left out: now")
    replay.add_argument("--rule", action="append", default=[], metavar="RULE", help="this rule only; repeatable")
    replay.add_argument("--name", metavar="NAME", help="what the events say as their replay-name")
    for each in (shown, tail, replay):
        each.add_argument("bus", metavar="BUS", help="the bus's node name")
        each.add_argument(
            "--file", type=Path, default=Path("workload.py"), metavar="FILE", help="the workload file"
        )
        each.add_argument("--url", help="the database that carries the bus; else that of rung dev")
        each.add_argument("--format", choices=("text", "json"), default="text", help="json is for programs")


def run(arguments: argparse.Namespace) -> int:
    """Show or replay. Raises UsageError for a time that is none, MachineError R0525 without a bus to ask."""
    if arguments.action == "replay":
        return asyncio.run(_replay(arguments))
    if arguments.action == "tail":
        try:
            return asyncio.run(_tail(arguments))
        except KeyboardInterrupt:
            return 0
    return asyncio.run(_list(arguments))


async def _list(arguments: argparse.Namespace) -> int:
    async with _archive(arguments) as archive:
        for each in await archive.newest(arguments.limit):
            print(_line(each))
    return 0


async def _tail(arguments: argparse.Namespace) -> int:
    async with _archive(arguments) as archive:
        since = datetime.now(UTC)
        while True:
            now = datetime.now(UTC)
            async for page in archive.pages(since, now):
                for each in page:
                    print(_line(each), flush=True)
            since = now
            await asyncio.sleep(LOOK_SECONDS)


async def _replay(arguments: argparse.Namespace) -> int:
    start = moment(arguments.start, "--from")
    end = datetime.now(UTC) if arguments.end is None else moment(arguments.end, "--to")
    if end <= start:
        raise UsageError(f"--to {end.isoformat()} is not after --from {start.isoformat()}")
    name = arguments.name or f"{arguments.bus}-{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
    async with _archive(arguments) as archive:
        total, done = await archive.count(start, end), 0
        with _progress(total, quiet=arguments.format == "json") as advance:
            async for count in archive.replay(name, start, end, arguments.rule):
                done += count
                advance(count)
    found = {"schema": SCHEMA, "bus": arguments.bus, "replay": name, "events": done, "rules": arguments.rule}
    told = f"{done} events of {arguments.bus} replayed as {name}"
    print(json.dumps(found) if arguments.format == "json" else told)
    return 0


def moment(text: str, option: str) -> datetime:
    """A moment of ISO 8601, UTC without an offset, or how long ago it was. Raises UsageError."""
    from rung.model.durations import parse_seconds

    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        try:
            return datetime.now(UTC) - timedelta(seconds=parse_seconds(text))
        except (ValueError, OverflowError):
            raise UsageError(f"{option} {text!r} is no time; write 2026-11-21T10:00:00Z, or 2h for ago") from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


@asynccontextmanager
async def _archive(arguments: argparse.Namespace) -> AsyncIterator[Archive]:
    from rung.runtime.bus.archive import Archive
    from rung.runtime.bus.postgres import PostgresBus
    from rung.runtime.errors import UnavailableError

    bus = PostgresBus(arguments.bus, _binding(arguments))
    try:
        yield Archive(bus)
    except UnavailableError as error:
        raise MachineError(_unreachable(arguments.bus, str(error))) from error
    finally:
        await bus.close()


def _binding(arguments: argparse.Namespace) -> BusBinding:
    """From `--url`, else from this process's environment (as in a container), else from the running `rung dev`."""
    from rung.cli.arguments import server_url
    from rung.runtime.bindings import BusBinding, binding, variable_name

    if arguments.url is not None:
        return BusBinding(url=server_url(arguments.url))
    if variable_name(arguments.bus) in os.environ:
        return binding(arguments.bus, BusBinding)
    found = _local_bindings(arguments.file).get(arguments.bus)
    if found is None:
        raise MachineError(
            _unreachable(arguments.bus, "rung dev has run no such bus here, and no --url was given")
        )
    return found


def _local_bindings(file: Path) -> dict[str, BusBinding]:
    import msgspec

    from rung.local.state import BUSES_FILE, FOLDER
    from rung.runtime.bindings import BusBinding

    try:
        written = (file.resolve().parent / FOLDER / BUSES_FILE).read_bytes()
        return msgspec.json.decode(written, type=dict[str, BusBinding])
    except (OSError, msgspec.MsgspecError):
        return {}


def _unreachable(bus: str, found: str) -> Finding:
    return Finding(
        code="R0525", severity="error", message=f"bus {bus!r} cannot be asked", found=found,
        effect="what it has kept is not known, and nothing is replayed",
        help="start rung dev, give --file of its workload, or --url of the database that carries the bus",
    )  # fmt: skip


def _line(each: Archived) -> str:
    """The event as one line of JSON, with the moment in which the bus took it."""
    return json.dumps({"taken": each.at.isoformat(timespec="milliseconds"), **json.loads(each.body)})


@contextmanager
def _progress(total: int, *, quiet: bool) -> Iterator[Callable[[int], None]]:
    """A bar on standard error; gives a function that takes how many more are done."""
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(file=sys.stderr, quiet=quiet), transient=True) as progress:
        task = progress.add_task("replaying", total=total)
        yield lambda count: progress.advance(task, count)
