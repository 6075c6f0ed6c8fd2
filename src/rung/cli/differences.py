"""What differs between two designs, part by part: for `rung diff`. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

from rung.parts.design import Design

#: Fields that say where something comes from, and not what it is.
_ORIGIN = ("kind", "name", "node", "why", "edge")


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One field of one part. `left` or `right` None: the part, or the field, is not there on that side."""

    part: str
    kind: str
    field: str
    left: str | None
    right: str | None


def differences(left: Design, right: Design) -> list[Difference]:
    """Every difference between the parts of two designs, then between who may do what and reach whom."""
    found = [*_facts(left, right)]
    names = list(dict.fromkeys([*left.by_name, *right.by_name]))
    for name in names:
        found += _of_part(name, left, right)
    return found + _of_access(left, right)


def _facts(left: Design, right: Design) -> Iterator[Difference]:
    for name in ("rung", "region", "domain", "production"):
        one, other = getattr(left, name), getattr(right, name)
        if one != other:
            yield Difference(part="-", kind="environment", field=name, left=_shown(one), right=_shown(other))


def _of_part(name: str, left: Design, right: Design) -> Iterator[Difference]:
    one, other = left.by_name.get(name), right.by_name.get(name)
    kind = str(getattr(one or other, "kind", ""))
    if one is None or other is None:
        there = ("there", None) if other is None else (None, "there")
        yield Difference(part=name, kind=kind, field="", left=there[0], right=there[1])
        return
    if one.kind != other.kind:
        yield Difference(part=name, kind=kind, field="kind", left=one.kind, right=other.kind)
        return
    before, after = dict(_flat(one)), dict(_flat(other))
    for key in dict.fromkeys([*before, *after]):
        # What is named after the environment differs everywhere and says nothing.
        mine = before.get(key, "").replace(left.environment, right.environment)
        if mine != after.get(key, ""):
            yield Difference(part=name, kind=kind, field=key, left=before.get(key), right=after.get(key))


def _of_access(left: Design, right: Design) -> list[Difference]:
    found = []
    for kind, one, other in (
        ("statement", _statements(left), _statements(right)),
        ("connection", _connections(left), _connections(right)),
    ):
        found += [
            Difference(part=key[0], kind=kind, field=key[1], left=one.get(key), right=other.get(key))
            for key in dict.fromkeys([*one, *other])
            if one.get(key) != other.get(key)
        ]
    return found


def _statements(design: Design) -> Mapping[tuple[str, str], str]:
    return {(each.principal, each.sid): ", ".join(each.actions) for each in design.statements}


def _connections(design: Design) -> Mapping[tuple[str, str], str]:
    return {(each.source, f"to {each.target}"): str(each.port) for each in design.connections}


def _flat(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """The fields of a part by path: `container.cpu`; what is named stands under its name."""
    for each in fields(value):
        inner = getattr(value, each.name)
        key = f"{path}{each.name}"
        if each.name in _ORIGIN:
            continue
        if is_dataclass(inner):
            yield from _flat(inner, f"{key}.")
        elif isinstance(inner, tuple) and inner and is_dataclass(inner[0]):
            for index, item in enumerate(inner):
                label = getattr(item, "name", None) or str(index)
                yield f"{key}.{label}", _shown(_plain(item))
        else:
            yield key, _shown(inner)


def _plain(item: Any) -> Any:
    """A record without its origin, for comparison and for a table's cell."""
    if is_dataclass(item):
        return {each.name: _plain(getattr(item, each.name)) for each in fields(item) if each.name not in _ORIGIN}
    return [_plain(each) for each in item] if isinstance(item, tuple) else item


def _shown(value: Any) -> str:
    match value:
        case None:
            return "none"
        case bool():
            return "yes" if value else "no"
        case float():
            return f"{value:g}"
        case dict():
            return ", ".join(
                f"{name} {_shown(each)}" for name, each in value.items() if each not in (None, [], "")
            )
        case list() | tuple():
            return " ".join(_shown(each) for each in value)
        case _:
            return str(value)
