"""The operators of a pattern, each from its JSON argument to a test."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from rung.near import suggestion
from rung.patterns.grammar import (
    AnythingBut,
    Cidr,
    EqualsIgnoreCase,
    Exact,
    Excluded,
    Exists,
    Numeric,
    Prefix,
    Suffix,
    Test,
    Wildcard,
    folded,
)
from rung.patterns.mistakes import Mistakes, shown

#: Bounds of `numeric`: eb-create-pattern-operators.html, "Numeric matching", read on 2026-11-21.
NUMERIC_LIMIT = 5e9
_IGNORE = "equals-ignore-case"
_INSIDE_ANYTHING_BUT = ("prefix", "suffix", _IGNORE, "wildcard")
_RANGE = 'write ["=", 5], ["<", 5], ["<=", 5], [">", 5], [">=", 5], or both bounds, as in [">", 0, "<=", 5]'


def operator(name: str, argument: Any, at: str, mistakes: Mistakes) -> Test | None:
    """The test that `{name: argument}` is, or None when it is none, which `mistakes` then says."""
    return OPERATORS[name](argument, at, mistakes)


def _prefix(argument: Any, at: str, mistakes: Mistakes) -> Test | None:
    text, ignore_case = _text_or_ignoring(argument, at, mistakes)
    return None if text is None else Prefix(text=text, ignore_case=ignore_case)


def _suffix(argument: Any, at: str, mistakes: Mistakes) -> Test | None:
    text, ignore_case = _text_or_ignoring(argument, at, mistakes)
    return None if text is None else Suffix(text=text, ignore_case=ignore_case)


def _text_or_ignoring(argument: Any, at: str, mistakes: Mistakes) -> tuple[str | None, bool]:
    """The text, and whether case does not count: `"x"` or `{"equals-ignore-case": "x"}`."""
    if isinstance(argument, dict) and list(argument) == [_IGNORE]:
        text = _text(argument[_IGNORE], f"{at}.{_IGNORE}", mistakes)
        return (None if text is None else folded(text)), True
    return _text(argument, at, mistakes, possible=f'write text, or {{"{_IGNORE}": text}}'), False


def _equals_ignore_case(argument: Any, at: str, mistakes: Mistakes) -> Test | None:
    text = _text(argument, at, mistakes)
    return None if text is None else EqualsIgnoreCase(text=folded(text))


def _wildcard(argument: Any, at: str, mistakes: Mistakes) -> Wildcard | None:
    text = _text(argument, at, mistakes)
    return None if text is None else _pieces(text, at, mistakes)


def _pieces(text: str, at: str, mistakes: Mistakes) -> Wildcard | None:
    pieces, before = [""], ""
    for letter in re.findall(r"\\.?|[^\\]", text, re.DOTALL):
        if letter == "*":
            if before == "*":
                mistakes.add(at, f"two stars side by side in {shown(text)}", "write one; it takes any text")
                return None
            pieces.append("")
        elif letter.startswith("\\") and letter not in (r"\*", r"\\"):
            mistakes.add(at, f"the escape {shown(letter)}", r"escape only a star, \*, and a backslash, \\")
            return None
        else:
            pieces[-1] += letter[-1]
        before = letter
    return Wildcard(pieces=tuple(pieces))


def _exists(argument: Any, at: str, mistakes: Mistakes) -> Test | None:
    if isinstance(argument, bool):
        return Exists(wanted=argument)
    mistakes.add(at, f"{shown(argument)} is neither true nor false", "write true or false")
    return None


def _cidr(argument: Any, at: str, mistakes: Mistakes) -> Test | None:
    import ipaddress

    possible = 'write a network such as "10.0.0.0/24" or "2001:db8::/32"'
    if not isinstance(argument, str) or re.fullmatch(r"[0-9a-fA-F:.]+/[0-9]+", argument) is None:
        mistakes.add(at, f"{shown(argument)} is not a network", possible)
        return None
    try:
        network = ipaddress.ip_network(argument, strict=False)
    except ValueError:
        mistakes.add(at, f"{shown(argument)} is not a network", possible)
        return None
    if network.prefixlen == network.max_prefixlen:
        address = shown(str(network.network_address))
        mistakes.add(at, f"{shown(argument)} is one address", f"write the address as a value: [{address}]")
        return None
    if str(network.network_address) != str(ipaddress.ip_address(argument.split("/")[0])):
        # AWS's matcher takes such a range from the address on, not from the start of the network.
        mistakes.add(at, f"{shown(argument)} begins inside the network", f"write {shown(str(network))}")
        return None
    first, last = int(network.network_address), int(network.broadcast_address)
    return Cidr(version=network.version, first=first, last=last)


def _numeric(argument: Any, at: str, mistakes: Mistakes) -> Test | None:
    if not isinstance(argument, list) or len(argument) not in (2, 4):
        mistakes.add(at, f"{shown(argument)} is no comparison", _RANGE)
        return None
    wrong = [each for each in argument[1::2] if isinstance(each, bool) or not isinstance(each, int | float)]
    if wrong:
        mistakes.add(at, f"{shown(wrong[0])} is not a number", _RANGE)
        return None
    beyond = [each for each in argument[1::2] if not abs(each) <= NUMERIC_LIMIT]
    if beyond:
        mistakes.add(at, f"{shown(beyond[0])}", "write a number from -5.0e9 to 5.0e9")
        return None
    match argument:
        case ["=", value]:
            return Numeric(low=float(value), high=float(value))
        case [("<" | "<=") as sign, value]:
            return Numeric(high=float(value), high_included=sign == "<=")
        case [(">" | ">=") as sign, value]:
            return Numeric(low=float(value), low_included=sign == ">=")
        case [(">" | ">=") as lower, low, ("<" | "<=") as upper, high]:
            return _range(lower, float(low), upper, float(high), at, mistakes)
        case _:
            mistakes.add(at, f"{shown(argument)} is no comparison", _RANGE)
            return None


def _range(lower: str, low: float, upper: str, high: float, at: str, mistakes: Mistakes) -> Test | None:
    if low >= high:
        mistakes.add(at, f"the lower bound {low:g} is not below {high:g}", "write the lower bound first")
        return None
    return Numeric(low=low, low_included=lower == ">=", high=high, high_included=upper == "<=")


def _anything_but(argument: Any, at: str, mistakes: Mistakes) -> Test | None:
    if isinstance(argument, dict):
        return _anything_but_nested(argument, at, mistakes)
    values = argument if isinstance(argument, list) else [argument]
    texts = [each for each in values if isinstance(each, str)]
    numbers = [each for each in values if isinstance(each, int | float) and not isinstance(each, bool)]
    if not values or len(values) not in (len(texts), len(numbers)):
        mistakes.add(
            at, f"{shown(argument)} is neither text nor numbers",
            f"write a text or a number, a list of either, or one of {', '.join(_INSIDE_ANYTHING_BUT)}",
        )  # fmt: skip
        return None
    return AnythingBut(excluded=tuple(Exact(value=each) for each in values))


def _anything_but_nested(argument: dict[str, Any], at: str, mistakes: Mistakes) -> Test | None:
    name = next(iter(argument), "")
    possible = f"write one of {', '.join(_INSIDE_ANYTHING_BUT)}"
    if len(argument) != 1:
        mistakes.add(at, f"{len(argument)} operators inside anything-but", possible)
        return None
    if name not in _INSIDE_ANYTHING_BUT:
        guess = suggestion(name, _INSIDE_ANYTHING_BUT)
        mistakes.add(f"{at}.{name}", f"not possible inside anything-but{guess}", possible)
        return None
    value, here = argument[name], f"{at}.{name}"
    values = value if isinstance(value, list) else [value]
    if not values:
        mistakes.add(here, "an empty list", "write a text, or a list of texts")
        return None
    found = [_excluded(name, each, here, mistakes) for each in values]
    excluded = tuple(each for each in found if each is not None)
    return AnythingBut(excluded=excluded) if len(excluded) == len(values) else None


def _excluded(name: str, argument: Any, at: str, mistakes: Mistakes) -> Excluded | None:
    text = _text(argument, at, mistakes, possible="write a text, or a list of texts")
    if text is None:
        return None
    if not text and name in ("prefix", "suffix"):
        mistakes.add(at, "empty text, which every text has", "write at least one character")
        return None
    match name:
        case "prefix":
            return Prefix(text=text)
        case "suffix":
            return Suffix(text=text)
        case "wildcard":
            return _pieces(text, at, mistakes)
        case _:
            return EqualsIgnoreCase(text=folded(text))


def _text(value: Any, at: str, mistakes: Mistakes, *, possible: str = "write text") -> str | None:
    if isinstance(value, str):
        return value
    mistakes.add(at, f"{shown(value)} is not text", possible)
    return None


OPERATORS: dict[str, Callable[[Any, str, Mistakes], Test | None]] = {
    "prefix": _prefix, "suffix": _suffix, "equals-ignore-case": _equals_ignore_case, "wildcard": _wildcard,
    "anything-but": _anything_but, "numeric": _numeric, "cidr": _cidr, "exists": _exists,
}  # fmt: skip
