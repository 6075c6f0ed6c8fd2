"""What the documents say that a machine can compare with the code: links, commands, options, blocks, codes."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path

from tests.tidy.rules import inside, tracked

FENCE = re.compile(r"(?ms)^(?P<indent> *)```(?P<language>\w*)[^\n]*\n(?P<text>.*?)^(?P=indent)```")
INLINE = re.compile(r"(?<!`)`(?P<text>[^`\n]+)`(?!`)")
LINK = re.compile(r"\]\((?!https?:|mailto:)(?P<file>[^)#\s]*)(?:#(?P<anchor>[^)\s]+))?\)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A fenced block of a document: its language, the line it begins in, and its text without indentation."""

    language: str
    line: int
    text: str


@cache
def documents() -> tuple[Path, ...]:
    """Every document for people; templates are documents of the projects that are generated."""
    return tuple(file for file in tracked(".md") if not {"templates", "golden", "modules"} & set(inside(file)))


@cache
def text_of(file: Path) -> str:
    """The text of a document."""
    return file.read_text(encoding="utf-8")


def blocks(file: Path) -> Iterator[Block]:
    """The fenced blocks of a document."""
    text = text_of(file)
    for found in FENCE.finditer(text):
        indent = len(found["indent"])
        lines = (line[indent:] for line in found["text"].splitlines())
        yield Block(language=found["language"], line=text.count("\n", 0, found.start()) + 1, text="\n".join(lines))


def prose(file: Path) -> str:
    """The document without its blocks; lines keep their numbers."""
    return FENCE.sub(lambda found: "\n" * found[0].count("\n"), text_of(file))


@cache
def anchors(file: Path) -> frozenset[str]:
    """The anchors of a document's headings, as GitHub makes them: repeated ones are numbered."""
    seen: dict[str, int] = {}
    found: set[str] = set()
    for heading in re.findall(r"^#{1,6} +(.*)$", prose(file), re.MULTILINE):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)
        slug = re.sub(r"[^\w\- ]", "", plain.strip().lower()).replace(" ", "-")
        number = seen.get(slug, 0)
        seen[slug] = number + 1
        found.add(f"{slug}-{number}" if number else slug)
    return frozenset(found)


def command_lines(file: Path) -> Iterator[tuple[int, str]]:
    """Every `rung ...` that the document tells to type, with its line: in blocks of a shell and in inline code."""
    for block in blocks(file):
        if block.language in ("", "sh", "console", "text", "bash"):
            joined = block.text.replace("\\\n", " ")
            for number, line in enumerate(joined.splitlines(), block.line + 1):
                typed = re.match(r"(?:\$ |[A-Z_]+=\S+ )*(rung (?! ).*)", line)
                if typed:
                    yield number, typed[1]
    for number, line in enumerate(prose(file).splitlines(), 1):
        for found in INLINE.finditer(line):
            if found["text"].startswith("rung "):
                yield number, found["text"]


def options_of(parser: argparse.ArgumentParser) -> set[str]:
    """Every option of a parser and of its subcommands."""
    found: set[str] = set()
    for action in parser._actions:
        found.update(each for each in action.option_strings if each.startswith("--"))
        if isinstance(action, argparse._SubParsersAction):
            for inner in action.choices.values():
                found |= options_of(inner)
    return found


@cache
def parser_of(command: str) -> argparse.ArgumentParser:
    """The parser of one command of rung."""
    from rung.cli.main import COMMANDS

    path = next(path for name, path, _ in COMMANDS if name == command)
    parser = argparse.ArgumentParser(prog="rung")
    subparsers = parser.add_subparsers()
    import_module(path).configure(subparsers)
    made: argparse.ArgumentParser = subparsers.choices[command]
    return made
