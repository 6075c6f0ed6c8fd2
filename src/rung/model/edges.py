"""Who does what to whom. An edge that is not in the graph is denied everywhere: grants, networks, bindings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Verb = Literal[
    "send", "consume", "read", "write", "delete", "list", "publish", "start", "connect", "call", "run",
    "deliver", "route",
]  # fmt: skip

#: What each kind of node allows, in the order in which people think of it.
VERBS: dict[str, tuple[Verb, ...]] = {
    "queue": ("send", "consume"),
    "postgres": ("read", "write"),
    "cache": ("read", "write"),
    "table": ("read", "write"),
    "files": ("read", "write"),
    "search": ("read", "write"),
    "bucket": ("read", "write", "delete", "list"),
    "bus": ("publish",),
    "workflow": ("start",),
    "secret": ("read",),
    "external": ("connect",),
    "service": ("call",),
    "job": ("run",),
}

#: What `uses=[node]` means when no verb is named. A queue is missing on purpose: sending is not consuming.
PLAIN_VERBS: dict[str, tuple[Verb, ...]] = {
    **{kind: verbs for kind, verbs in VERBS.items() if kind != "queue"},
    "bucket": ("read", "write"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """`source --verb--> target`, by name."""

    source: str
    target: str
    verb: Verb


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """What one node may do with `target`: `orders.send` is `Use(target="orders", verbs=("send",))`."""

    target: str
    verbs: tuple[Verb, ...]
