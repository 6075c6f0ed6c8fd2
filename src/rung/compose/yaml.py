"""YAML as people write it, from plain values: enough for compose files, routes and cloud-init."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence

#: Texts that need no quotes: words, paths, images; nothing that YAML reads as a number, a date or a truth value.
_PLAIN = re.compile(r"[A-Za-z/_][A-Za-z0-9_./@+-]*(?::[A-Za-z0-9_./-]+)*")
_WORDS = frozenset({"true", "false", "yes", "no", "on", "off", "null", "y", "n"})


def document(value: Mapping[str, object], comment: str = "") -> str:
    """A whole document, its comment first."""
    head = "".join(f"# {line}\n" for line in comment.splitlines())
    return head + "\n".join(_mapping(value, 0)) + "\n"


def _mapping(value: Mapping[str, object], depth: int) -> list[str]:
    lines: list[str] = []
    for key, item in value.items():
        lines.extend(_entry(f"{'  ' * depth}{_scalar(key)}:", item, depth))
        if depth == 0 or (depth == 1 and isinstance(item, Mapping) and len(value) > 1 and len(item) > 1):
            lines.append("")
    return lines[:-1] if lines and not lines[-1] else lines


def _entry(head: str, item: object, depth: int) -> list[str]:
    if isinstance(item, Mapping):
        return [head, *_mapping(item, depth + 1)] if item else [f"{head} {{}}"]
    if isinstance(item, str) and "\n" in item:
        margin = "  " * (depth + 1)
        keep = "|" if item.endswith("\n") else "|-"
        return [f"{head} {keep}", *(f"{margin}{line}" if line else "" for line in item.rstrip("\n").split("\n"))]
    if isinstance(item, Sequence) and not isinstance(item, str):
        return _sequence(head, item, depth)
    return [f"{head} {_scalar(item)}"]


def _sequence(head: str, items: Sequence[object], depth: int) -> list[str]:
    flat = f"{head} [{', '.join(_scalar(item) for item in items if not isinstance(item, Mapping | list | tuple))}]"
    if all(isinstance(item, str | int | float) and "\n" not in str(item) for item in items) and len(flat) <= 110:
        return [flat]
    lines = [head]
    for item in items:
        if isinstance(item, Mapping):
            inner = _mapping(item, depth + 2)
            lines += [f"{'  ' * (depth + 1)}- {inner[0].lstrip()}", *inner[1:]]
        elif isinstance(item, Sequence) and not isinstance(item, str):
            lines.append(f"{'  ' * (depth + 1)}- [{', '.join(_scalar(each) for each in item)}]")
        else:
            lines.append(f"{'  ' * (depth + 1)}- {_scalar(item)}")
    return lines


def _scalar(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return f"{value:g}" if isinstance(value, float) else str(value)
    text = str(value)
    if _PLAIN.fullmatch(text) and text.lower() not in _WORDS:
        return text
    return json.dumps(text, ensure_ascii=False)
