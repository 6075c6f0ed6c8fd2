"""Reading what a workload file gives as a dict or a list (ValueError with an example), and filling records."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def entries(value: Any, example: str) -> list[tuple[Any, Any]]:
    """The pairs of a dict; none of None."""
    if value is not None and not isinstance(value, Mapping):
        raise ValueError(f"{value!r} is no dict: write one such as {example}")
    return list((value or {}).items())


def paths(value: Any) -> tuple[str, ...]:
    """Path prefixes, each with its first slash."""
    if isinstance(value, str) or not all(isinstance(each, str) and each.startswith("/") for each in value):
        raise ValueError(f'{value!r} is no list of path prefixes: write one such as ["/api/checkout"]')
    return tuple(value)


def words(value: Any, example: str) -> tuple[str, ...]:
    """A list of words as a tuple, without repetition."""
    if isinstance(value, str) or not all(isinstance(each, str) for each in value):
        raise ValueError(f"{value!r} is no list of words: write one such as {example}")
    return tuple(dict.fromkeys(value))


def set_fields(node: object, /, **values: object) -> None:
    """Fill a frozen record while it is being built. Never call it on one that somebody else has seen."""
    for field, value in values.items():
        object.__setattr__(node, field, value)
