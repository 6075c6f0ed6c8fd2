"""The pages show what advice says today: the rungs of the map, the words of the shop's example.

Dollars move with the price book, so that they are not compared; `python -m tests.advise.pages` writes them anew.
"""

from __future__ import annotations

import re

from tests.advise.pages import EARNED, REFERENCE, benchmark, example, rung_rows


def without_numbers(text: str) -> list[str]:
    """The words, line by line."""
    return [re.sub(r"\s+", " ", re.sub(r"[\d.,]+", "#", line)).strip() for line in text.splitlines()]


def test_the_map_is_what_the_advice_says() -> None:
    """Nine cells of ten: a cent may move one that is level."""
    made = benchmark()
    kept = re.findall(r"^\| \$[\d,]+ \| (.*) \|$", EARNED.read_text(encoding="utf-8"), re.MULTILINE)
    printed = [cell.split(" ")[0].rstrip(",") for row in kept for cell in row.split(" | ")]
    found = [row["rung"] for row in made.earned()]
    assert len(printed) == len(found)
    assert sum(one == other for one, other in zip(printed, found, strict=True)) >= 0.9 * len(found)


def test_the_table_of_rungs_has_their_outages_and_hours() -> None:
    text = EARNED.read_text(encoding="utf-8")
    for row in rung_rows():
        hours_and_outages = row.split(" | ")[3:]
        assert " | ".join(hours_and_outages) in text


def test_the_example_of_the_shop_is_current() -> None:
    shown = REFERENCE.read_text(encoding="utf-8").partition("```text\n")[2].partition("\n```")[0]
    assert without_numbers(shown) == without_numbers(example())
