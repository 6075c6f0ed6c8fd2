"""Whether one pattern takes an event, and when it does not, the first field that differs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, assert_never

from rung.patterns.events import Leaves, Paths, Places, flatten, paths_of
from rung.patterns.grammar import (
    AnythingBut,
    Branch,
    Cidr,
    EqualsIgnoreCase,
    Exact,
    Exists,
    Field,
    Numeric,
    Pattern,
    Prefix,
    Scalar,
    Suffix,
    Test,
    Truth,
    Wildcard,
    branches,
    folded,
)

_SHOWN_VALUES = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Why a pattern does not take an event: at `path` it wants `wanted`, and `found` is there (all as JSON).

    `other_branches`: how many more alternatives of `$or` failed; this is the one that came nearest.
    """

    path: str
    wanted: str
    found: str
    other_branches: int = 0


def matches(pattern: Pattern, event: Mapping[str, Any]) -> bool:
    """Whether the pattern takes an event (as `json.loads` gives it)."""
    every = branches(pattern)
    leaves = flatten(event, branch_paths(every))
    return any(holds(branch, leaves) for branch in every)


def first_difference(pattern: Pattern, event: Mapping[str, Any]) -> Difference | None:
    """The first field, in the pattern's order, that has no value the pattern takes. None: the pattern takes it."""
    every = branches(pattern)
    leaves = flatten(event, branch_paths(every))
    if any(holds(branch, leaves) for branch in every):
        return None
    failing = [[field for field in branch if not _taken(field, leaves)] for branch in every]
    nearest = min(range(len(every)), key=lambda number: len(failing[number]) or len(every[number]) + 1)
    others = len(every) - 1
    if not failing[nearest]:
        return _apart(every[nearest], leaves, others)
    field = failing[nearest][0]
    return Difference(path=field.path, wanted=field.shown, found=_found(field.path, leaves), other_branches=others)


def branch_paths(every: tuple[Branch, ...]) -> Paths:
    """The paths that branches ask about."""
    return paths_of(field.path for branch in every for field in branch)


def holds(branch: Branch, leaves: Leaves) -> bool:
    """Whether every field has a value that it takes, all of them in the same elements of arrays of objects."""
    if not leaves.nested:
        return all(_taken(field, leaves) for field in branch)
    return _together(branch, leaves, {})


def accepts(test: Test, value: Scalar) -> bool:
    """Whether a test takes a value that is there."""
    match test:
        case Exact():
            return value == test.value
        case Prefix():
            return isinstance(value, str) and (folded(value) if test.ignore_case else value).startswith(test.text)
        case Suffix():
            return isinstance(value, str) and (folded(value) if test.ignore_case else value).endswith(test.text)
        case EqualsIgnoreCase():
            return isinstance(value, str) and folded(value) == test.text
        case Wildcard():
            return isinstance(value, str) and _in_order(test.pieces, value)
        case Numeric():
            return isinstance(value, int | float) and _between(test, value)
        case Cidr():
            return isinstance(value, str) and _inside(test, value)
        case Exists():
            return test.wanted
        case AnythingBut():
            return not any(accepts(each, value) for each in test.excluded)
        case _:
            assert_never(test)


def _taken(field: Field, leaves: Leaves) -> bool:
    values = leaves.values.get(field.path)
    if values is None:
        return _absent_is_fine(field)
    return any(accepts(test, value) for value in values for test in field.tests)


def _absent_is_fine(field: Field) -> bool:
    return any(isinstance(test, Exists) and not test.wanted for test in field.tests)


def _together(branch: Branch, leaves: Leaves, chosen: dict[int, int]) -> bool:
    """Try each value of the first field that agrees with the elements chosen so far, then the rest."""
    if not branch:
        return True
    field, rest = branch[0], branch[1:]
    values = leaves.values.get(field.path)
    if values is None:
        return _absent_is_fine(field) and _together(rest, leaves, chosen)
    tried: set[Places] = set()
    for value, places in zip(values, leaves.places[field.path], strict=True):
        agrees = places not in tried and all(chosen.get(array, index) == index for array, index in places)
        if agrees and any(accepts(test, value) for test in field.tests):
            tried.add(places)
            if _together(rest, leaves, {**chosen, **dict(places)}):
                return True
    return False


def _in_order(pieces: tuple[str, ...], value: str) -> bool:
    """Linear in the text: the first place that fits a piece leaves the most room for the next."""
    first, last = pieces[0], pieces[-1]
    if len(pieces) == 1:
        return value == first
    if len(value) < len(first) + len(last) or not (value.startswith(first) and value.endswith(last)):
        return False
    at, end = len(first), len(value) - len(last)
    for piece in pieces[1:-1]:
        found = value.find(piece, at, end)
        if found < 0:
            return False
        at = found + len(piece)
    return True


def _between(test: Numeric, value: float) -> bool:
    low, high = test.low, test.high
    if low is not None and (value < low or (value == low and not test.low_included)):
        return False
    return high is None or value < high or (value == high and test.high_included)


def _inside(test: Cidr, text: str) -> bool:
    address = address_of(text)
    return address is not None and address[0] == test.version and test.first <= address[1] <= test.last


@lru_cache(maxsize=4_096)
def address_of(text: str) -> tuple[int, int] | None:
    """The version and the number of an IP address, or None when the text is none."""
    import ipaddress

    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    return address.version, int(address)


def _apart(branch: Branch, leaves: Leaves, others: int) -> Difference:
    """Every field finds a value, but never in the same element of an array."""
    asked = [field.path for field in branch if any(leaves.places.get(field.path, ()))]
    return Difference(
        path=", ".join(asked), wanted="all of them in one element of the array",
        found="each in another element", other_branches=others,
    )  # fmt: skip


def _found(path: str, leaves: Leaves) -> str:
    values = leaves.values.get(path)
    if values is None:
        return "no value"
    shown = [_as_json(value) for value in values[:_SHOWN_VALUES]]
    more = f", and {len(values) - _SHOWN_VALUES} more" if len(values) > _SHOWN_VALUES else ""
    return ", ".join(shown) + more


def _as_json(value: Scalar) -> str:
    return value.value if isinstance(value, Truth) else json.dumps(value, ensure_ascii=False)
