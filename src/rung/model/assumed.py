"""Assumptions: dataclasses whose fields hold, beside a default, its unit and why it is the default."""

from __future__ import annotations

from dataclasses import Field, field, fields, replace
from typing import Any, TypeVar

from rung.errors import UsageError
from rung.model.near import suggestion

Assumed = TypeVar("Assumed")
#: No assumption is larger: more is a slip of the unit.
_MOST = 1e12


def assumption(default: Any, *, unit: str, why: str) -> Any:
    """A field of an assumptions dataclass."""
    return field(default=default, metadata={"unit": unit, "why": why})


def described(given: Any) -> list[tuple[str, float, str, str]]:
    """Name, value, unit and reason of every assumption that is a number."""
    return [
        (each.name, getattr(given, each.name), str(each.metadata["unit"]), str(each.metadata["why"]))
        for each in _numbers(given)
    ]


def assumed(defaults: Assumed, texts: list[str]) -> Assumed:
    """`NAME=VALUE` over the defaults. Raises UsageError with the names that there are, or with the bad value."""
    known = {each.name for each in _numbers(defaults)}
    changes: dict[str, float] = {}
    for text in texts:
        name, _, value = text.partition("=")
        if name not in known:
            there = ", ".join(sorted(known))
            raise UsageError(f"no assumption {name!r}{suggestion(name, known)}; there are {there}")
        changes[name] = _number(name, value)
    return replace(defaults, **changes)  # type: ignore[type-var]


def _numbers(given: Any) -> list[Field[Any]]:
    return [each for each in fields(given) if isinstance(getattr(given, each.name), float)]


def _number(name: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        raise UsageError(f"--assume {name} needs a number, not {text!r}") from None
    if not 0 <= value < _MOST:
        raise UsageError(f"--assume {name}={text}: it must not be negative, nor more than {_MOST:g}")
    return value
