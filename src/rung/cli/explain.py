"""`rung explain R0142`: the page of a finding. `rung explain` alone lists them all."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import rung
from rung.errors import UsageError
from rung.near import suggestion

#: A link to docs/errors in a checkout, a folder of the same pages in an installed wheel.
PAGES = Path(rung.__file__).parent / "error_pages"


def configure(parser: argparse._SubParsersAction[Any]) -> None:
    """Add the command to the parser."""
    command = parser.add_parser("explain", help="explain a finding by its code, such as R0142")
    command.add_argument(
        "code", nargs="?", metavar="CODE", help="the code in brackets, such as R0142; all codes when left out"
    )
    command.add_argument("--format", choices=("text", "json"), default="text", help="json is for programs")


def run(arguments: argparse.Namespace) -> int:
    """Print one page, or the list of all."""
    found = pages()
    if arguments.code is None:
        _print_list(found, as_json=arguments.format == "json")
        return 0
    code = str(arguments.code).strip("[]").upper()
    if code not in found:
        raise UsageError(
            f"no finding has the code {arguments.code!r}{suggestion(code, found)}; list: rung explain"
        )
    text = found[code].read_text(encoding="utf-8")
    print(json.dumps({"code": code, "title": title(text), "page": text}) if arguments.format == "json" else text)
    return 0


def pages() -> dict[str, Path]:
    """Every code with its page, in order."""
    return {page.stem: page for page in sorted(PAGES.glob("R[0-9]*.md"))}


def title(page: str) -> str:
    """The heading without the code: `# R0142: a queue ...` gives `a queue ...`."""
    return page.split("\n", 1)[0].removeprefix("#").partition(":")[2].strip()


def _print_list(found: dict[str, Path], *, as_json: bool) -> None:
    titles = {code: title(page.read_text(encoding="utf-8")) for code, page in found.items()}
    if as_json:
        print(json.dumps([{"code": code, "title": text} for code, text in titles.items()], indent=2))
        return
    for code, text in titles.items():
        print(f"{code}  {text}")
