"""`rung eject`: the files of every environment, with the modules' own tests, and no rung after that."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

SCHEMA = "rung.eject/1"
NOTE = "infra/EJECTED.md"
TEXT = """\
# These files are yours

`rung eject` wrote them from the workload file and removed its own manifest: `rung synth` will not touch them
again.
Planning and applying need Terraform and the provider hashicorp/aws, and nothing else.

The modules in `modules/` came with their tests: `terraform init -backend=false && terraform test` in a module's
folder runs them without an account. `modules.lock.json` says which versions they were.

What still names rung is the application itself: containers are started by `python -m rung.runtime...`, a library
that the image installs like any other.
"""


def configure(parser: argparse._SubParsersAction[Any]) -> None:
    """Add the command to the parser."""
    command = parser.add_parser("eject", help="write every environment once more, and leave the files to you")
    command.add_argument("file", nargs="?", default="workload.py", metavar="FILE", help="the workload file")
    command.add_argument("--out", metavar="DIR", help="where to write (the folder of the workload file)")
    command.add_argument("--force", action="store_true", help="write over files that were changed by hand, too")
    command.add_argument("--format", choices=("text", "json"), default="text", help="json is for programs")


def run(arguments: argparse.Namespace) -> int:
    """Write everything and forget it. 0, or 1 when a file was kept that somebody else changed."""
    from rung.cli.printing import finding_as_json, print_findings
    from rung.terraform.writing import MANIFEST, findings_of, write

    root = Path(arguments.out) if arguments.out else Path(arguments.file).resolve().parent
    outcomes = write(root, _files(arguments.file), force=arguments.force)
    findings = findings_of(outcomes)
    (root / MANIFEST).unlink()
    if arguments.format == "json":
        files = [{"path": each.path, "state": each.state} for each in outcomes]
        said = [finding_as_json(each) for each in findings]
        print(json.dumps({"schema": SCHEMA, "root": str(root), "files": files, "findings": said}, indent=2))
    else:
        import sys

        print_findings(findings, sys.stderr)
        print(f"{root}: {len(outcomes)} files are yours now; {NOTE} says what is left of rung")
    return int(bool(findings))


def _files(workload: str) -> dict[str, str]:
    from rung.cli.synth import designs_of, files_of
    from rung.model.nodes import Environment
    from rung.model.read import load_workload
    from rung.terraform.library import whole_module
    from rung.terraform.tree import used_modules

    graph = load_workload(workload)
    names = tuple(node.name for node in graph.of(Environment)) or ("prod",)
    designs = designs_of(graph, names[0])
    files = files_of(graph, designs, names)
    for module in (*used_modules(designs), "testing"):
        files.update({f"infra/modules/{module}/{path}": text for path, text in whole_module(module).items()})
    return {**files, NOTE: TEXT}
