"""The shop's bills are what they were, line by line: a change of one is meant, and is seen in review."""

from __future__ import annotations

from price.golden import FOLDER, golden_bills
from rung.model.graph import Graph
from rung.price.book import PriceBook


def test_every_bill_is_as_it_was(shop: Graph, book: PriceBook) -> None:
    wanted = dict(golden_bills(shop, book))
    assert {file.name for file in FOLDER.glob("*.txt")} == set(wanted)
    for name, text in wanted.items():
        kept = (FOLDER / name).read_text(encoding="utf-8")
        assert text == kept, f"{name} differs: python -m tests.price.golden writes it anew"


def test_there_is_a_bill_for_each_environment_and_rung() -> None:
    names = {file.stem for file in FOLDER.glob("*.txt")}
    assert {"prod-fargate", "prod-host", "staging-fargate", "dev-box"} <= names
