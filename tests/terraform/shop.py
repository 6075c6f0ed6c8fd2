"""The reference workload `shop` in every environment on every rung that holds it, for the tests of this folder."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path

from rung import compose
from rung.errors import ModelError
from rung.model.graph import Graph
from rung.model.read import load_workload
from rung.parts.design import Design
from rung.parts.values import Reference
from rung.rungs import place
from rung.terraform.tree import tree

WORKLOAD = Path(__file__).parents[2] / "workloads" / "shop" / "workload.py"
RUNGS = ("box", "host", "fargate")
ENVIRONMENTS = ("dev", "staging", "prod")
#: What a root is told from outside.
VARIABLES = {
    "TF_VAR_image_tag": "0123abcd",
    "TF_VAR_runbooks_url": "https://github.com/example/shop/blob/main/runbooks",
}


@cache
def graph() -> Graph:
    """The graph of shop."""
    return load_workload(str(WORKLOAD))


@cache
def design(environment: str, rung: str) -> Design:
    """Shop in one environment on one rung. Raises ModelError where the rung cannot hold it."""
    return place(graph(), environment, rung=rung)


@cache
def placements() -> tuple[tuple[str, str], ...]:
    """Every environment on every rung that holds it: 10,000 people do not fit on a box."""
    return tuple((environment, rung) for rung in RUNGS for environment in ENVIRONMENTS if _fits(environment, rung))


def late(environment: str, rung: str) -> Mapping[str, Reference]:
    """What the user data of its machines is told."""
    return compose.late_values(design(environment, rung))


def files(environment: str, rung: str) -> dict[str, str]:
    """The folder `infra/` of one environment on one rung."""
    placed = design(environment, rung)
    told = {environment: late(environment, rung)}
    return {**tree({environment: placed}, (environment,), told), **compose.files(placed, graph())}


def write(root: Path, written: dict[str, str]) -> Path:
    """Write files below `root`; it is returned."""
    for path, text in written.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")
    return root


def _fits(environment: str, rung: str) -> bool:
    try:
        design(environment, rung)
    except ModelError:
        return False
    return True
