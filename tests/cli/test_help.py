"""The help of `rung` and of every command: one screen, an example each, the same words for the same options."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Iterator

import pytest
from tests.tidy.documents import parser_of

from rung.cli.examples import EXAMPLES
from rung.cli.main import COMMANDS, GROUPS, main

NAMES = [name for name, _, _ in COMMANDS]
SCREEN = 60


def parsers_of(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    """A parser and those of its actions."""
    yield parser
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for inner in action.choices.values():
                yield from parsers_of(inner)


def test_every_command_is_in_one_group() -> None:
    grouped = [name for _, names in GROUPS for name in names]
    assert sorted(grouped) == sorted(NAMES)


def test_the_help_of_rung_is_one_screen(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    shown = capsys.readouterr().out
    assert len(shown.splitlines()) < 45
    assert all(f"  {name} " in shown for name in NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_commands_help_says_what_it_is_for_and_ends_with_examples(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    with pytest.raises(SystemExit):
        main(["help", name])
    shown = capsys.readouterr().out
    assert len(shown.splitlines()) < SCREEN
    assert EXAMPLES[name][0][0] in shown.split("examples:")[1]


@pytest.mark.parametrize("name", NAMES)
def test_the_examples_are_command_lines(name: str) -> None:
    parser = parser_of(name)
    for line, what in EXAMPLES[name]:
        program, command, *words = shlex.split(line)
        assert (program, command) == ("rung", name)
        assert parser.parse_args(words)
        assert what[0].islower() or what.startswith(("AWS", "1,"))


@pytest.mark.parametrize("name", NAMES)
def test_every_argument_is_explained_and_options_have_one_name(name: str) -> None:
    for parser in parsers_of(parser_of(name)):
        for action in parser._actions:
            if not isinstance(action, argparse._SubParsersAction | argparse._HelpAction):
                assert action.help, f"{parser.prog}: {action.dest}"
            if action.dest in ("env", "environment") and parser.prog != "rung diff":
                assert action.option_strings == ["--env", "--environment"]
            positional = not action.option_strings and action.dest in ("file", "workload")
            if positional or "--file" in action.option_strings:
                assert action.metavar in ("FILE", "FILE.zip", "WORKLOAD"), parser.prog


@pytest.mark.parametrize(
    ("words", "meant", "usage"),
    [
        (["check", "--stricct"], "--strict", "usage: rung check"),
        (["tenants", "list", "--colunm=x"], "--column", "usage: rung tenants"),
        (["--verson"], "--version", "usage: rung COMMAND"),
    ],
)
def test_an_option_that_was_mistyped_is_named(
    words: list[str], meant: str, usage: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == 2
    told = capsys.readouterr().err
    assert f'did you mean "{meant}"' in told
    assert usage in told
