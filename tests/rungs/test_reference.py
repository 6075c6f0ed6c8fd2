"""The reference of rungs names every field that an environment may set, and nothing else; so do the parts."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path
from typing import get_args

from rung.parts.design import Part
from rung.parts.outputs import OUTPUTS
from rung.rungs.overriding import SIZABLE

DOCUMENT = Path(__file__).parents[2] / "docs" / "reference" / "rungs.md"
KINDS = {part.__dataclass_fields__["kind"].default: part for part in get_args(Part)}


def test_the_document_names_every_field_that_can_be_set() -> None:
    text = DOCUMENT.read_text()
    rows = re.findall(
        r"^\| (\w+) \| [^|]+ \| ([^|]+) \|$", text[text.index("## What `sizes` may set") :], re.MULTILINE
    )
    assert {kind: tuple(re.findall(r"`(\w+)`", listed)) for kind, listed in rows} == dict(SIZABLE)


def test_what_can_be_set_is_a_field_of_the_part() -> None:
    for kind, names in SIZABLE.items():
        assert set(names) <= {field.name for field in fields(KINDS[kind])}, kind


def test_every_kind_of_part_says_what_it_can_tell() -> None:
    assert set(OUTPUTS) == set(KINDS)
