"""Which environment a command means when nobody says: the one in production."""

from __future__ import annotations

from rung.errors import UsageError
from rung.model.graph import Graph
from rung.model.nodes import Environment


def environment_or_production(graph: Graph, name: str | None) -> str:
    """`name`, else the environment in production. Raises UsageError when there is not exactly one."""
    if name is not None:
        return name
    names = [each.name for each in graph.of(Environment) if each.production]
    if len(names) != 1:
        every = ", ".join(each.name for each in graph.of(Environment)) or "none"
        raise UsageError(f"say which environment: --env NAME; the workload has {every}")
    return names[0]
