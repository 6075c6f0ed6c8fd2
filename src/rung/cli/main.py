"""`rung`: the composition root. Finds the command, imports that one alone, turns errors into exit codes.

Exit 0: fine. 1: the user's model or system is wrong. 2: a wrong command line. 70: our bug.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module
from itertools import pairwise
from typing import Any, NoReturn

from rung.errors import UsageError, UserError

#: Every command: its name, the module that is imported only when it is chosen, and its line in `rung --help`.
COMMANDS: tuple[tuple[str, str, str], ...] = (
    ("advise", "rung.cli.advise", "say which rung the business has earned, and why"),
    ("check", "rung.cli.check", "report everything that is wrong with a workload file"),
    ("dev", "rung.cli.dev", "run a workload on this machine"),
    ("diff", "rung.cli.diff", "compare two environments, or one with what is on disk"),
    ("eject", "rung.cli.eject", "write every environment once more, and leave the files to you"),
    ("estimate", "rung.cli.estimate", "the bill of an environment, line by line"),
    ("events", "rung.cli.events", "say which rules of a workload take an event, and why the others do not"),
    ("explain", "rung.cli.explain", "explain a finding by its code, such as R0142"),
    ("explain-access", "rung.cli.explain_access", "say who may do what with a node, and why"),
    ("forecast", "rung.cli.forecast", "simulate a day of traffic through a design"),
    ("import", "rung.cli.import_", "make a workload file of a compose file or of Copilot's manifests"),
    ("load", "rung.cli.load", "send the users of a workload's traffic model to it"),
    ("migrate", "rung.cli.migrate", "apply a folder of SQL migrations to a database"),
    ("prices", "rung.cli.prices", "list, search and renew the price book"),
    ("queue", "rung.cli.queue", "show how full a workload's queues are"),
    ("redrive", "rung.cli.redrive", "list a queue's dead letters, or send them back to it"),
    ("review", "rung.cli.review", "what a good reviewer would say about a design, and what each cure costs"),
    ("synth", "rung.cli.synth", "write what an environment becomes on AWS, as plain Terraform"),
    ("tenants", "rung.cli.tenants", "check, list, move, export, delete and restore tenants"),
    ("trace", "rung.cli.trace", "show where the time of one user action went"),
    ("workflow", "rung.cli.workflow", "list, show, draw, resume and cancel the runs of workflows"),
    ("webhooks", "rung.cli.webhooks", "send webhooks that came in to their queue again"),
)

EXIT_FINE, EXIT_USER, EXIT_USAGE, EXIT_BUG, EXIT_INTERRUPTED = 0, 1, 2, 70, 130
REPORT = """
This is a bug in rung, not in your workload. Nothing of yours was changed by this message.
Please report it with the lines above and the command you ran:
    rung {arguments}
"""


class Parser(argparse.ArgumentParser):
    """An argument parser that raises instead of exiting, so that one place decides what is printed."""

    def error(self, message: str) -> NoReturn:
        """Raises UsageError with argparse's message and the usage line."""
        raise UsageError(f"{message}\n{self.format_usage().strip()}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command line (without the program's name) and return its exit code."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        return _run(words)
    except UsageError as error:
        print(f"rung: {error}", file=sys.stderr)
        return EXIT_USAGE
    except UserError as error:
        from rung.cli.printing import print_failure

        print_failure(error.findings, as_json=_wants_json(words))
        return EXIT_USER
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        # The reader of our output went away (`rung check | head`): not an error, and nothing is left to say.
        sys.stderr.close()
        return EXIT_FINE
    except Exception:  # noqa: BLE001 - whatever it is, it is ours, and the user must be able to report it
        import traceback

        traceback.print_exc()
        print(REPORT.format(arguments=" ".join(words)), file=sys.stderr)
        return EXIT_BUG


def _run(words: list[str]) -> int:
    parser = Parser(
        prog="rung", description="One Python file describes a workload. Infrastructure earns its place."
    )
    parser.add_argument("--version", action="version", version=_version() if "--version" in words else "")
    subparsers = parser.add_subparsers(dest="command", metavar="command", parser_class=Parser)
    chosen = next((word for word in words if not word.startswith("-")), None)
    module = _configure(subparsers, chosen)
    if chosen is not None and module is None:
        from rung.near import suggestion

        names = [name for name, _, _ in COMMANDS]
        raise UsageError(f"no command {chosen!r}{suggestion(chosen, names)}; there are {', '.join(names)}")
    parsed = parser.parse_args(words)
    if module is None:
        parser.print_help()
        return EXIT_USAGE
    return int(module.run(parsed))


def _configure(subparsers: argparse._SubParsersAction[Any], chosen: str | None) -> Any:
    """Add every command to the parser, the chosen one by its own module, which is returned."""
    module = None
    for name, path, line in COMMANDS:
        if name == chosen:
            module = import_module(path)
            module.configure(subparsers)
        else:
            subparsers.add_parser(name, help=line, add_help=False)
    return module


def _wants_json(words: Sequence[str]) -> bool:
    return "--format=json" in words or ("--format", "json") in pairwise(words)


def _version() -> str:
    from importlib.metadata import version

    return f"rung {version('rung')}"


if __name__ == "__main__":
    sys.exit(main())
