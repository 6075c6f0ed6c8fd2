"""A design is sound whatever the workload: every name in it leads somewhere, and it is repeatable."""

from __future__ import annotations

import pytest

from rung.model.graph import Graph
from rung.model.nodes import Environment
from rung.parts.compute import Host, HostGroup
from rung.parts.design import Design
from rung.parts.messaging import EventRule
from rung.parts.network import OUTSIDE
from rung.parts.operations import RUNBOOKS, Alarm
from rung.rungs import RUNGS, place


def assert_sound(graph: Graph, design: Design) -> None:
    """What holds for every design."""
    names = [part.name for part in design.parts]
    assert len(names) == len(set(names)), "names of parts are unique"
    nodes = {node.name for node in graph.nodes} | {"@workload", "@objectives", "@business"}
    assert {part.node for part in design.parts} <= nodes, "every part points at a node"
    assert not design.dangling(), "every late value names a part and one of its outputs"
    ends = set(names) | set(OUTSIDE)
    for connection in design.connections:
        assert {connection.source, connection.target} <= ends, connection
        assert connection.why
    assert {statement.principal for statement in design.statements} <= set(names)
    assert {egress.source for egress in design.egress} <= set(names)
    stacks = {stack.name for machine in (*design.of(Host), *design.of(HostGroup)) for stack in machine.stacks}
    assert {grant.database for grant in design.database_grants} <= set(names) | stacks
    assert {alarm.runbook for alarm in design.of(Alarm)} <= RUNBOOKS.keys()
    for rule in design.of(EventRule):
        assert {rule.bus, rule.target} <= set(names)
    sids = [(statement.principal, statement.sid) for statement in design.statements]
    assert len(sids) == len(set(sids))


@pytest.mark.parametrize(
    ("workload", "rung"),
    [
        *(("shop", rung) for rung in RUNGS),
        ("atlas", "fargate"),
        ("atlas", "host"),
        ("cottage", "box"),
        *(("studio", rung) for rung in ("fargate", "host", "box")),
    ],
)
def test_every_design_is_sound(workload: str, rung: str, request: pytest.FixtureRequest) -> None:
    graph: Graph = request.getfixturevalue(workload)
    for environment in graph.of(Environment):
        if (workload, rung, environment.name) == ("shop", "box", "prod"):
            continue  # more than one machine can do: see test_refusals.py
        design = place(graph, environment.name, rung=rung)
        assert_sound(graph, design)
        assert design == place(graph, environment.name, rung=rung)
