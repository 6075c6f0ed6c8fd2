"""Where a queue is, for the commands that look after one: named, of this process, or of a running `rung dev`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rung.runtime.bindings import QueueBinding

Adapter = Literal["postgres", "redis", "rabbitmq"]
_ADAPTERS: dict[str, Adapter] = {
    "redis": "redis", "rediss": "redis", "valkey": "redis", "amqp": "rabbitmq", "amqps": "rabbitmq"
}  # fmt: skip


def adapter_of(url: str) -> Adapter:
    """The broker of a server: the scheme of its URL says it. Raises UsageError for what is no such URL."""
    from rung.cli.arguments import BROKERS, server_url

    return _ADAPTERS.get(urlsplit(server_url(url, BROKERS)).scheme, "postgres")


def named_place(url: str, lanes: Sequence[str] = ("default",), workload: str = "") -> QueueBinding:
    """The server of a `--url`. Raises UsageError for what is no URL of a broker."""
    from rung.runtime.bindings import QueueBinding

    return QueueBinding(adapter=adapter_of(url), url=url, lanes=tuple(lanes), workload=workload)


def found_place(queue: str, folder: Path) -> QueueBinding | None:
    """From this process's environment (as in a container), else from the `rung dev` of this folder."""
    from rung.runtime.bindings import QueueBinding, binding, variable_name

    if variable_name(queue) in os.environ:
        return binding(queue, QueueBinding)
    return _local_places(folder).get(queue)


def local_names(folder: Path) -> list[str]:
    """The queues of the `rung dev` of this folder; none where it has not run."""
    return sorted(_local_places(folder))


def _local_places(folder: Path) -> dict[str, QueueBinding]:
    import msgspec

    from rung.local.state import FOLDER, QUEUES_FILE
    from rung.runtime.bindings import QueueBinding

    try:
        written = (folder.resolve() / FOLDER / QUEUES_FILE).read_bytes()
        return msgspec.json.decode(written, type=dict[str, QueueBinding])
    except (OSError, msgspec.MsgspecError):
        return {}
