"""The reference says what the code assumes: its table is written by the code, and compared here."""

from __future__ import annotations

from pathlib import Path

from rung.forecast.behaviour import Behaviour
from rung.model.assumed import described

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "forecast.md"


def test_the_page_lists_every_assumption_with_its_default() -> None:
    text = PAGE.read_text(encoding="utf-8")
    table = text.partition("<!-- assumptions -->")[2].partition("<!-- /assumptions -->")[0]
    rows = [f"| `{name}` | {value:g} | {unit} | {why} |" for name, value, unit, why in described(Behaviour())]
    assert table.strip().splitlines()[2:] == rows
