"""The JSON paths that EventBridge knows: `$.detail.lines[0].name`, with `*` for every key or element."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

_STEP = re.compile(r"\.(?P<key>[A-Za-z0-9_/-]+)|\[(?P<index>\d+)\]|(?P<every>\.\*|\[\*\])")


class Missing:
    """There is no such value in this event."""


MISSING: Final = Missing()


class Every:
    """Every key of an object, or every element of an array."""


EVERY: Final = Every()
Step = str | int | Every


@dataclass(frozen=True, slots=True)
class Path:
    """The steps from the whole event to a value: keys, indices, or all of them."""

    steps: tuple[Step, ...]

    def find(self, event: Any) -> Any:
        """The value, or MISSING. With `*` in the path: the list of all values, MISSING when there is none."""
        found = list(_walk(event, self.steps))
        if not found:
            return MISSING
        return found if any(isinstance(step, Every) for step in self.steps) else found[0]


def parse_path(text: str) -> Path | None:
    """The path that `text` writes, or None when EventBridge does not know it."""
    if not text.startswith("$"):
        return None
    steps: list[Step] = []
    at = 1
    while at < len(text):
        step = _STEP.match(text, at)
        if step is None:
            return None
        steps.append(_step(step))
        at = step.end()
    return Path(tuple(steps))


def _step(found: re.Match[str]) -> Step:
    if found["every"]:
        return EVERY
    return found["key"] or int(found["index"])


def _walk(value: Any, steps: tuple[Step, ...]) -> Iterator[Any]:
    if not steps:
        yield value
        return
    step, rest = steps[0], steps[1:]
    match step, value:
        case str(), dict() if step in value:
            yield from _walk(value[step], rest)
        case int(), list() if step < len(value):
            yield from _walk(value[step], rest)
        case Every(), dict():
            for each in value.values():
                yield from _walk(each, rest)
        case Every(), list():
            for each in value:
                yield from _walk(each, rest)
        case _:
            return
