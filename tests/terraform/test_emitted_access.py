"""Drop any edge of any workload: the access it gave is gone from the files that are emitted.

The designs are compared edge by edge in tests/rungs/test_access.py. Here the text is read back and must allow what
the design allows, for the design that an edge is missing from too; and what no statement and no rule says, the
databases' grants and the environment of processes, is looked for in the text itself.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache

import pytest
from tests.rungs.simulation import access, without
from tests.rungs.test_access import GRAPHS, RUNNING, is_shared
from tests.terraform.emitted import Rights, rights

from rung import compose
from rung.model.edges import Edge
from rung.model.graph import Graph
from rung.model.nodes import External, Files, Service
from rung.parts.design import Design
from rung.rungs import place
from rung.terraform.root import compile as compiled

PLACES = (("shop", "fargate"), ("atlas", "fargate"), ("shop", "host"), ("cottage", "box"), ("post", "fargate"),
          ("market", "fargate"),
          *(("studio", rung) for rung in ("fargate", "host", "box")))  # fmt: skip
EDGES = [(rung, name, edge) for name, rung in PLACES for edge in GRAPHS[name].edges]


def emitted(design: Design, graph: Graph) -> dict[str, str]:
    """Every file that says what a process is told or may do: Terraform's, and the stacks of machines."""
    return compiled(design, compose.late_values(design)) | compose.files(design, graph)


@cache
def whole(name: str, rung: str) -> tuple[Design, dict[str, str]]:
    """A workload with all of its edges, and its files."""
    design = place(GRAPHS[name], "prod", rung=rung)
    return design, emitted(design, GRAPHS[name])


def of_design(design: Design) -> Rights:
    """The rights that statements and rules give, as the design has them, by the labels of parts."""
    found = [right for right in access(design) if right[0] in ("may", "connects", "leaves")]
    return frozenset(_as_emitted(right, design) for right in found)


def _as_emitted(right: tuple[object, ...], design: Design) -> tuple[object, ...]:
    match right:
        case ("may", role, action, str(resource), tuple(conditions)):
            told = tuple(
                (key, *(_labelled(str(value), design) for value in values)) for key, *values in conditions
            )
            return ("may", role, action, _labelled(resource, design), told)
        case ("leaves", source, target, port):
            return ("connects", source, target, port)
        case _:
            return right


def _labelled(written: str, design: Design) -> str:
    part, dot, rest = written.partition(".")
    return f"{part.replace('-', '_')}{dot}{rest}" if part in design.by_name else written


def granted(files: Mapping[str, str]) -> set[str]:
    """What processes are granted in databases: the logins of a database, a machine's script."""
    text = "\n".join(text for name, text in files.items() if name == "data.tf" or name.endswith("rung-roles"))
    return set(re.findall(r"\{ username = .*rows = .*\}|(?:^ +)grants .*", text, re.MULTILINE))


def told(files: Mapping[str, str], word: str) -> int:
    """How often a word is said to processes."""
    return sum(len(re.findall(rf"(?<!\w){re.escape(word)}(?!\w)", text)) for text in files.values())


def word_for(edge: Edge, graph: Graph) -> str | None:
    """What a process is told because of an edge: a variable, or where files are; None where it is told nothing."""
    target = graph.by_name[edge.target]
    if not isinstance(graph.by_name[edge.source], RUNNING) or isinstance(target, External | Service):
        return None
    return target.mount if isinstance(target, Files) else f"RUNG_BINDING_{target.name.upper().replace('-', '_')}"


@pytest.mark.parametrize(
    ("rung", "name", "edge"), EDGES,
    ids=lambda value: value if isinstance(value, str) else f"{value.source}-{value.verb}-{value.target}",
)  # fmt: skip
def test_dropping_an_edge_takes_its_access_from_the_files(rung: str, name: str, edge: Edge) -> None:
    graph = GRAPHS[name]
    less = without(graph, edge)
    before, files = whole(name, rung)
    after = place(less, "prod", rung=rung)
    fewer = emitted(after, less)
    assert rights(fewer) == of_design(after), "the text allows what the design allows"
    grants = granted(files) - granted(fewer)
    queries = {right for right in access(before) - access(after) if right[0] == "queries"}
    assert grants or not queries
    word = word_for(edge, graph)
    last = not [each for each in less.edges if (each.source, each.target) == (edge.source, edge.target)]
    if word is not None and last:
        assert told(fewer, word) < told(files, word)
    if not is_shared(graph, edge, rung):
        assert grants or of_design(before) - rights(fewer)
