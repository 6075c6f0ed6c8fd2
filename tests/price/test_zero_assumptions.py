"""No assumption that somebody may give ends in a traceback: what cannot be zero is refused, the rest is billed."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest

from rung.errors import UsageError
from rung.model.assumed import assumed, described
from rung.model.graph import Graph
from rung.model.read import load_workload
from rung.parts.design import Design
from rung.price.assumptions import Assumptions
from rung.price.bill import bill
from rung.price.book import PriceBook
from rung.price.shelf import book_in_use
from rung.rungs import place

SHOP = Path(__file__).resolve().parents[2] / "workloads" / "shop" / "workload.py"
#: Rates and times are divided by these.
NEVER_ZERO = {each.name for each in fields(Assumptions) if each.metadata.get("positive")}


@pytest.fixture(scope="module")
def shop() -> tuple[Graph, dict[str, Design], PriceBook]:
    """The shop in production, on the four rungs that hold it."""
    graph = load_workload(SHOP)
    designs = {rung: place(graph, "prod", rung=rung) for rung in ("host", "fargate", "eks", "serverless")}
    return graph, designs, book_in_use()


@pytest.mark.parametrize("name", [name for name, *_ in described(Assumptions())])
def test_a_zero_is_refused_or_billed(name: str, shop: tuple[Graph, dict[str, Design], PriceBook]) -> None:
    graph, designs, book = shop
    if name in NEVER_ZERO:
        with pytest.raises(UsageError, match=f"{name}=0: it must be more than 0"):
            assumed(Assumptions(), [f"{name}=0"])
        return
    given = assumed(Assumptions(), [f"{name}=0"])
    for design in designs.values():
        assert bill(design, graph, book, given).total > 0
