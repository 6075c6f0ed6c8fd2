"""An event as the values at its paths: what a pattern is compared with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from rung.patterns.grammar import Scalar, Truth

#: Which element of which array of objects a value stands in: pairs of the array's number and the index.
Places: TypeAlias = tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Paths:
    """The paths that patterns ask about, and every beginning of one: the rest of an event is passed over."""

    ends: AbstractSet[str]
    beginnings: AbstractSet[str]


@dataclass(slots=True)
class Leaves:
    """The values at each path, in the order of the event. Nothing is listed for empty objects and arrays.

    `places[path]` says of each value which elements it stands in; it is filled only when `nested`, that is when
    the event has an array of objects or of arrays on the way to a path that is asked about.
    """

    values: dict[str, list[Scalar]] = field(default_factory=dict)
    places: dict[str, list[Places]] = field(default_factory=dict)
    nested: bool = False


def paths_of(ends: Iterable[str]) -> Paths:
    """The paths to look for, with their beginnings: `a.b.c` begins with `a` and `a.b`."""
    wanted = frozenset(ends)
    beginnings = {path[:at] for path in wanted for at in range(len(path)) if path[at] == "."}
    return Paths(ends=wanted, beginnings=frozenset(beginnings))


def flatten(event: Mapping[str, Any], paths: Paths) -> Leaves:
    """The values of an event (as `json.loads` gives it) at `paths`. A key with a dot is a path of two steps."""
    leaves = Leaves()
    if not _flat_object(event, "", paths, leaves.values):
        leaves = Leaves(nested=True)
        _Walk(paths, leaves).object(event, "", ())
    return leaves


def _flat_object(node: Mapping[str, Any], prefix: str, paths: Paths, values: dict[str, list[Scalar]]) -> bool:
    """The quick way, for events without objects in arrays. False: there is one, and the long way is due."""
    ends, beginnings = paths.ends, paths.beginnings
    for key, value in node.items():
        path = prefix + key
        kind = value.__class__
        if kind is dict:
            if path in beginnings and not _flat_object(value, path + ".", paths, values):
                return False
        elif kind is list:
            if path in beginnings and any(each.__class__ in _CONTAINERS for each in value):
                return False
            if path in ends and not _flat_list(value, path, values):
                return False
        elif path in ends:
            if kind is bool:
                value = Truth.TRUE if value else Truth.FALSE
            if path in values:
                values[path].append(value)
            else:
                values[path] = [value]
    return True


def _flat_list(elements: list[Any], path: str, values: dict[str, list[Scalar]]) -> bool:
    for each in elements:
        if each.__class__ in _CONTAINERS:
            return False
        values.setdefault(path, []).append(scalar(each))
    return True


def scalar(value: Any) -> Scalar:
    """A JSON scalar as patterns compare it."""
    if isinstance(value, bool):
        return Truth.TRUE if value else Truth.FALSE
    found: Scalar = value
    return found


class _Walk:
    """The long way: every value with the elements of arrays it stands in."""

    def __init__(self, paths: Paths, leaves: Leaves) -> None:
        self._paths, self._leaves, self._arrays = paths, leaves, 0

    def object(self, node: Mapping[str, Any], prefix: str, places: Places) -> None:
        for key, value in node.items():
            self._value(value, prefix + key, places)

    def _value(self, value: Any, path: str, places: Places) -> None:
        if isinstance(value, dict):
            if path in self._paths.beginnings:
                self.object(value, path + ".", places)
        elif isinstance(value, list):
            number, self._arrays = self._arrays, self._arrays + 1
            for index, each in enumerate(value):
                inside = isinstance(each, dict | list)
                self._value(each, path, (*places, (number, index)) if inside else places)
        elif path in self._paths.ends:
            self._leaves.values.setdefault(path, []).append(scalar(value))
            self._leaves.places.setdefault(path, []).append(places)


_CONTAINERS: frozenset[type] = frozenset((dict, list))
