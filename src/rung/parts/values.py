"""Values that are known now, and values that only a built part can tell: one type, two readings.

A `Reference` is an expression when compiling (`module.db.endpoint`) and a value when running (the host name that
the built part has). Flattening it too early would tie a design to one account.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields, is_dataclass

Scalar = str | int | float | bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """The output `output` of the part `part`, with a fixed text before and after it."""

    part: str
    output: str
    prefix: str = ""
    suffix: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A JSON object whose values may be late: a binding of `rung.runtime`, as one environment variable."""

    fields: tuple[tuple[str, Value], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sequence:
    """A JSON array whose values may be late."""

    items: tuple[Value, ...]


Value = Scalar | Reference | Document | Sequence


def references_in(value: object) -> Iterator[Reference]:
    """Every late value in a part, a statement or a tuple of them."""
    if isinstance(value, Reference):
        yield value
    elif is_dataclass(value) and not isinstance(value, type):
        for field in fields(value):
            yield from references_in(getattr(value, field.name))
    elif isinstance(value, tuple):
        for each in value:
            yield from references_in(each)
