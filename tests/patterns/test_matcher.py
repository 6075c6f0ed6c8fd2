"""The index of many patterns finds what each pattern alone takes, by our plain reading of JSON and by moto's."""

from __future__ import annotations

import ipaddress
import json
import operator
import re
from collections.abc import Iterator
from itertools import product
from typing import Any

from hypothesis import assume, given, settings
from hypothesis import strategies as st
from moto.events.models import EventPattern

from rung.patterns.evaluate import first_difference, matches
from rung.patterns.grammar import Pattern
from rung.patterns.matcher import Matcher
from rung.patterns.parse import parse

TEXTS = ("", "a", "A", "ab", "ba", "aba", "bab", "10.0.0.1", "10.0.0.200", "::1", "Σς")
SCALARS: tuple[Any, ...] = (*TEXTS, 0, 1, 1.0, 2, -1, 5.5, True, False, None)
WORDS = st.sampled_from(TEXTS)
STARS = st.sampled_from(("a*", "*a", "*", "a*a", "a*b*a", "*b*", "10.*.200", "ab"))
NUMBERS = st.sampled_from((-1, 0, 1, 2, 5))


def either(strategy: st.SearchStrategy[str]) -> st.SearchStrategy[Any]:
    return strategy | st.lists(strategy, min_size=1, max_size=2)


