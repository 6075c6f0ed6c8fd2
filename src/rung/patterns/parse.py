"""From JSON to a pattern, or to everything that is wrong with it, each with its path and what is possible."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from rung.near import suggestion
from rung.patterns.events import scalar
from rung.patterns.grammar import Exact, Field, Pattern, Test, branches
from rung.patterns.mistakes import Mistake, Mistakes, shown
from rung.patterns.operators import OPERATORS, operator

OR = "$or"
_ANY = 'write [{"exists": true}] to ask for any value'
#: What a pattern may be in all: its JSON text (API reference of PutRule), and the branches of its `$or`s
#: multiplied (eb-create-pattern-operators.html, "Or matching"). Both read on 2026-11-21.
MAX_CHARACTERS = 4_096
MAX_BRANCHES = 1_000
#: Names that no field inside `$or` may have (aws/event-ruler, Constants.java, read on 2026-11-21).
RESERVED = frozenset(OPERATORS) | frozenset((
    "exactly", "=", "<", "<=", ">", ">=", "regex", "not-wildcard", "not-equals-ignore-case", "date-after",
    "date-on-or-after", "date-before", "date-on-or-before", "in-date-range", "ip-address-in-range",
    "ip-address-not-in-range",
))  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Parsed:
    """The pattern, or the mistakes that keep it from being one, in the order of the text."""

    pattern: Pattern | None
    mistakes: tuple[Mistake, ...]


def parse(text: str) -> Parsed:
    """A pattern of its JSON text."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        found = Mistake(path="$", found=f"it is not JSON: {error}", possible="write a JSON object")
        return Parsed(pattern=None, mistakes=(found,))
    mistakes = Mistakes()
    if len(text) > MAX_CHARACTERS:
        mistakes.add("$", f"{len(text):,} characters", f"at most {MAX_CHARACTERS:,}; use several rules")
    pattern = _Parser(mistakes).root(value)
    if not mistakes.found:
        _judge_whole(pattern, mistakes)
    return Parsed(pattern=None if mistakes.found else pattern, mistakes=tuple(mistakes.found))


class _Parser:
    """Walks a pattern once; what is wrong goes to `mistakes`, and the walk goes on."""

    def __init__(self, mistakes: Mistakes) -> None:
        self._mistakes = mistakes

    def root(self, value: Any) -> Pattern:
        if not isinstance(value, dict):
            self._mistakes.add("$", f"{shown(value)} is not an object", 'write {"field": ["value"]}')
            return Pattern(fields=())
        return self._object(value, "$", "", inside_or=False)

    def _object(self, node: dict[str, Any], at: str, prefix: str, *, inside_or: bool) -> Pattern:
        if not node:
            self._mistakes.add(at, "an empty object", _ANY)
        fields: list[Field] = []
        choices: list[tuple[Pattern, ...]] = []
        for name, value in node.items():
            here = f"{at}.{name}"
            if name == OR:
                choices.append(self._or(value, here, prefix))
                continue
            if inside_or and name in RESERVED:
                possible = f'write {{"field": [{{"{name}": ...}}]}}'
                self._mistakes.add(here, f'"{name}" is an operator, and no field inside $or', possible)
            elif isinstance(value, dict):
                inner = self._object(value, here, f"{prefix}{name}.", inside_or=inside_or)
                fields.extend(inner.fields)
                choices.extend(inner.choices)
            else:
                fields.append(self._field(value, here, prefix + name))
        return Pattern(fields=tuple(fields), choices=tuple(choices))

    def _or(self, value: Any, at: str, prefix: str) -> tuple[Pattern, ...]:
        if not isinstance(value, list):
            self._mistakes.add(at, f"{shown(value)} is not a list", "write a list of two objects or more")
            return ()
        if len(value) < 2:
            self._mistakes.add(at, f"{len(value)} alternatives", "write two objects or more, or none and no $or")
        alternatives = []
        for index, each in enumerate(value):
            if isinstance(each, dict):
                alternatives.append(self._object(each, f"{at}[{index}]", prefix, inside_or=True))
            else:
                self._mistakes.add(f"{at}[{index}]", f"{shown(each)} is not an object", "write an object")
        return tuple(alternatives)

    def _field(self, value: Any, at: str, path: str) -> Field:
        tests: list[Test] = []
        if not isinstance(value, list):
            self._mistakes.add(at, f"{shown(value)} is not a list", f"write [{shown(value)}]")
        elif not value:
            self._mistakes.add(at, "an empty list matches nothing", _ANY)
        else:
            found = (self._test(each, f"{at}[{index}]") for index, each in enumerate(value))
            tests = [each for each in found if each is not None]
        return Field(path=path, tests=tuple(tests), shown=json.dumps(value, ensure_ascii=False))

    def _test(self, value: Any, at: str) -> Test | None:
        match value:
            case dict():
                return self._operator(value, at)
            case list():
                self._mistakes.add(at, "a list in a list", "write its values in the outer list")
                return None
            case _:
                return Exact(value=scalar(value))

    def _operator(self, value: dict[str, Any], at: str) -> Test | None:
        if len(value) != 1:
            names = ", ".join(value) or "nothing"
            self._mistakes.add(
                at, f"{names} in one object",
                "write one operator in each object; objects side by side in the list mean or",
            )  # fmt: skip
            return None
        ((name, argument),) = value.items()
        if name not in OPERATORS:
            possible = "write one of " + ", ".join(OPERATORS)
            self._mistakes.add(f"{at}.{name}", f"no operator{suggestion(name, OPERATORS)}", possible)
            return None
        return operator(name, argument, f"{at}.{name}", self._mistakes)


def _judge_whole(pattern: Pattern, mistakes: Mistakes) -> None:
    """What only the whole pattern shows: too many branches, a path asked for twice."""
    count = _count(pattern)
    if count > MAX_BRANCHES:
        mistakes.add("$", f"$or makes {count:,} combinations", f"at most {MAX_BRANCHES:,}; use several rules")
        return
    twice: dict[str, None] = {}
    for branch in branches(pattern):
        paths = [field.path for field in branch]
        twice.update(dict.fromkeys(path for path in paths if paths.count(path) > 1))
    for path in twice:
        mistakes.add(
            f"$.{path}", "the same field twice, where both must hold",
            "write one list for it: AWS lets one of the two replace the other",
        )  # fmt: skip


def _count(pattern: Pattern) -> int:
    """How many branches `$or` makes, without making them."""
    total = 1
    for choice in pattern.choices:
        total *= sum(_count(each) for each in choice)
    return total
