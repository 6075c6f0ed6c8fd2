"""Lines of the user's files, as findings quote them."""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path

from rung.errors import Location


def line_of(file: str, line: int) -> Location:
    """The place, with the text of that line when it can be read."""
    lines = _lines(file)
    text = lines[line - 1].strip() if 0 < line <= len(lines) else ""
    return Location(file=display_path(file), line=line, text=text)


def display_path(file: str) -> str:
    """The path as a person would type it: relative where it lies below the current folder."""
    try:
        relative = os.path.relpath(file)
    except ValueError:  # another drive
        return file
    return file if relative.startswith("..") else relative


def forget() -> None:
    """Read the files anew next time: they may have been edited."""
    _lines.cache_clear()


@lru_cache(maxsize=64)
def _lines(file: str) -> tuple[str, ...]:
    try:
        return tuple(Path(file).read_text(encoding="utf-8").splitlines())
    except (OSError, ValueError):
        return ()
