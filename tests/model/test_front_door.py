"""The front door is one sorted list, and every name on it opens without loading the runtime."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import rung


def test_the_list_is_sorted_types_first() -> None:
    assert rung.__all__ == sorted(rung.__all__, key=lambda name: (name[0].islower(), name))


def test_the_list_the_names_and_the_types_agree() -> None:
    tree = ast.parse(Path(rung.__file__).read_text())
    checked = next(node for node in tree.body if isinstance(node, ast.If))
    typed = {alias.asname for statement in checked.body if isinstance(statement, ast.ImportFrom)
             for alias in statement.names}  # fmt: skip
    assert typed == set(rung.__all__) == set(dir(rung))
    assert all(getattr(rung, name) is not None for name in rung.__all__)


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'Workloads'"):
        rung.Workloads  # noqa: B018


def test_an_application_does_not_load_the_model() -> None:
    code = "import sys, rung.runtime; print([name for name in sys.modules if name.startswith('rung.model')])"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
