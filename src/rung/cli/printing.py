"""Findings as people and as machines read them. Colour on a terminal only, and never against NO_COLOR."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Sequence
from typing import TextIO

from rung.errors import Finding, Location, render

_COLOURS = {"error": "1;31", "warning": "1;33", "note": "1;36"}
_DIM, _BOLD, _BLUE = "2", "1", "34"


def colour_wanted(stream: TextIO) -> bool:
    """Whether `stream` is a terminal that nobody asked to keep plain (https://no-color.org)."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def render_for(finding: Finding, stream: TextIO) -> str:
    """The finding as text, coloured when the stream wants it, with the related places."""
    text = render(finding)
    if finding.related:
        head, _, tail = text.rpartition("\n")
        places = "\n".join(f"   see: {_place(location)}" for location in finding.related)
        text = f"{head}\n{places}\n{tail}"
    return _coloured(text, finding) if colour_wanted(stream) else text


def finding_as_json(finding: Finding) -> dict[str, object]:
    """The same fields as the text: docs/reference/check.md describes them."""
    return {
        "code": finding.code,
        "severity": finding.severity,
        "message": finding.message,
        "location": None if finding.location is None else _location_as_json(finding.location),
        "found": finding.found,
        "effect": finding.effect,
        "help": finding.help,
        "related": [_location_as_json(location) for location in finding.related],
    }


def count(findings: Iterable[Finding]) -> dict[str, int]:
    """How many findings of each severity."""
    severities = [finding.severity for finding in findings]
    return {f"{severity}s": severities.count(severity) for severity in ("error", "warning", "note")}


def print_findings(findings: Sequence[Finding], stream: TextIO) -> None:
    """Every finding, an empty line after each."""
    for finding in findings:
        print(render_for(finding, stream) + "\n", file=stream)


def print_failure(findings: Sequence[Finding], *, as_json: bool) -> None:
    """What stopped a command: to standard error as text, or to standard output as one JSON document."""
    if as_json:
        document = {"schema": "rung.findings/1", "findings": [finding_as_json(each) for each in findings]}
        print(json.dumps(document, indent=2))
    else:
        print_findings(findings, sys.stderr)


def _coloured(text: str, finding: Finding) -> str:
    first, *rest = text.split("\n")
    head, _, message = first.partition(": ")
    lines = [f"{_paint(_COLOURS[finding.severity], head)}: {_paint(_BOLD, message)}"]
    for line in rest:
        label, colon, words = line.partition(": ")
        if line.startswith("  --> "):
            lines.append(f"  {_paint(_BLUE, '-->')} {line[6:]}")
        else:
            lines.append(f"{_paint(_DIM, label + colon.strip())} {words}" if colon else line)
    return "\n".join(lines)


def _paint(colour: str, text: str) -> str:
    return f"\x1b[{colour}m{text}\x1b[0m"


def _place(location: Location) -> str:
    return f"{location.file}:{location.line}   {location.text}".rstrip()


def _location_as_json(location: Location) -> dict[str, object]:
    return {"file": location.file, "line": location.line, "text": location.text}
