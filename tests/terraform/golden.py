"""Writes the golden trees anew: `python -m tests.terraform.golden`. Read the difference before you commit it."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from tests.rungs.samples import eventful
from tests.terraform import shop

from rung.rungs import place
from rung.terraform.root import compile as compiled

FOLDER = Path(__file__).parents[1] / "golden" / "terraform"

#: A bus on fargate with a rule to each kind of target, and a workflow.
MARKET = "market-fargate-prod"


def roots() -> dict[str, str]:
    """The root module of shop in every environment on every rung, and a bus, by path below the folder."""
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
