"""Event patterns mean what AWS documents, and everything wrong with one is reported at once, with its place."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pytest

from rung.patterns.evaluate import Difference, first_difference, matches
from rung.patterns.grammar import Pattern
from rung.patterns.matcher import Matcher
from rung.patterns.parse import parse

GUIDE = "https://docs.aws.amazon.com/eventbridge/latest/userguide/"
OPERATORS, NULLS, ARRAYS = (
    GUIDE + page
    for page in (
        "eb-create-pattern-operators.html",
        "eb-event-patterns-null-values.html",
        "eb-event-patterns-arrays.html",
    )
)
RULER = "https://github.com/aws/event-ruler"


@dataclass(frozen=True)
class Example:
    """A pattern, events that it takes and events that it does not, and where that is documented."""

    source: str
    pattern: dict[str, Any]
    taken: tuple[dict[str, Any], ...]
    refused: tuple[dict[str, Any], ...]


def of_field(source: str, tests: list[Any], taken: list[Any], refused: list[Any]) -> Example:
    """An example about the values of one field."""
    return Example(
        source,
        {"field": tests},
        tuple({"field": each} for each in taken),
        tuple({"field": each} for each in refused),
    )


EITHER = {"$or": [{"place": ["Oslo"]}, {"day": ["Monday"]}], "kind": ["trip"]}
BOTH_IN_ONE = {"rows": {"name": ["a"], "size": [{"numeric": [">", 10]}]}}
EXAMPLES = (
    of_field(OPERATORS, ["Alice"], ["Alice", ["Bob", "Alice"]], ["alice", None, 1, [], {"Alice": 1}]),
    of_field(OPERATORS, [100], [100, 100.0], ["100", 101, True]),
    of_field(OPERATORS, [1], [1], [True]),
    of_field(OPERATORS, [True], [True], [1, "true"]),
    of_field(OPERATORS, [{"prefix": "us-"}], ["us-east-1"], ["eu-us-1", 5]),
    of_field(OPERATORS, [{"prefix": {"equals-ignore-case": "EventB"}}], ["eventBus", "EVENTB"], ["my-eventb"]),
    of_field(OPERATORS, [{"suffix": ".png"}], ["a.png"], ["a.PNG", "a.png.txt"]),
    of_field(OPERATORS, [{"suffix": {"equals-ignore-case": "tBridge"}}], ["eventbridge"], ["bridges"]),
    of_field(OPERATORS, [{"equals-ignore-case": "alice"}], ["ALICE", "alice"], ["alic", None]),
    of_field(OPERATORS, [{"anything-but": "starting"}], ["on", 5, None, ["starting", 1]], ["starting", []]),
    of_field(OPERATORS, [{"anything-but": ["stopped", "overloaded"]}], ["running"], ["stopped", "overloaded"]),
    of_field(OPERATORS, [{"anything-but": [100, 200]}], [300, "100"], [100, 200.0]),
    of_field(OPERATORS, [{"anything-but": {"equals-ignore-case": "initializing"}}], ["run"], ["INITIALIZING"]),
    of_field(OPERATORS, [{"anything-but": {"equals-ignore-case": ["init", "stop"]}}], ["run"], ["INIT", "Stop"]),
    of_field(OPERATORS, [{"anything-but": {"prefix": "init"}}], ["run", 5], ["initializing"]),
    of_field(OPERATORS, [{"anything-but": {"prefix": ["init", "err"]}}], ["run"], ["initializing", "error"]),
    of_field(OPERATORS, [{"anything-but": {"suffix": ".txt"}}], ["a.png"], ["a.txt"]),
    of_field(OPERATORS, [{"anything-but": {"suffix": [".txt", ".rtf"]}}], ["a.png"], ["a.txt", "a.rtf"]),
    of_field(OPERATORS, [{"anything-but": {"wildcard": "*/lib/*"}}], ["/bin/sh"], ["/usr/lib/x"]),
    of_field(OPERATORS, [{"anything-but": {"wildcard": ["*/lib/*", "*/bin/*"]}}], ["/etc"], ["/lib/", "/a/bin/"]),
    of_field(OPERATORS, [{"numeric": ["<", 10]}], [9.9, -5], [10, "9"]),
    of_field(OPERATORS, [{"numeric": [">", 0, "<=", 5]}], [0.1, 5], [0, 5.1, None, True]),
    of_field(OPERATORS, [{"numeric": ["=", 3.018e2]}], [301.8], [301.7]),
    of_field(OPERATORS, [{"numeric": [">=", 3]}], [3, 4], [2.9]),
    of_field(OPERATORS, [{"cidr": "10.0.0.0/24"}], ["10.0.0.0", "10.0.0.255"], ["10.0.1.0", "10.0.0", "::1", 10]),
    of_field(OPERATORS, [{"cidr": "2001:db8::/32"}], ["2001:db8::1"], ["2001:db9::1", "10.0.0.1"]),
    of_field(OPERATORS, [{"exists": True}], ["a", None, "", [1]], [{"deeper": 1}, [], {}]),
    Example(OPERATORS, {"field": [{"exists": False}]}, ({}, {"field": {"deeper": 1}}), ({"field": None},)),
    Example(OPERATORS, {"field": ["a", {"exists": False}]}, ({}, {"field": "a"}), ({"field": "b"},)),
    of_field(OPERATORS, [{"wildcard": "dir/*.png"}], ["dir/a.png", "dir/.png", "dir/a/b.png"], ["dir.png"]),
    of_field(OPERATORS, [{"wildcard": "*a*b*"}], ["ab", "xaxbx"], ["ba"]),
    of_field(OPERATORS, [{"wildcard": "ab*ba"}], ["abba", "ab-ba"], ["aba"]),
    of_field(OPERATORS, [{"wildcard": r"\*.\\*"}], ["*.\\x"], ["a.\\x", "*.x"]),
    Example(
        OPERATORS, EITHER, ({"place": "Oslo", "kind": "trip"}, {"day": "Monday", "kind": "trip"}),
        ({"place": "Oslo"}, {"kind": "trip", "day": "Friday"}),
    ),
    of_field(NULLS, [""], [""], [None]),
    of_field(NULLS, [None], [None], ["", "null"]),
    of_field(ARRAYS, ["i-1", "i-2"], [["i-0", "i-2"], ["i-1", "i-2"]], [["i-0"], []]),
    Example(
        RULER, BOTH_IN_ONE, ({"rows": [{"name": "b", "size": 5}, {"name": "a", "size": 11}]},),
        ({"rows": [{"name": "a", "size": 5}, {"name": "b", "size": 11}]},),
    ),
    Example(RULER, {"a": {"b": [1]}}, ({"a.b": 1}, {"a": {"b": 1}}, {"a": [[{"b": 1}]]}), ({"b": 1},)),
    Example(RULER, {"a": {"b": [{"exists": False}]}}, ({"a": [{"c": 1}]},), ({"a": [{"b": 1}, {"c": 1}]},)),
    of_field(RULER, [{"equals-ignore-case": "ΣΑΣ"}, {"prefix": "ΑΣ"}], ["σας", "σασ", "ΑΣΑ"], ["ασα"]),
)  # fmt: skip


def pattern_of(value: object) -> Pattern:
    """A pattern that must be valid."""
    parsed = parse(json.dumps(value))
    assert parsed.mistakes == ()
    assert parsed.pattern is not None
    return parsed.pattern


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: json.dumps(example.pattern))
def test_a_documented_example(example: Example) -> None:
    pattern = pattern_of(example.pattern)
    index = Matcher({"rule": pattern})
    for event in example.taken:
        assert matches(pattern, event), event
        assert index.match(event) == ("rule",), event
        assert first_difference(pattern, event) is None
    for event in example.refused:
        assert not matches(pattern, event), event
        assert index.match(event) == (), event
        assert first_difference(pattern, event) is not None


MISTAKES = (
    ("[1]", "$", "is not an object"),
    ("{", "$", "not JSON"),
    ("{}", "$", "an empty object"),
    ('{"a": "b"}', "$.a", "is not a list"),
    ('{"a": []}', "$.a", "an empty list"),
    ('{"a": {"b": {}}}', "$.a.b", "an empty object"),
    ('{"a": [[1]]}', "$.a[0]", "a list in a list"),
    ('{"a": [{"prefx": "b"}]}', "$.a[0].prefx", 'did you mean "prefix"'),
    ('{"a": [{"prefix": "b", "suffix": "c"}]}', "$.a[0]", "prefix, suffix in one object"),
    ('{"a": [{}]}', "$.a[0]", "nothing in one object"),
    ('{"a": [{"prefix": ["b"]}]}', "$.a[0].prefix", "is not text"),
    ('{"a": [{"suffix": {"equals-ignore-case": 1}}]}', "$.a[0].suffix.equals-ignore-case", "is not text"),
    ('{"a": [{"equals-ignore-case": ["b"]}]}', "$.a[0].equals-ignore-case", "is not text"),
    ('{"a": [{"wildcard": "b**c"}]}', "$.a[0].wildcard", "two stars"),
    ('{"a": [{"wildcard": "b\\\\c"}]}', "$.a[0].wildcard", "the escape"),
    ('{"a": [{"wildcard": "b\\\\"}]}', "$.a[0].wildcard", "the escape"),
    ('{"a": [{"wildcard": ["b*"]}]}', "$.a[0].wildcard", "is not text"),
    ('{"a": [{"exists": "true"}]}', "$.a[0].exists", "neither true nor false"),
    ('{"a": [{"cidr": "10.0.0"}]}', "$.a[0].cidr", "is not a network"),
    ('{"a": [{"cidr": "10.0.0.0/33"}]}', "$.a[0].cidr", "is not a network"),
    ('{"a": [{"cidr": "10.0.0.0/255.0.0.0"}]}', "$.a[0].cidr", "is not a network"),
    ('{"a": [{"cidr": "10.0.0.1/32"}]}', "$.a[0].cidr", "is one address"),
    ('{"a": [{"cidr": "10.0.0.1/24"}]}', "$.a[0].cidr", "begins inside"),
    ('{"a": [{"numeric": 5}]}', "$.a[0].numeric", "is no comparison"),
    ('{"a": [{"numeric": ["!=", 5]}]}', "$.a[0].numeric", "is no comparison"),
    ('{"a": [{"numeric": ["<", 5, ">", 0]}]}', "$.a[0].numeric", "is no comparison"),
    ('{"a": [{"numeric": ["<", "5"]}]}', "$.a[0].numeric", "is not a number"),
    ('{"a": [{"numeric": ["<", 6e9]}]}', "$.a[0].numeric", "6000000000"),
    ('{"a": [{"numeric": [">", 5, "<", 5]}]}', "$.a[0].numeric", "is not below"),
    ('{"a": [{"anything-but": [1, "b"]}]}', "$.a[0].anything-but", "neither text nor numbers"),
    ('{"a": [{"anything-but": []}]}', "$.a[0].anything-but", "neither text nor numbers"),
    ('{"a": [{"anything-but": null}]}', "$.a[0].anything-but", "neither text nor numbers"),
    ('{"a": [{"anything-but": {"numeric": ["<", 5]}}]}', "$.a[0].anything-but.numeric", "not possible inside"),
    ('{"a": [{"anything-but": {"prefix": ""}}]}', "$.a[0].anything-but.prefix", "empty text"),
    ('{"a": [{"anything-but": {"suffix": []}}]}', "$.a[0].anything-but.suffix", "an empty list"),
    ('{"a": [{"anything-but": {"prefix": {"equals-ignore-case": "b"}}}]}', "$.a[0].anything-but.prefix", "text"),
    ('{"a": [{"anything-but": {}}]}', "$.a[0].anything-but", "0 operators"),
    ('{"$or": {"a": [1]}}', "$.$or", "is not a list"),
    ('{"$or": [{"a": [1]}]}', "$.$or", "1 alternatives"),
    ('{"$or": [{"a": [1]}, 2]}', "$.$or[1]", "is not an object"),
    ('{"$or": [{"a": [1]}, {"numeric": [2]}]}', "$.$or[1].numeric", "is an operator"),
    ('{"a": [1], "$or": [{"a": [2]}, {"b": [2]}]}', "$.a", "the same field twice"),
    ('{"a": {"b": [1]}, "a.b": [2]}', "$.a.b", "the same field twice"),
    (json.dumps({f"f{each}": {"$or": [{"a": [1]}, {"b": [1]}]} for each in range(10)}), "$", "1,024 combinations"),
    (json.dumps({"a": ["b" * 5_000]}), "$", "5,011 characters"),
)  # fmt: skip


@pytest.mark.parametrize(("text", "path", "words"), MISTAKES, ids=lambda value: str(value)[:60])
def test_a_mistake_has_its_place_and_what_is_possible(text: str, path: str, words: str) -> None:
    parsed = parse(text)
    assert parsed.pattern is None
    (mistake,) = parsed.mistakes
    assert mistake.path == path
    assert words in mistake.found
    assert mistake.possible


def test_every_mistake_is_reported_at_once() -> None:
    parsed = parse('{"a": "b", "c": {"d": [{"cidr": 1}, {"numeric": []}]}, "$or": []}')
    assert [each.path for each in parsed.mistakes] == ["$.a", "$.c.d[0].cidr", "$.c.d[1].numeric", "$.$or"]


DIFFERENCES = (
    ({"a": [1], "b": {"c": [3]}}, {"a": 1, "b": {"c": "y"}}, Difference(path="b.c", wanted="[3]", found='"y"')),
    ({"a": [1]}, {"b": 1}, Difference(path="a", wanted="[1]", found="no value")),
    ({"a": [1]}, {"a": [True, None, 2]}, Difference(path="a", wanted="[1]", found="true, null, 2")),
    ({"a": [1]}, {"a": [2] * 7}, Difference(path="a", wanted="[1]", found="2, 2, 2, 2, 2, and 2 more")),
    (EITHER, {"kind": "trip"}, Difference(path="place", wanted='["Oslo"]', found="no value", other_branches=1)),
)  # fmt: skip


@pytest.mark.parametrize(("pattern", "event", "expected"), DIFFERENCES)
def test_the_first_field_that_differs(pattern: object, event: dict[str, Any], expected: Difference) -> None:
    assert first_difference(pattern_of(pattern), event) == expected


def test_values_in_different_elements_are_told_apart() -> None:
    event = {"rows": [{"name": "a", "size": 5}, {"name": "b", "size": 11}]}
    found = first_difference(pattern_of(BOTH_IN_ONE), event)
    assert found is not None
    assert (found.path, found.found) == ("rows.name, rows.size", "each in another element")
