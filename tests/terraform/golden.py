"""Writes the golden trees anew: `python -m tests.terraform.golden`. Read the difference before you commit it."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from tests.terraform import shop

from rung.terraform.root import compile as compiled

FOLDER = Path(__file__).parents[1] / "golden" / "terraform"


def roots() -> dict[str, str]:
    """The root module of shop in every environment on every rung, by path below the folder."""
    return {
        f"{rung}-{environment}/{name}": text
        for environment, rung in shop.placements()
        for name, text in compiled(shop.design(environment, rung), shop.late(environment, rung)).items()
    }


def main() -> int:
    """Replace the folder's content."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    shop.write(FOLDER, roots())
    return 0


if __name__ == "__main__":
    sys.exit(main())