def named(name: str, argument: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({name: argument})


LETTERS = WORDS.filter(bool)
IGNORING = named("equals-ignore-case", WORDS)
TESTS = st.one_of(
    st.sampled_from(SCALARS), named("prefix", WORDS | IGNORING), named("suffix", WORDS | IGNORING), IGNORING,
    named("wildcard", STARS), named("exists", st.booleans()),
    named("cidr", st.sampled_from(("10.0.0.0/25", "10.0.0.0/8", "::/64"))),
    named("numeric", st.tuples(st.sampled_from(("<", "<=", "=", ">", ">=")), NUMBERS).map(list)),
    named("numeric", st.just([">", 0, "<=", 5])),
    named("anything-but", either(WORDS) | NUMBERS | st.lists(NUMBERS, min_size=1, max_size=2)),
    named("anything-but", named("prefix", either(LETTERS)) | named("suffix", either(LETTERS))),
    named("anything-but", named("equals-ignore-case", either(WORDS)) | named("wildcard", either(STARS))),
)  # fmt: skip
FIELDS = st.lists(TESTS, min_size=1, max_size=3)


def patterns() -> st.SearchStrategy[dict[str, Any]]:
    """Patterns of a few fields, nested once or twice, some with alternatives."""
    inner = st.dictionaries(st.sampled_from("abc"), FIELDS, min_size=1, max_size=2)
    middle = st.dictionaries(st.sampled_from("abc"), FIELDS | inner, min_size=1, max_size=3)
    others = st.dictionaries(st.sampled_from("de"), FIELDS | inner, min_size=1, max_size=2)
    with_or = st.builds(lambda one, two: {**one, "$or": two}, middle, st.lists(others, min_size=2, max_size=3))
    return middle | with_or


VALUES = st.recursive(
    st.sampled_from(SCALARS),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=8,
)
EVENTS = st.dictionaries(st.sampled_from(("a", "b", "c", "d", "e", "a.b", "d.c")), VALUES, max_size=5)


@settings(max_examples=300)
@given(st.lists(patterns(), min_size=1, max_size=6), st.lists(EVENTS, min_size=1, max_size=6))
def test_the_index_agrees_with_a_plain_reading(raw: list[dict[str, Any]], events: list[dict[str, Any]]) -> None:
    rules = {f"rule {number}": each for number, each in enumerate(raw)}
    parsed = {name: found for name, each in rules.items() if (found := parsed_of(each)) is not None}
    index, grown = Matcher(parsed), Matcher()
    for name, each in parsed.items():
        grown.add(name, each)
    for event in events:
        expected = tuple(name for name in parsed if taken_plainly(rules[name], event))
        assert tuple(name for name, each in parsed.items() if matches(each, event)) == expected
        assert index.match(event) == grown.match(event) == expected
        differing = {name for name, each in parsed.items() if first_difference(each, event) is not None}
        assert differing == set(parsed) - set(expected)


FLAT = st.sampled_from((*TEXTS, 2, 5.5, None))
FLAT_EVENTS = st.dictionaries(
    st.sampled_from("abcde"),
    FLAT | st.lists(FLAT, min_size=1, max_size=3) | st.dictionaries(st.sampled_from("abc"), FLAT, min_size=1),
    max_size=5,
)


@settings(max_examples=300)
@given(patterns(), FLAT_EVENTS)
def test_moto_agrees_where_it_can(raw: dict[str, Any], event: dict[str, Any]) -> None:
    """moto flattens neither objects in arrays nor dotted keys, takes true for 1, and has two small sigmas."""
    pattern = parsed_of(raw)
    text = json.dumps([raw, event])
    assume(pattern is not None and r"\u03" not in text and not re.search(r"[\[ ](true|false)[],]", text))
    assert pattern is not None
    theirs: Any = EventPattern.load(json.dumps(raw))
    assert matches(pattern, event) == theirs.matches_event(event)


def test_lists_of_values_multiply_and_are_still_found() -> None:
    many = [f"value {number}" for number in range(100)]
    rules = {"wide": {"a": many, "b": many, "c": many}, "narrow": {"a": ["value 5"], "b": many}}
    index = Matcher({name: found for name, each in rules.items() if (found := parsed_of(each)) is not None})
    assert index.match({"a": many, "b": many, "c": "value 99"}) == ("wide", "narrow")
    assert index.match({"a": "value 5", "b": "value 7", "c": "other"}) == ("narrow",)


def parsed_of(raw: dict[str, Any]) -> Pattern | None:
    return parse(json.dumps(raw)).pattern


def taken_plainly(raw: dict[str, Any], event: dict[str, Any]) -> bool:
    """The definition: one element can be chosen of every array of objects so that the pattern holds."""
    every = list(worlds(event, ""))
    known = {path for world in every for path in world}
    return any(holds_in(raw, "", world, known) for world in every)


def worlds(node: Any, path: str) -> Iterator[dict[str, list[Any]]]:
    """The values at each path for every choice of one element from each array; scalars in arrays all stay."""
    if isinstance(node, dict):
        for chosen in product(*(list(worlds(each, f"{path}.{key}")) for key, each in node.items())):
            yield merged(chosen)
    elif isinstance(node, list):
        plain: dict[str, list[Any]] = merged(
            [{path: [each]} for each in node if not isinstance(each, dict | list)]
        )
        inside = [world for each in node if isinstance(each, dict | list) for world in worlds(each, path)]
        yield from ([merged([plain, each]) for each in inside] or [plain])
    else:
        yield {path: [node]}


def merged(parts: Any) -> dict[str, list[Any]]:
    result: dict[str, list[Any]] = {}
    for part in parts:
        for path, values in part.items():
            result.setdefault(path, []).extend(values)
    return result


def holds_in(raw: dict[str, Any], path: str, world: dict[str, list[Any]], known: set[str]) -> bool:
    for key, wanted in raw.items():
        here = f"{path}.{key}"
        if key == "$or":
            if not any(holds_in(each, path, world, known) for each in wanted):
                return False
        elif isinstance(wanted, dict):
            if not holds_in(wanted, here, world, known):
                return False
        elif here not in known:
            if {"exists": False} not in wanted:
                return False
        elif not any(takes(test, value) for test in wanted for value in world.get(here, [])):
            return False
    return True


COMPARISONS = {"<": operator.lt, "<=": operator.le, "=": operator.eq, ">": operator.gt, ">=": operator.ge}


def takes(test: Any, value: Any) -> bool:
    """One test as JSON and one value, read as the documentation words it."""
    if not isinstance(test, dict):
        return bool(test == value and isinstance(test, bool) == isinstance(value, bool))
    ((name, wanted),) = test.items()
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if name == "exists":
        return bool(wanted)
    if name == "anything-but":
        return not any(takes(each, value) for each in excluded(wanted))
    if name == "numeric":
        return number and all(
            COMPARISONS[sign](value, bound) for sign, bound in zip(wanted[::2], wanted[1::2], strict=True)
        )
    if not isinstance(value, str):
        return False
    return takes_text(name, wanted, value)


def excluded(wanted: Any) -> list[Any]:
    if not isinstance(wanted, dict):
        return wanted if isinstance(wanted, list) else [wanted]
    ((name, inner),) = wanted.items()
    return [{name: each} for each in (inner if isinstance(inner, list) else [inner])]


def takes_text(name: str, wanted: Any, value: str) -> bool:
    if isinstance(wanted, dict):
        wanted, value = (each.upper().lower().replace("ς", "σ") for each in (wanted["equals-ignore-case"], value))
    if name == "equals-ignore-case":
        return bool(wanted.upper() == value.upper())
    if name == "wildcard":
        return re.fullmatch(".*".join(map(re.escape, wanted.split("*"))), value) is not None
    if name == "cidr":
        return re.fullmatch(r"[0-9.]+|[0-9a-f:]*:[0-9a-f:]*", value) is not None and in_network(wanted, value)
    return value.startswith(wanted) if name == "prefix" else value.endswith(wanted)


def in_network(network: str, value: str) -> bool:
    return ipaddress.ip_address(value) in ipaddress.ip_network(network)
