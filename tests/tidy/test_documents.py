"""The documents agree with the code: links, anchors, commands, options, code blocks, codes, paths, indexes."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path

import pytest
from tests.tidy.documents import (
    INLINE,
    LINK,
    anchors,
    blocks,
    command_lines,
    documents,
    options_of,
    parser_of,
    prose,
    text_of,
)
from tests.tidy.rules import ROOT, name_of

from rung.cli.main import COMMANDS

NAMES = {name for name, _, _ in COMMANDS}
#: Pages about projects that rung writes name the paths of those, and the front end of track its own.
OTHER_ROOTS = (
    "docs/reference/generated-project.md",
    "docs/errors/R0910.md",
    "docs/how-to/box-restore.md",
    "workloads/",
)
KINDS = ("tutorial", "how-to", "reference", "explanation")


def test_anchors_exist() -> None:
    broken = [
        f"{name_of(file)} -> {found[0]}"
        for file in documents()
        for found in LINK.finditer(prose(file))
        if found["anchor"] and (target := (file.parent / found["file"]) if found["file"] else file).suffix == ".md"
        if target.exists() and found["anchor"] not in anchors(target.resolve())
    ]
    assert not broken


def test_commands_and_their_options_exist() -> None:
    wrong = [
        f"{name_of(file)}:{line}: {typed}: {problem}"
        for file in documents()
        for line, typed in command_lines(file)
        if (problem := _problem(typed))
    ]
    assert not wrong


@pytest.mark.parametrize("name", sorted(NAMES))
def test_every_option_is_described(name: str) -> None:
    pages = [
        text_of(file)
        for file in documents()
        if name_of(file).startswith(tuple(f"docs/{kind}/" for kind in KINDS)) and f"rung {name}" in text_of(file)
    ]
    options = options_of(parser_of(name)) - {"--help", "--environment"}
    silent = [each for each in sorted(options) if not any(re.search(rf"{each}(?![\w-])", page) for page in pages)]
    assert not silent, "say in docs/reference or docs/how-to what it does"


@pytest.mark.parametrize(
    ("typed", "problem"),
    [
        ("rung check --strict", ""),
        ("rung chekc", "no such command"),
        ("rung check --strictly", "no option --strictly"),
        ("rung tenants move acme --abort", ""),
        ("rung dev --format json | grep --color slow", ""),
    ],
)
def test_a_line_is_judged_by_the_parsers(typed: str, problem: str) -> None:
    assert _problem(typed) == problem


def test_blocks_of_python_and_json_parse() -> None:
    wrong = [
        f"{name_of(file)}:{block.line}: {problem}"
        for file in documents()
        for block in blocks(file)
        if (problem := _unparsable(block.language, block.text)) and name_of(file) != "docs/errors/R0202.md"
    ]  # R0202 is about what is no Python
    assert not wrong


def test_codes_that_are_named_have_pages() -> None:
    pages = {file.stem for file in (ROOT / "docs/errors").glob("R[0-9]*.md")}
    unknown = {
        f"{name_of(file)}: {code}"
        for file in documents()
        for code in re.findall(r"\bR(?:0[1-9]|1\d)\d\d\b", text_of(file))
        if code not in pages
    }
    assert not unknown


def test_every_kind_of_finding_is_in_the_table() -> None:
    told = set(re.findall(r"^\| `(R\d\d)` \|", text_of(ROOT / "docs/reference/findings.md"), re.MULTILINE))
    assert told == {file.stem[:3] for file in (ROOT / "docs/errors").glob("R[0-9]*.md")}


def test_paths_that_are_named_exist() -> None:
    missing = [
        f"{name_of(file)}: {found['text']}"
        for file in documents()
        if not name_of(file).startswith(OTHER_ROOTS)
        for found in INLINE.finditer(prose(file))
        if re.fullmatch(r"(?:tests|benchmarks|scripts|workloads|src|docs)/[\w./-]+", found["text"])
        if not (ROOT / found["text"]).exists()
    ]
    assert not missing


def test_the_index_leads_to_every_page_and_every_command() -> None:
    linked = _linked(ROOT / "docs/README.md")
    pages = {
        file.resolve()
        for file in documents()
        if name_of(file).startswith(tuple(f"docs/{kind}/" for kind in KINDS)) and file.name != "README.md"
    }
    assert not pages - linked, "link it from docs/README.md, where somebody looks for it"
    commands = text_of(ROOT / "docs/reference/commands.md")
    assert not [name for name in NAMES if f"`rung {name}`" not in commands]


def test_every_decision_is_listed() -> None:
    folder = ROOT / "docs/adr"
    listed = _linked(folder / "README.md")
    assert {file.resolve() for file in folder.glob("0*.md")} <= listed


def test_the_glossary_defines_each_word_once() -> None:
    words = re.findall(r"^\| \*\*([^|]+?)\*\* \|", text_of(ROOT / "docs/glossary.md"), re.MULTILINE)
    assert len(words) == len(set(words)) > 60


def _problem(typed: str) -> str:
    """What is wrong with a line that begins with `rung`; an empty text when nothing is."""
    found = re.match(r"rung (?P<command>[a-z][a-z-]*)(?P<rest>.*)", typed)
    if found is None:
        return ""
    command = found["command"]
    if command not in NAMES:
        return "" if command == "help" else "no such command"
    rest = re.split(r" [|>&#] | && ", found["rest"])[0]
    known = options_of(parser_of(command))
    return "".join(
        f"no option {each}" for each in re.findall(r"(?<![\w-])--[a-z][a-z-]*", rest) if each not in known
    )


def _unparsable(language: str, text: str) -> str:
    try:
        if language == "python":
            compile(text, "block", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT | ast.PyCF_ONLY_AST)
        elif language == "json":
            json.loads(text)
    except (SyntaxError, ValueError) as error:
        return str(error)
    return ""


def _linked(file: Path) -> set[Path]:
    """The files to which a document has links."""
    return {(file.parent / found["file"]).resolve() for found in LINK.finditer(text_of(file)) if found["file"]}
