"""A small design on each rung, built by hand: what is generated from it is read by the tools that judge it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from rung.model.graph import Graph
from rung.model.read import load_workload

WORKLOAD = """\
from rung import Workload

shop = Workload("shop")
db = shop.postgres("db")
api = shop.service("api", app="shop.api:app", health="/health", uses=[db])
shop.route("/*", api)
shop.environment("staging")
shop.environment("prod", production=True)
shop.notify("email:oncall@example.com")
"""


@pytest.fixture
def graph(tmp_path: Path) -> Graph:
    """A workload with one service and one database, read from a file in a folder of its own."""
    file = tmp_path / "workload.py"
    file.write_text(WORKLOAD)
    return load_workload(file)


@pytest.fixture
def tool() -> Callable[..., str]:
    """Run a tool of this environment: what it prints when it finds nothing; the test fails when it does."""

    def run(name: str, *arguments: str | Path) -> str:
        program = Path(sys.executable).parent / name
        path = str(program) if program.exists() else shutil.which(name)
        assert path, f"{name} is not installed: make setup"
        done = subprocess.run([path, *map(str, arguments)], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    return run
