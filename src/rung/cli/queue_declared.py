"""What a server does not tell of a queue, and the workload file does: its lanes, and whose it is.

Postgres is asked by the queue's name alone. On Redis keys begin with the workload's name; RabbitMQ has a queue for
each lane, lists none, and would make one that is misspelt: so it is asked first whether they are there.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from rung.cli.queue_places import adapter_of, named_place
from rung.errors import Finding, MachineError, UsageError
from rung.near import suggestion

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rung.runtime.bindings import QueueBinding

DEFAULT_FILE = Path("workload.py")


def declared_place(
    queue: str, url: str, file: Path = DEFAULT_FILE, *, lanes: str | None = None, workload: str | None = None
) -> QueueBinding:
    """The queue at `--url`, with what the file says of it, or `--lanes` and `--workload` instead.

    Raises UsageError where the lanes are not to be known, and UserError for what is wrong with the file.
    """
    adapter = adapter_of(url)
    named = tuple(lane.strip() for lane in (lanes or "").split(",") if lane.strip())
    told = adapter == "postgres" or (workload is not None and (named or adapter == "redis"))
    known = not told and (file != DEFAULT_FILE or file.exists())
    declared, owner = _read(queue, file) if known else ((), "")
    found = named or declared
    if adapter == "rabbitmq" and not found:
        raise UsageError(
            f"RabbitMQ does not list the lanes of {queue!r}: name the file that declares it, --file workload.py, "
            "or its lanes and its workload, --lanes high,default --workload shop"
        )
    return named_place(url, found or ("default",), owner if workload is None else workload)


def _read(queue: str, file: Path) -> tuple[Sequence[str], str]:
    """Lanes and workload."""
    from rung.model.nodes import Queue
    from rung.model.read import load_workload

    graph = load_workload(file)
    queues = {node.name: node for node in graph.of(Queue)}
    if queue not in queues:
        there = ", ".join(queues) or "none"
        raise UsageError(f"{file} has no queue {queue!r}{suggestion(queue, queues)}; it has {there}")
    return queues[queue].lanes, graph.name


async def ensure_there(queue: str, place: QueueBinding) -> None:
    """Raise MachineError where the server has no such queue, or another workload's of this name."""
    if place.adapter == "rabbitmq":
        from rung.runtime.queue.rabbitmq.presence import missing_queues

        if missing := await missing_queues(queue, place):
            raise MachineError(
                _not_there(
                    queue,
                    found=f"this RabbitMQ has no {', '.join(missing)}",
                    advice="name the file that declares it, --file workload.py, or --lanes and --workload; and in "
                    "--url the virtual host",
                )
            )
    if place.adapter == "redis":
        from rung.runtime.queue.redis.presence import other_owners

        if others := await other_owners(queue, place):
            whose = [f"workload {owner!r}" if owner else "no workload" for owner in (place.workload, *others)]
            raise MachineError(
                _not_there(
                    queue,
                    found=f"nothing of {whose[0]} in this Redis, and a queue {queue!r} of {', '.join(whose[1:])}",
                    advice=f"name the file that declares it, --file workload.py, or --workload '{others[0]}'",
                )
            )


def _not_there(queue: str, *, found: str, advice: str) -> Finding:
    return Finding(
        code="R0510",
        severity="error",
        message=f"the queue {queue!r} cannot be asked",
        found=found,
        effect="nothing is listed, and nothing sent back",
        help=advice,
    )
