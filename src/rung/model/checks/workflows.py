"""Workflows: the database that keeps their runs."""

from __future__ import annotations

from collections.abc import Iterator

from rung.errors import Finding
from rung.model.checks.report import label, problem
from rung.model.graph import Graph
from rung.model.nodes import Postgres, Workflow


def without_a_database(graph: Graph) -> Iterator[Finding]:
    """R0167: runs have to be kept somewhere, and the workload has no database."""
    if graph.of(Postgres):
        return
    for workflow in graph.of(Workflow):
        yield problem(
            graph, "R0167", workflow.name, f"{label(workflow)} has no database that keeps its runs",
            severity="warning", found="0 databases",
            effect="rung dev makes one for them alone: no step can share a transaction with what it changes, and "
            "nowhere else is there any",
            advice='declare a database with postgres("db"), and name it in the uses of the workflow',
        )  # fmt: skip


def runs_in_another_database(graph: Graph) -> Iterator[Finding]:
    """R0168: a step that changes one database cannot be recorded in another by the same transaction."""
    databases = [node.name for node in graph.of(Postgres)]
    for workflow in graph.of(Workflow):
        used = {edge.target for edge in graph.edges_from(workflow.name)}
        others = [name for name in databases if name in used]
        if others and databases[0] not in used:
            yield problem(
                graph, "R0168", workflow.name,
                f"{label(workflow)} keeps its runs in another database than it uses", severity="warning",
                found=f'runs in "{databases[0]}", uses "{others[0]}"',
                effect="context.transaction(...) fails: the change and its record are in two databases",
                advice=f'declare postgres "{others[0]}" first, or change it in context.step(...) under the '
                "step's idempotency key", related=(databases[0], others[0]),
            )  # fmt: skip


CHECKS = (without_a_database, runs_in_another_database)
