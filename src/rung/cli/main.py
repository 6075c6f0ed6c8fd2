"""`rung`: the composition root. Finds the command, imports that one alone, turns errors into exit codes.

Exit 0: fine. 1: the user's model or system is wrong. 2: a wrong command line. 70: our bug.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from io import TextIOWrapper
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
    ("estimate", "rung.cli.estimate", "say what an environment costs, line by line"),
    ("events", "rung.cli.events", "which rules take an event; what a bus has kept, and a replay of it"),
    ("explain", "rung.cli.explain", "explain a finding by its code, such as R0142"),
    ("explain-access", "rung.cli.explain_access", "say who may do what with a node, and why"),
    ("forecast", "rung.cli.forecast", "simulate a day of traffic through a design"),
    ("import", "rung.cli.import_", "make a workload file from a compose file or from Copilot's manifests"),
    ("load", "rung.cli.load", "send the users of a workload's traffic model to it"),
    ("migrate", "rung.cli.migrate", "apply a folder of SQL migrations to a database, or check them first"),
    ("prices", "rung.cli.prices", "list, search and renew the price book"),
    ("queue", "rung.cli.queue", "show how full a workload's queues are"),
    ("redrive", "rung.cli.redrive", "list a queue's dead letters, or send them back to it"),
    ("review", "rung.cli.review", "say what a good reviewer would about a design, and what each cure costs"),
    ("synth", "rung.cli.synth", "write what an environment becomes on AWS, as plain Terraform"),
    ("tenants", "rung.cli.tenants", "check, list, move, export, delete and restore tenants"),
    ("trace", "rung.cli.trace", "show where the time of one user action went"),
    ("workflow", "rung.cli.workflow", "list, show, draw, resume and cancel the runs of workflows"),
    ("webhooks", "rung.cli.webhooks", "send webhooks that came in to their queue again"),
)

#: How `rung --help` puts them together: by what somebody wants to do.
GROUPS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("on this machine", ("check", "dev", "load", "trace", "import", "explain")),
    ("what it costs and how it behaves", ("advise", "estimate", "forecast", "review", "prices")),
    ("on AWS", ("synth", "diff", "eject", "explain-access")),
    ("what runs", ("queue", "redrive", "events", "webhooks", "workflow", "tenants", "migrate")),
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


class MainParser(Parser):
    """The parser of `rung` itself, whose help is the commands by what they are for."""

    def format_help(self) -> str:
        """One screen: every command with its line."""
        lines = {name: line for name, _, line in COMMANDS}
        groups = ["\n".join([title, *(f"  {name:<15}{lines[name]}" for name in names)]) for title, names in GROUPS]
        return "\n\n".join([f"usage: {self.usage}\n\n{self.description}", *groups, str(self.epilog)]) + "\n"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command line (without the program's name) and return its exit code."""
    if arguments is None:
        _print_anything()
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        status = _run(words)
        sys.stdout.flush()
        return status
    except UsageError as error:
        print(f"rung: {error}", file=sys.stderr)
        return EXIT_USAGE
    except UserError as error:
        return _failed(error, words)
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        # The reader of our output went away (`rung check | head`): not an error, and nothing is left to say.
        _print_nothing_more()
        return EXIT_FINE
    except Exception as error:  # noqa: BLE001 - what is outside is told, and what is ours can be reported
        from rung.cli.outside import FULL, finding_of

        finding = finding_of(error)
        if isinstance(error, OSError) and error.errno in FULL:
            _print_nothing_more()
        return _bug(words) if finding is None else _failed(UserError(finding), words)


def _failed(error: UserError, words: Sequence[str]) -> int:
    from rung.cli.printing import print_failure

    print_failure(error.findings, as_json=_wants_json(words))
    return EXIT_USER


def _bug(words: Sequence[str]) -> int:
    import traceback

    traceback.print_exc()
    print(REPORT.format(arguments=" ".join(words)), file=sys.stderr)
    return EXIT_BUG


def _print_anything() -> None:
    """Names of files need not be text, and a terminal need not know every letter: neither ends a command."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _print_nothing_more() -> None:
    """What is still in the buffer goes nowhere: writing it when the interpreter ends would fail once more."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    with contextlib.suppress(OSError, ValueError):  # it is no file when a test listens
        os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


def _run(words: list[str]) -> int:
    if words[:1] == ["help"]:
        words = [*words[1:2], "--help"]
    parser = MainParser(
        prog="rung",
        usage="rung COMMAND ...",
        description="One Python file describes a workload. Infrastructure earns its place.",
        epilog="rung COMMAND --help says more about one, with examples; rung --version which rung this is.\n"
        "Exit status: 0 fine, 1 the workload or the system is wrong, 2 a wrong command line, 70 a bug in rung.",
    )
    parser.add_argument("--version", action="version", version=_version() if "--version" in words else "")
    subparsers = parser.add_subparsers(dest="command", metavar="COMMAND", prog="rung", parser_class=Parser)
    chosen = next((word for word in words if not word.startswith("-")), None)
    module = _configure(subparsers, chosen)
    if chosen is not None and module is None:
        from rung.near import suggestion

        names = [name for name, _, _ in COMMANDS]
        raise UsageError(f"no command {chosen!r}{suggestion(chosen, names)}; there are {', '.join(names)}")
    parsed, unknown = parser.parse_known_args(words)
    if unknown:
        raise UsageError(_unknown(unknown, parser if chosen is None else subparsers.choices[chosen]))
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
            _explain(subparsers.choices[name], name, line)
        else:
            subparsers.add_parser(name, add_help=False)
    return module


def _explain(command: argparse.ArgumentParser, name: str, line: str) -> None:
    """Every command's help begins with what it is for and ends with examples."""
    from rung.cli.examples import examples_of

    command.description = command.description or f"{line[0].upper()}{line[1:]}."
    command.epilog = command.epilog or examples_of(name)
    command.formatter_class = argparse.RawDescriptionHelpFormatter


def _unknown(words: Sequence[str], command: argparse.ArgumentParser) -> str:
    """What argparse could not place, with the options that were probably meant."""
    from rung.near import suggestion

    known = _options(command)
    said = (word + (suggestion(word.partition("=")[0], known) if word.startswith("--") else "") for word in words)
    return f"unrecognized arguments: {' '.join(said)}\n{command.format_usage().strip()}"


def _options(command: argparse.ArgumentParser) -> set[str]:
    """Every option of a command and of its actions."""
    found: set[str] = set()
    for action in command._actions:  # noqa: SLF001 - argparse gives no other way to ask
        found.update(action.option_strings)
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001
            found.update(option for inner in action.choices.values() for option in _options(inner))
    return found


def _wants_json(words: Sequence[str]) -> bool:
    return "--format=json" in words or ("--format", "json") in pairwise(words)


def _version() -> str:
    from importlib.metadata import version

    return f"rung {version('rung')}"


if __name__ == "__main__":
    sys.exit(main())
