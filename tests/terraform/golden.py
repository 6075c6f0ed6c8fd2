"""Writes the golden trees anew: `python -m tests.terraform.golden`. Read the difference before you commit it."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from tests.rungs.fanning import tea
from tests.rungs.samples import eventful
from tests.terraform import shop

from rung import compose
from rung.rungs import place
from rung.terraform.root import compile as compiled

#: The files of a root in which functions beside machines are seen.
FANNED_OUT = ("async.tf", "grants.tf", "observability.tf", "services.tf")
FOLDER = Path(__file__).parents[1] / "golden" / "terraform"

#: A bus on fargate with a rule to each kind of target, and a workflow.
MARKET = "market-fargate-prod"


def roots() -> dict[str, str]:
    """The root module of shop in every environment on every rung, by path below the folder; and what fans out."""
    return of_shop() | fanned_out()


def fanned_out() -> dict[str, str]:
    """What a reviewer sees of workers that are functions, beside machines and beside tasks."""
    found: dict[str, str] = {}
    for rung in ("host", "fargate"):
        design = place(tea(rung).freeze(), "prod")
        files = compiled(design, compose.late_values(design))
        found |= {f"fan-out-{rung}/{name}": files[name] for name in FANNED_OUT}
    return found


def of_shop() -> dict[str, str]:
    """The root module of shop in every environment on every rung, and a bus."""
    market = compiled(place(eventful(), "prod"))
    return {
        **{f"{MARKET}/{name}": market[name] for name in ("async.tf", "grants.tf", "services.tf")},
        **{
            f"{rung}-{environment}/{name}": text
            for environment, rung in shop.placements()
            for name, text in compiled(shop.design(environment, rung), shop.late(environment, rung)).items()
        },
    }


def main() -> int:
    """Replace the folder's content."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    shop.write(FOLDER, roots())
    return 0


if __name__ == "__main__":
    sys.exit(main())
