"""Who may do what: statements of identity policies, each with the edge of the graph that needs it."""

from __future__ import annotations

from dataclasses import dataclass, field

from rung.model.edges import Edge
from rung.parts.values import Reference


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """One condition of a statement: `StringEquals`, `aws:SourceAccount`, the values."""

    operator: str
    key: str
    values: tuple[str | Reference, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """The role of the part `principal` may call `actions` on `resources`. Always an Allow.

    `edge` None: the platform itself needs it (pulling the image, writing the log), and `why` says what for.
    """

    principal: str
    sid: str
    actions: tuple[str, ...]
    resources: tuple[Reference | str, ...]
    conditions: tuple[Condition, ...] = ()
    edge: Edge | None = None
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseGrant:
    """What the process `principal` may do in the database part `database`, as a role of its own.

    On the tables of `schema`; the application's are in `public`, those of queues and schedules in `rung`.
    """

    principal: str
    database: str
    role: str
    schema: str = "public"
    privileges: tuple[str, ...] = field(default=("SELECT",))
    edge: Edge | None = None
