"""`rung diff staging prod`: two environments part by part; `rung diff prod`: one against what is on disk."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rung.cli.differences import Difference
    from rung.model.graph import Graph

SCHEMA = "rung.diff/1"
#: A cell of the table is cut after so many characters; --format json has all of it.
CELL = 48


def configure(parser: argparse._SubParsersAction[Any]) -> None:
    """Add the command to the parser."""
    command = parser.add_parser("diff", help="compare two environments, or one with what is on disk")
    command.add_argument("left", metavar="ENVIRONMENT", help="the environment")
    command.add_argument(
        "right", metavar="OTHER", nargs="?", help="another environment; what is on disk when left out"
    )
    command.add_argument("--file", default="workload.py", metavar="FILE", help="the workload file")
    command.add_argument("--out", metavar="DIR", help="where the files are (the folder of the workload file)")
    command.add_argument("--format", choices=("text", "json"), default="text", help="json is for programs")


def run(arguments: argparse.Namespace) -> int:
    """Print the differences. 0 when there is none, 1 when there are: a pipeline can ask."""
    from rung.model.read import load_workload

    graph = load_workload(arguments.file)
    if arguments.right is None:
        root = Path(arguments.out) if arguments.out else Path(arguments.file).resolve().parent
        return _on_disk(graph, arguments, root)
    return _between(graph, arguments)


def _between(graph: Graph, arguments: argparse.Namespace) -> int:
    from rung.cli.differences import differences
    from rung.rungs import place

    found = differences(place(graph, arguments.left), place(graph, arguments.right))
    if arguments.format == "json":
        print(json.dumps(_document(arguments, found), indent=2))
    else:
        _print_table(arguments, found)
    return int(bool(found))


def _document(arguments: argparse.Namespace, found: list[Difference]) -> dict[str, object]:
    rows = [
        {"part": each.part, "kind": each.kind, "field": each.field, "left": each.left, "right": each.right}
        for each in found
    ]
    return {"schema": SCHEMA, "left": arguments.left, "right": arguments.right, "differences": rows}


def _print_table(arguments: argparse.Namespace, found: list[Difference]) -> None:
    if not found:
        print(f"{arguments.left} and {arguments.right} do not differ")
        return
    rows = [("part", "kind", "field", arguments.left, arguments.right)]
    rows += [(each.part, each.kind, each.field, _cell(each.left), _cell(each.right)) for each in found]
    widths = [max(len(row[column]) for row in rows) for column in range(5)]
    for row in rows:
        print("  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip())


def _cell(text: str | None) -> str:
    if text is None:
        return "-"
    return text if len(text) <= CELL else f"{text[: CELL - 1]}…"


def _on_disk(graph: Graph, arguments: argparse.Namespace, root: Path) -> int:
    """The text differences of one environment's files, as `diff -u` shows them; a JSON list of their paths."""
    from difflib import unified_diff

    from rung.cli.synth import designs_of, files_of

    name = arguments.left
    changed: dict[str, list[str]] = {}
    for path, text in files_of(graph, designs_of(graph, name), (name,)).items():
        target = root / path
        now = target.read_text(encoding="utf-8") if target.is_file() else ""
        if now != text:
            lines = unified_diff(now.splitlines(), text.splitlines(), path, f"{path} (generated)", lineterm="")
            changed[path] = list(lines)
    if arguments.format == "json":
        document = {"schema": SCHEMA, "left": name, "right": None, "files": sorted(changed)}
        print(json.dumps(document, indent=2))
    elif not changed:
        print(f"what is on disk is what {name} says")
    else:
        print("\n".join(line for path in sorted(changed) for line in changed[path]))
    return int(bool(changed))
