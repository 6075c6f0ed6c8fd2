"""Many patterns in one index: an event meets only the patterns whose exact values it has.

Each branch of a pattern is filed under one *shape*, the paths on which it names exact values, by those values;
an event looks up one tuple per shape, however many rules there are. Branches without exact values are filed
under a beginning or an end of text, or a range of numbers or addresses, where they name one; the few that are left
are asked one by one. What the index finds is then checked field by field, so the index only has to miss nothing.
The idea of paying for fields and not for rules is that of https://github.com/aws/event-ruler (README.md, read
on 2026-11-21), which compiles to automata instead.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import product
from math import inf, prod
from operator import contains
from typing import Any

from rung.patterns.evaluate import address_of, branch_paths, holds
from rung.patterns.events import Leaves, Paths, flatten
from rung.patterns.grammar import (
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
    Wildcard,
    branches,
    folded,
)
from rung.patterns.ranges import Ranges

#: How many entries one branch may take in the index: lists of values multiply.
_MAX_ENTRIES = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class _Filed:
    """A branch of a rule: its rule's number, all its fields, and those that its place in the index leaves open."""

    rule: int
    branch: Branch
    open: Branch


@dataclass(slots=True, kw_only=True)
class _Shape:
    """The branches that name exact values on the same paths, by those values."""

    paths: tuple[str, ...]
    filed: dict[tuple[Scalar, ...], list[_Filed]] = field(default_factory=lambda: defaultdict(list))


@dataclass(slots=True, kw_only=True)
class _Texts:
    """Branches filed under beginnings or ends of the text at one path: by length, then by folded text."""

    beginnings: dict[int, dict[str, list[_Filed]]] = field(default_factory=dict)
    ends: dict[int, dict[str, list[_Filed]]] = field(default_factory=dict)
    whole: dict[str, list[_Filed]] = field(default_factory=dict)


