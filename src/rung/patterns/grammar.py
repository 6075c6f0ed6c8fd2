"""What an event pattern says, as frozen data: fields joined by *and*, tests of a field joined by *or*."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from itertools import product
from typing import TypeAlias


class Truth(Enum):
    """JSON's true and false. Not Python's, which are equal to 1 and 0 and would match those numbers."""

    TRUE = "true"
    FALSE = "false"


#: A value at the end of a path: text, a number, true or false, or null.
Scalar: TypeAlias = str | int | float | Truth | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Exact:
    """The value itself. Numbers are compared as numbers: 300 is 3.0e2."""

    value: Scalar


@dataclass(frozen=True, slots=True, kw_only=True)
class Prefix:
    """Text that begins with `text`, folded when case does not count."""

    text: str
    ignore_case: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Suffix:
    """Text that ends with `text`, folded when case does not count."""

    text: str
    ignore_case: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class EqualsIgnoreCase:
    """Text that is `text` (folded) but for upper and lower case."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Wildcard:
    """Text made of `pieces` in this order, with anything, or nothing, between them."""

    pieces: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Numeric:
    """A number between two bounds; None: no bound on that side. Equality has both bounds the same."""

    low: float | None = None
    low_included: bool = True
    high: float | None = None
    high_included: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Cidr:
    """The text of an IP address (`version` 4 or 6) from `first` to `last`, both as numbers and included."""

    version: int
    first: int
    last: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Exists:
    """Whether the path ends in a value. An object, an empty array or an empty object is no value."""

    wanted: bool


Excluded: TypeAlias = Exact | Prefix | Suffix | EqualsIgnoreCase | Wildcard


@dataclass(frozen=True, slots=True, kw_only=True)
class AnythingBut:
    """A value that is there and that none of `excluded` takes."""

    excluded: tuple[Excluded, ...]


Test: TypeAlias = Exact | Prefix | Suffix | EqualsIgnoreCase | Wildcard | Numeric | Cidr | Exists | AnythingBut


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One path, its steps joined by dots, and the tests of which one must take a value. `shown` is their JSON."""

    path: str
    tests: tuple[Test, ...]
    shown: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Pattern:
    """All of `fields`, and of each `$or` in `choices` one pattern at least."""

    fields: tuple[Field, ...]
    choices: tuple[tuple[Pattern, ...], ...] = ()


Branch: TypeAlias = tuple[Field, ...]


def folded(text: str) -> str:
    """Text without upper and lower case. Of the two small sigmas, which differ by their place in a word, one."""
    return text.lower().replace("ς", "σ")


def branches(pattern: Pattern) -> tuple[Branch, ...]:
    """The pattern without `$or`: it takes an event when all fields of one of these do."""
    alternatives = [[each for one in choice for each in branches(one)] for choice in pattern.choices]
    return tuple(
        (*pattern.fields, *(field for branch in chosen for field in branch)) for chosen in product(*alternatives)
    )
