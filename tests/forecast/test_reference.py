"""The reference says what the code assumes: its table is written by the code, and compared here."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

from rung.forecast.behaviour import Behaviour, reason_of, unit_of

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "forecast.md"


def test_the_page_lists_every_assumption_with_its_default() -> None:
    text = PAGE.read_text(encoding="utf-8")
    table = text.partition("<!-- assumptions -->")[2].partition("<!-- /assumptions -->")[0]
    names = [each.name for each in fields(Behaviour) if each.name != "day"]
    given = Behaviour()
    rows = [f"| `{name}` | {getattr(given, name):g} | {unit_of(name)} | {reason_of(name)} |" for name in names]
    assert table.strip().splitlines()[2:] == rows
