"""`rung webhooks replay SOURCE --since TIME --url URL`: send what came in to its queue again; the plan first."""

from __future__ import annotations

import argparse
import asyncio
import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from rung.errors import ApplicationError, Finding, MachineError, UsageError

if TYPE_CHECKING:
    from rung.runtime.queue import Queue
    from rung.runtime.webhooks import Inbox


def configure(parser: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the parser."""
    command = parser.add_parser("webhooks", help="send webhooks that came in to their queue again")
    actions = command.add_subparsers(dest="action", required=True, metavar="action")
    replay = actions.add_parser("replay", help="show what would be sent again; with --apply, send it")
    replay.add_argument("source", metavar="SOURCE", help="as the Inbox names it, such as stripe")
    replay.add_argument("--id", dest="ids", action="append", metavar="EVENT", help="this event; repeatable")
    replay.add_argument("--since", metavar="TIME", help="what came in since then: ISO 8601, or 2h for ago")
    replay.add_argument("--until", metavar="TIME", help="and until then; else until now")
    replay.add_argument("--apply", action="store_true", help="do it, and do not only say what would be done")
    replay.add_argument("--url", help="the database of the inbox; else DATABASE_URL")
    replay.add_argument("--format", choices=("text", "json"), default="text", help="json is for programs")


def run(arguments: argparse.Namespace) -> int:
    """Print the plan, and with --apply carry it out. Raises UsageError without a URL or a choice of events."""
    from rung.cli.arguments import database_url
    from rung.cli.event_archive import moment

    url = database_url(arguments.url)
    if arguments.ids is None and arguments.since is None:
        raise UsageError("say which events: --id EVENT, or --since TIME")
    for name in ("since", "until"):
        given = getattr(arguments, name)
        setattr(arguments, name, None if given is None else moment(given, f"--{name}"))
    try:
        found = asyncio.run(_replay(url, arguments))
    except ApplicationError as error:
        raise MachineError(_failed(error)) from error
    print(json.dumps(found, default=str) if arguments.format == "json" else _as_text(found))
    return 0


async def _replay(url: str, arguments: argparse.Namespace) -> dict[str, Any]:
    from rung.runtime.database.database import Database
    from rung.runtime.webhooks import Inbox

    database = Database.from_url(url, pool_size=2)
    queue = None
    try:
        queue = await _queue_of(database, url, arguments.source)
        return await _act(Inbox(database, queue, source=arguments.source), arguments)
    finally:
        if queue is not None:
            await queue.close()
        await database.close()


async def _act(inbox: Inbox, arguments: argparse.Namespace) -> dict[str, Any]:
    choice = {"since": arguments.since, "until": arguments.until}
    plan = await inbox.plan_replay(arguments.ids, **choice)
    replayed = await inbox.replay(arguments.ids, **choice) if arguments.apply else None
    return {**asdict(plan), "replayed": replayed}


async def _queue_of(database: Any, url: str, source: str) -> Queue:
    """The queue to which the source's events went: by this process's binding, or in the inbox's own database."""
    from rung.runtime.bindings import QueueBinding, binding
    from rung.runtime.errors import BindingError
    from rung.runtime.queue import open_queue
    from rung.runtime.webhooks.errors import UNCLEAR, WebhookError
    from rung.runtime.webhooks.inbox_sql import QUEUE_OF
    from rung.runtime.webhooks.schema import Installed

    await Installed(database).ensure()
    row = await database.fetch_row(QUEUE_OF, source, across_tenants=True)
    if row is None:
        raise WebhookError(UNCLEAR, f"nothing ever came in from {source!r}")
    try:
        found = binding(row["queue"], QueueBinding)
    except BindingError:
        found = QueueBinding(url=url, lanes=(row["lane"],))
    return open_queue(row["queue"], found)


def _failed(error: ApplicationError) -> Finding:
    return Finding(
        code=getattr(error, "code", "R0546"),
        severity="error",
        message="the webhooks were not sent again",
        found=str(error),
        effect="nothing was sent",
        help="name a source that webhooks came from, and the database in which they are kept: --url URL",
    )


def _as_text(found: dict[str, Any]) -> str:
    lines = [f"{found['events']} events of {found['source']} for queue {found['queue']}"]
    if found["events"]:
        lines.append(
            f"came in from {found['first_at']:%Y-%m-%d %H:%M:%S} to {found['last_at']:%Y-%m-%d %H:%M:%S} UTC"
        )
        lines.append(f"{found['applied']} of them were applied, and will be once more")
    if found["replayed"] is not None:
        lines.append(f"{found['replayed']} sent again")
    elif found["events"]:
        lines.append("nothing was sent: add --apply to do it")
    return "\n".join(lines)