class Matcher:
    """Which of many rules take an event. Several threads may ask it while nobody adds to it."""

    def __init__(self, rules: Mapping[str, Pattern] | None = None) -> None:
        given = rules or {}
        self._names: list[str] = []
        self._ends: set[str] = set()
        self._beginnings: set[str] = set()
        self._paths = Paths(ends=self._ends, beginnings=self._beginnings)
        self._used = Counter(
            field.path for each in given.values() for branch in branches(each) for field in branch
        )
        self._shapes: dict[tuple[str, ...], _Shape] = {}
        self._by_anchor: dict[str, list[_Shape]] = {}
        self._texts: dict[str, _Texts] = {}
        self._ranged: set[str] = set()
        self._numbers: dict[str, Ranges[_Filed]] = {}
        self._addresses: dict[tuple[str, int], Ranges[_Filed]] = {}
        self._present: dict[str, list[_Filed]] = {}
        self._always: list[_Filed] = []
        for name, pattern in given.items():
            self._add(name, branches(pattern))

    def add(self, name: str, pattern: Pattern) -> None:
        """One more rule, after those that are there; costs what its own pattern costs, however many there are."""
        every = branches(pattern)
        self._used.update(field.path for branch in every for field in branch)
        self._add(name, every)

    def _add(self, name: str, every: tuple[Branch, ...]) -> None:
        number = len(self._names)
        self._names.append(name)
        paths = branch_paths(every)
        self._ends |= paths.ends
        self._beginnings |= paths.beginnings
        for branch in every:
            self._file(number, branch)

    def match(self, event: Mapping[str, Any]) -> tuple[str, ...]:
        """The names of the rules that take an event (as `json.loads` gives it), in the order they were given."""
        leaves = flatten(event, self._paths)
        found: set[int] = set()
        for each in self._candidates(leaves):
            if each.rule not in found:
                # In an array of objects the values must stand together, which only the whole branch shows.
                fields = each.branch if leaves.nested else each.open
                if not fields or holds(fields, leaves):
                    found.add(each.rule)
        return tuple(self._names[number] for number in sorted(found))

    def _file(self, number: int, branch: Branch) -> None:
        keys = self._keys(branch)
        if keys:
            left = tuple(each for each in branch if each not in keys)
            filed = _Filed(rule=number, branch=branch, open=left)
            paths = tuple(each.path for each in keys)
            shape = self._shapes.get(paths) or self._new_shape(paths)
            values = ([each.value for each in key.tests if isinstance(each, Exact)] for key in keys)
            for entry in dict.fromkeys(product(*values)):
                shape.filed[entry].append(filed)
            return
        filed = _Filed(rule=number, branch=branch, open=branch)
        if any(self._file_text(each, filed) or self._file_range(each, filed) for each in branch):
            return
        present = [each.path for each in branch if not any(_absence(test) for test in each.tests)]
        if present:
            anchor = min(present, key=lambda path: self._used[path])
            self._present.setdefault(anchor, []).append(filed)
        else:
            self._always.append(filed)

    def _keys(self, branch: Branch) -> tuple[Field, ...]:
        """Its fields of exact values only, in the order of their paths, as many as the index has room for."""
        exact = [each for each in branch if all(isinstance(test, Exact) for test in each.tests)]
        chosen: list[Field] = []
        entries = 1
        for each in sorted(exact, key=lambda each: len(each.tests)):
            entries *= len(each.tests)
            if chosen and entries > _MAX_ENTRIES:
                break
            chosen.append(each)
        return tuple(sorted(chosen, key=lambda each: each.path))

    def _file_text(self, asked: Field, filed: _Filed) -> bool:
        """Under every beginning, end or whole text that the field names. False: a test of it names none."""
        places = [place for place in map(_text_place, asked.tests) if place is not None]
        if len(places) < len(asked.tests):
            return False
        texts = self._texts.setdefault(asked.path, _Texts())
        for kind, text in places:
            if kind == "whole":
                texts.whole.setdefault(text, []).append(filed)
            else:
                by_length = texts.beginnings if kind == "beginning" else texts.ends
                by_length.setdefault(len(text), {}).setdefault(text, []).append(filed)
        return True

    def _file_range(self, asked: Field, filed: _Filed) -> bool:
        """Under every range of numbers or of addresses. False: a test of the field is neither."""
        if not all(isinstance(test, Numeric | Cidr) for test in asked.tests):
            return False
        self._ranged.add(asked.path)
        for test in asked.tests:
            match test:
                case Numeric(low=low, high=high):
                    numbers = self._numbers.setdefault(asked.path, Ranges())
                    numbers.add(-inf if low is None else low, inf if high is None else high, filed)
                case Cidr(version=version, first=first, last=last):
                    self._addresses.setdefault((asked.path, version), Ranges()).add(first, last, filed)
        return True

    def _of_ranges(self, path: str, values: Iterable[Scalar]) -> Iterator[_Filed]:
        numbers = self._numbers.get(path)
        for value in values:
            if isinstance(value, str):
                address = address_of(value)
                addresses = None if address is None else self._addresses.get((path, address[0]))
                if address is not None and addresses is not None:
                    yield from addresses.holding(address[1])
            elif numbers is not None and isinstance(value, int | float):
                yield from numbers.holding(value)

    def _new_shape(self, paths: tuple[str, ...]) -> _Shape:
        """Found by its path that the fewest branches use: an event without that path passes it by."""
        shape = self._shapes[paths] = _Shape(paths=paths)
        self._by_anchor.setdefault(min(paths, key=lambda path: self._used[path]), []).append(shape)
        return shape

    def _candidates(self, leaves: Leaves) -> Iterator[_Filed]:
        values = leaves.values
        for path, here in values.items():
            for shape in self._by_anchor.get(path, ()):
                yield from _looked_up(shape, values)
            texts = self._texts.get(path)
            if texts is not None:
                yield from _of_texts(texts, here)
            if path in self._ranged:
                yield from self._of_ranges(path, here)
            yield from self._present.get(path, ())
        yield from self._always


def _looked_up(shape: _Shape, values: Mapping[str, list[Scalar]]) -> Iterable[_Filed]:
    there = []
    for path in shape.paths:
        found = values.get(path)
        if found is None:
            return ()
        there.append(found)
    if all(len(each) == 1 for each in there):
        return shape.filed.get(tuple([each[0] for each in there]), ())
    if prod(len(each) for each in there) > len(shape.filed):
        sets = [frozenset(each) for each in there]
        entries = [entry for entry in shape.filed if all(map(contains, sets, entry))]
    else:
        entries = list(product(*there))
    return [filed for entry in entries for filed in shape.filed.get(entry, ())]


def _of_texts(texts: _Texts, values: Iterable[Scalar]) -> Iterator[_Filed]:
    for value in values:
        if isinstance(value, str):
            text = folded(value)
            yield from texts.whole.get(text, ())
            for length, beginnings in texts.beginnings.items():
                yield from beginnings.get(text[:length], ())
            for length, ends in texts.ends.items():
                yield from ends.get(text[-length:], ())


def _text_place(test: object) -> tuple[str, str] | None:
    """Where a test of text is filed: whole, beginning or end, and that text folded; None: nowhere."""
    match test:
        case Exact(value=str() as text):
            return "whole", folded(text)
        case EqualsIgnoreCase(text=text):
            return "whole", text
        case Prefix(text=text) if text:
            return "beginning", folded(text)
        case Suffix(text=text) if text:
            return "end", folded(text)
        case Wildcard(pieces=(text,)):
            return "whole", folded(text)
        case Wildcard(pieces=(text, *_)) if text:
            return "beginning", folded(text)
        case Wildcard(pieces=(*_, text)) if text:
            return "end", folded(text)
        case _:
            return None


def _absence(test: object) -> bool:
    return isinstance(test, Exists) and not test.wanted
