"""The reference of the workload file lists every call with every parameter and its default, and nothing else."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import rung
from rung import Workload

DOCUMENT = Path(__file__).parents[2] / "docs" / "reference" / "workload-file.md"
FACTS = ("traffic", "objectives", "business")
CALLS = [
    name
    for name, _ in inspect.getmembers(Workload, inspect.isfunction)
    if not name.startswith("_") and name not in ("freeze", "amend", "handlers")
]


def section(name: str) -> str:
    """The text below the heading of one call."""
    match = re.search(rf"^### `{name}\((.*?)(?=^##|\Z)", DOCUMENT.read_text(), re.MULTILINE | re.DOTALL)
    assert match is not None, f"{name} is not documented"
    return match[1]


def expected_rows(called: Callable[..., Any]) -> dict[str, str]:
    """Each parameter with its default as the table writes it."""
    rows = {}
    for parameter in inspect.signature(called).parameters.values():
        default = parameter.default
        if default is parameter.empty:
            rows[parameter.name] = "required"
        else:
            rows[parameter.name] = "" if default in (None, ()) else f"`{default!r}`".replace("'", '"')
    return rows


@pytest.mark.parametrize("name", CALLS)
def test_the_reference_has_every_parameter(name: str) -> None:
    text = section(name)
    if name in ("use", "start_after"):
        return
    rows = dict(re.findall(r"^\| `(\w+)` \| (.*?) ?\| ", text, re.MULTILINE))
    expected = expected_rows(getattr(rung, name.title()) if name in FACTS else getattr(Workload, name))
    for hidden in ("self", "kind", *(["name"] if name != "external" else [])):
        expected.pop(hidden, None)
    assert rows == expected
