"""What is wrong with a pattern, where in it, and what could stand there."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

_SHOWN_CHARACTERS = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Mistake:
    """One mistake: `path` is a JSONPath into the pattern, such as `$.detail.state[0].prefix`."""

    path: str
    found: str
    possible: str


class Mistakes:
    """Collects every mistake of a pattern."""

    def __init__(self) -> None:
        self.found: list[Mistake] = []

    def add(self, path: str, found: str, possible: str) -> None:
        """One more."""
        self.found.append(Mistake(path=path, found=found, possible=possible))


def shown(value: Any) -> str:
    """A piece of a pattern as JSON, cut short."""
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _SHOWN_CHARACTERS else text[: _SHOWN_CHARACTERS - 3] + "..."
