"""Is a value of the type that a field is annotated with? For what users write in Python and for JSON alike.

Understands what nodes are made of: str, int, float, bool, None, Literal, unions, `tuple[X, ...]` and nested
records. A mistake is a `Mismatch` with the path to the value, as in `$.overrides[0].field`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import MISSING, dataclass, fields, is_dataclass
from types import UnionType
from typing import Any, Literal, Union, cast, get_args, get_origin, get_type_hints

from rung.model.nodes import set_fields
from rung.near import suggestion

#: Annotations are texts until somebody asks; reading them takes 20 us each, so each type is read once.
_FIELD_TYPES: dict[Any, Mapping[str, Any]] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Mismatch:
    """One value that is not what it should be."""

    path: str
    expected: str
    found: str

    def __str__(self) -> str:
        return f"expected {self.expected}, found {self.found} at {self.path}"


def field_types(record_type: Any) -> Mapping[str, Any]:
    """The fields of a record type with their annotations as types."""
    if record_type not in _FIELD_TYPES:
        hints = get_type_hints(record_type)
        _FIELD_TYPES[record_type] = {field.name: hints[field.name] for field in fields(record_type)}
    return _FIELD_TYPES[record_type]


def required_fields(record_type: Any) -> frozenset[str]:
    """The fields that have no default."""
    return frozenset(
        field.name
        for field in fields(record_type)
        if field.default is MISSING and field.default_factory is MISSING
    )


def mismatches(value: object, expected: Any, path: str) -> Iterator[Mismatch]:
    """Every way in which `value` is not an `expected`."""
    origin, arguments = get_origin(expected), get_args(expected)
    if origin in (Union, UnionType):
        yield from _of_union(value, arguments, path)
    elif origin is Literal:
        if not any(value == each and type(value) is type(each) for each in arguments):
            allowed = ", ".join(repr(each) for each in arguments)
            hint = suggestion(value, [str(each) for each in arguments]) if isinstance(value, str) else ""
            yield Mismatch(path=path, expected=f"one of {allowed}", found=f"{value!r}{hint}")
    elif origin is tuple:
        yield from _of_tuple(value, arguments[0], path)
    elif is_dataclass(expected):
        if not isinstance(value, cast("type", expected)):
            yield Mismatch(path=path, expected=cast("type", expected).__name__, found=describe(value))
    elif not _is_plain(value, expected):
        yield Mismatch(path=path, expected=_name(expected), found=describe(value))


def record_mismatches(record_type: type, values: Mapping[str, object], path: str) -> Iterator[Mismatch]:
    """Every way in which `values` are not the fields of `record_type`: wrong, missing or unknown."""
    types = field_types(record_type)
    for name, value in values.items():
        if name in types:
            yield from mismatches(value, types[name], f"{path}.{name}")
        else:
            yield Mismatch(
                path=f"{path}.{name}",
                expected=f"a field of {record_type.__name__}",
                found=f'the unknown field "{name}"{suggestion(name, types)}',
            )
    for name in sorted(required_fields(record_type) - values.keys()):
        yield Mismatch(path=f"{path}.{name}", expected=_name(types[name]), found="nothing")


def build(record_type: type, values: Mapping[str, object]) -> Any:
    """A record of checked `values`, defaults filled in, integers in float fields made floats."""
    record: Any = object.__new__(record_type)
    types = field_types(record_type)
    for field in fields(record_type):
        value = values.get(field.name, field.default)
        if isinstance(value, int) and not isinstance(value, bool) and _wants_float(types[field.name]):
            value = float(value)
        set_fields(record, **{field.name: value})
    return record


def describe(value: object) -> str:
    """A value as a message shows it: shortened, and with its type where the value alone would mislead."""
    if value is None:
        return "nothing (None)"
    if isinstance(value, str | int | float | bool):
        text = repr(value)
        return text if len(text) <= 60 else text[:57] + "..."
    return f"a {type(value).__name__}"


def _of_union(value: object, members: tuple[Any, ...], path: str) -> Iterator[Mismatch]:
    attempts = [list(mismatches(value, member, path)) for member in members]
    if all(attempts):
        inner = [found for found in attempts if found[0].path != path]
        named = [member for member in members if get_origin(member) is Literal]
        if inner:
            yield from inner[0]
        elif named and isinstance(value, str):
            yield from mismatches(value, named[0], path)
        else:
            expected = " or ".join(_name(member) for member in members)
            yield Mismatch(path=path, expected=expected, found=describe(value))


def _of_tuple(value: object, member: Any, path: str) -> Iterator[Mismatch]:
    if not isinstance(value, tuple):
        yield Mismatch(path=path, expected=f"a list of {_name(member)}", found=describe(value))
        return
    for index, each in enumerate(value):
        yield from mismatches(each, member, f"{path}[{index}]")


def _is_plain(value: object, expected: Any) -> bool:
    if expected is type(None):
        return value is None
    if expected is float:
        return isinstance(value, int | float) and not isinstance(value, bool) and value == value
    if expected is int:
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, expected)


def _wants_float(expected: Any) -> bool:
    if expected is float:
        return True
    return (
        get_origin(expected) in (Union, UnionType)
        and float in get_args(expected)
        and int not in get_args(expected)
    )


def _name(expected: Any) -> str:
    if expected is type(None):
        return "nothing (None)"
    plain = {str: "text", int: "a whole number", float: "a number", bool: "True or False"}
    if expected in plain:
        return plain[expected]
    if get_origin(expected) is tuple:
        return f"a list of {_name(get_args(expected)[0])}"
    if get_origin(expected) is Literal:
        return f"one of {', '.join(repr(each) for each in get_args(expected))}"
    if get_origin(expected) in (Union, UnionType):
        return " or ".join(_name(each) for each in get_args(expected))
    return f"a {getattr(expected, '__name__', expected)}"
