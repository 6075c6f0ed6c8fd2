"""Assumptions: dataclasses whose fields hold, beside a default, its unit and why it is the default.

A value that somebody measured or gave takes the place of the default, and remembers that it did.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import Field, dataclass, field, fields, replace
from typing import Any, Literal, Self, TypeVar

from rung.errors import UsageError
from rung.near import suggestion

#: No assumption is larger: more is a slip of the unit.
_MOST = 1e12


@dataclass(frozen=True, slots=True, kw_only=True)
class Basis:
    """Where the value of one assumption comes from, when it is not the default; `how` in words."""

    name: str
    kind: Literal["measured", "given"]
    how: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Assumptions:
    """What every table of assumptions can say: which of its values are not assumed any more."""

    basis: tuple[Basis, ...] = ()

    def basis_of(self, name: str) -> Literal["assumed", "measured", "given"]:
        """Whether a value is the default, was measured, or was given by the user."""
        for each in self.basis:
            if each.name == name:
                return each.kind
        return "assumed"

    def with_values(self, values: Mapping[str, float], kind: Literal["measured", "given"], how: str) -> Self:
        """`values` in place of what was there; the later word about a value counts."""
        kept = tuple(each for each in self.basis if each.name not in values)
        added = tuple(Basis(name=name, kind=kind, how=how) for name in values)
        return replace(self, **dict(values), basis=(*kept, *added))


Assumed = TypeVar("Assumed", bound=Assumptions)


def assumption(default: Any, *, unit: str, why: str, positive: bool = False) -> Any:
    """A field of an assumptions dataclass. `positive` ones are divided by: they are never 0."""
    return field(default=default, metadata={"unit": unit, "why": why, "positive": positive})


def described(given: Assumptions) -> list[tuple[str, float, str, str]]:
    """Name, value, unit and reason of every assumption that is a number; of a measured one, how it was."""
    said = {each.name: each.how for each in given.basis}
    return [
        (each.name, getattr(given, each.name), str(each.metadata["unit"]),
         said.get(each.name, str(each.metadata["why"])))
        for each in _numbers(given)
    ]  # fmt: skip


def assumed(defaults: Assumed, texts: list[str]) -> Assumed:
    """`NAME=VALUE` over the defaults. Raises UsageError with the names that there are, or with the bad value."""
    known = {each.name: bool(each.metadata.get("positive")) for each in _numbers(defaults)}
    changes: dict[str, float] = {}
    for text in texts:
        name, _, value = text.partition("=")
        if name not in known:
            there = ", ".join(sorted(known))
            raise UsageError(f"no assumption {name!r}{suggestion(name, known)}; there are {there}")
        changes[name] = _number(name, value, positive=known[name])
    return defaults.with_values(changes, "given", "given with --assume") if changes else defaults


def _numbers(given: Assumptions) -> list[Field[Any]]:
    return [each for each in fields(given) if isinstance(getattr(given, each.name), float)]


def _number(name: str, text: str, *, positive: bool) -> float:
    try:
        value = float(text)
    except ValueError:
        raise UsageError(f"--assume {name} needs a number, not {text!r}") from None
    if not 0 <= value < _MOST:
        raise UsageError(f"--assume {name}={text}: it must not be negative, nor more than {_MOST:g}")
    if positive and value == 0:
        raise UsageError(f"--assume {name}={text}: it must be more than 0")
    return value
