"""Texts of generated files, kept as files of their own and filled in here.

A place to fill is written `<<name>>`: neither HCL, YAML, shell, Dockerfiles nor GitHub's expressions use it. A
value of several lines keeps the indentation of its place; a line whose only content is an empty value goes away.
"""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files

_PLACE = re.compile(r"<<([a-z_]+)>>")


def render(package: str, name: str, **values: str) -> str:
    """The template `name` of `package`, filled in. Raises KeyError for a place without a value."""
    lines: list[str] = []
    for line in text_of(package, name).splitlines():
        lines.extend(_filled(line, values))
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip("\n") + "\n"


def _filled(line: str, values: dict[str, str]) -> list[str]:
    only = _PLACE.fullmatch(line.strip())
    if only is not None:
        indentation = line[: len(line) - len(line.lstrip())]
        return [f"{indentation}{each}".rstrip() for each in values[only[1]].splitlines()]
    return [_PLACE.sub(lambda place: values[place[1]], line)]


@cache
def text_of(package: str, name: str) -> str:
    """The template as it is written."""
    folder = files(package) / "templates"
    return folder.joinpath(name).read_text(encoding="utf-8")
