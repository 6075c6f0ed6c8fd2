"""The labelled workloads, which nobody wrote for this: few findings each, and every cure that is placed cures."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.review.conftest import priced

from rung.errors import UserError
from rung.model.graph import Graph
from rung.model.nodes import Environment
from rung.model.read import load_workload
from rung.parts.design import Design
from rung.price.book import PriceBook
from rung.review import Advice, apply, review
from rung.rungs import place

LABELLED = sorted((Path(__file__).parents[1] / "advise" / "labelled").glob("*/workload.py"))
#: Of EKS and of Fargate the same is said, but for the cluster itself.
RUNGS = ("box", "host", "fargate", "serverless")
MOST_FINDINGS = 12


def looked_at(graph: Graph, design: Design, book: PriceBook) -> tuple[Advice, ...]:
    """The review, without prices where the book has none."""
    try:
        dollars = priced(design, graph, book)
    except UserError:
        return review(graph, design, monthly_dollars=lambda _: 0.0)
    return review(graph, design, monthly_dollars=dollars)


def placed(graph: Graph, environment: str, rung: str | None) -> Design | None:
    """The design, or None where the rung refuses the workload."""
    try:
        return place(graph, environment, rung=rung)
    except UserError:
        return None


def rung_of(graph: Graph, environment: str) -> str | None:
    return next((each.rung for each in graph.of(Environment) if each.name == environment), None)


@pytest.mark.parametrize("file", LABELLED, ids=lambda file: file.parent.name)
def test_every_cure_cures(file: Path, book: PriceBook) -> None:
    graph = load_workload(file)
    environment = next(each.name for each in graph.of(Environment) if each.production)
    for rung in RUNGS:
        design = placed(graph, environment, rung)
        if design is None:
            continue
        found = looked_at(graph, design, book)
        assert len(found) <= MOST_FINDINGS, [each.code for each in found]
        for advice in found:
            mended = apply(graph, environment, advice.changes)
            moved = rung_of(mended, environment) != rung_of(graph, environment)
            after = placed(mended, environment, None if moved else rung)
            assert after is not None, f"{rung}: the cure of {advice.code} cannot be placed: {advice.cure}"
            left = {(each.code, each.node) for each in looked_at(mended, after, book)}
            assert (advice.code, advice.node) not in left, f"{rung}: {advice.cure}"
