"""The review of shop in production as a person reads it. `python -m tests.review.golden` writes it anew.

Prices are fixed here, so that the file changes when the review or the design does, and not with the price book.
"""

from __future__ import annotations

import io
from pathlib import Path

from rung.cli.review import print_text
from rung.model.read import load_workload
from rung.review import review
from rung.rungs import place

ROOT = Path(__file__).parents[2]
FILE = ROOT / "tests" / "golden" / "review" / "shop-prod-fargate.txt"


def printed() -> str:
    """The text, with places relative to the repository."""
    graph = load_workload(ROOT / "workloads" / "shop" / "workload.py")
    design = place(graph, "prod", rung="fargate")
    found = review(graph, design, monthly_dollars=lambda _: 10.0, cured=lambda _: 123.0)
    stream = io.StringIO()
    print_text(design, found, stream)
    return stream.getvalue().replace(f"{ROOT}/", "")


if __name__ == "__main__":
    FILE.parent.mkdir(exist_ok=True)
    FILE.write_text(printed(), encoding="utf-8")
