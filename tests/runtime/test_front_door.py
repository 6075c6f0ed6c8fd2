"""The front door: a name means its object whatever was imported before, and costs nothing until it is used."""

from __future__ import annotations

import subprocess
import sys

import pytest

import rung.runtime


def _run(program: str) -> str:
    return subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stdout.strip()


@pytest.mark.parametrize("name", ["database", "queue", "cache"])
def test_a_function_wins_over_the_package_of_its_name(name: str) -> None:
    program = f"import rung.runtime.{name}\nfrom rung.runtime import {name}\nprint(type({name}).__name__)"
    assert _run(program) == "function"


def test_an_unused_driver_is_not_imported() -> None:
    assert _run("import sys\nfrom rung.runtime import current\nprint('asyncpg' in sys.modules)") == "False"


def test_an_unknown_name_is_answered_with_those_that_there_are() -> None:
    with pytest.raises(AttributeError, match=r"no attribute 'databse'; it has .*database"):
        rung.runtime.databse  # noqa: B018
