"""`rung import compose FILE`, `rung import copilot DIR`: a workload file from what there is (docs/how-to/)."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from rung.cli.printing import count, finding_as_json, print_findings
from rung.errors import Finding, UsageError

SCHEMA = "rung.import/1"


def configure(parser: argparse._SubParsersAction[Any]) -> None:
    """Add the command to the parser."""
    command = parser.add_parser("import", help="make a workload file of a compose file or of Copilot's manifests")
    command.add_argument("kind", choices=("compose", "copilot"), help="what there is")
    command.add_argument("path", metavar="PATH", help="the compose file, or the folder that holds copilot/")
    command.add_argument("--out", metavar="FILE", help="write there instead of to standard output")
    command.add_argument("--force", action="store_true", help="write over a file that exists")
    command.add_argument("--format", choices=("text", "json"), default="text", help="json is for programs")


def run(arguments: argparse.Namespace) -> int:
    """Write one workload file. 0 also when something could not be carried over: each is a finding."""
    text, findings = _imported(arguments.kind, Path(arguments.path))
    if arguments.out:
        _write(Path(arguments.out), text, force=arguments.force)
    if arguments.format == "json":
        document = {"schema": SCHEMA, "workload_file": text, "summary": count(findings),
                    "findings": [finding_as_json(each) for each in findings]}  # fmt: skip
        print(json.dumps(document, indent=2))
        return 0
    print_findings(findings, sys.stderr)
    if arguments.out:
        print(f"{arguments.out}: written; next: rung check {arguments.out}")
    else:
        print(text, end="")
    return 0


def _imported(kind: str, path: Path) -> tuple[str, tuple[Finding, ...]]:
    if kind == "compose":
        from rung.importers.compose import import_compose

        return import_compose(path)
    from rung.importers.copilot import import_copilot

    return import_copilot(path)


def _write(file: Path, text: str, *, force: bool) -> None:
    if file.exists() and not force:
        raise UsageError(f"{file} exists: name another file, or --force")
    file.write_text(text, encoding="utf-8")
