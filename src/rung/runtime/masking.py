"""Keeping secrets out of logs and traces: by the name of the field, and by the shape of the value.

Names: anything that ends like a password, token, key or card number. Shapes: bearer tokens, JSON web tokens,
URLs with a password in them, and 13 to 19 digits that pass the Luhn check of payment cards (ISO/IEC 7812-1).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

MASK = "***"

_MAX_DEPTH = 6
_MAX_ITEMS = 100
_MAX_NAMES_REMEMBERED = 4096
_SHORTEST_SECRET = 12
_SMALLEST_CARD = 10**12
_LARGEST_CARD = 10**19

_SECRET_NAME = re.compile(
    r"(^|[_\-.])(pass(word|wd|phrase)?|pwd|secret|token|authorization|cookie|api[_-]?key|private[_-]?key|"
    r"credentials?|card|card[_-]?number|pan|cvc|cvv|iban|session[_-]?id)s?$",
    re.IGNORECASE,
)
_CARD = re.compile(r"(?<![0-9A-Za-z.])[2-6][0-9](?:[ -]?[0-9]){11,17}(?![0-9A-Za-z])")
_BEARER = re.compile(r"\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{6,}", re.IGNORECASE)
_URL_PASSWORD = re.compile(r"(\w://[^\s/@:]*):[^\s/@]+@")
_WEB_TOKEN = re.compile(r"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{4,}\.[A-Za-z0-9_-]*")
_names: dict[str, bool] = {}


class Secret(str):
    """A string that prints as `***` wherever it is formatted. `reveal()` gives the value, on purpose.

    Passing it to a driver or comparing it works as with any string.
    """

    __slots__ = ()

    def reveal(self) -> str:
        """The value itself: only for the place that needs it."""
        return str.__str__(self)

    def __str__(self) -> str:
        return MASK

    def __repr__(self) -> str:
        return f"Secret({MASK!r})"

    def __format__(self, specification: str) -> str:
        return format(MASK, specification)


def is_secret_name(name: str) -> bool:
    """Whether a field of this name holds a secret whatever its value looks like."""
    known = _names.get(name)
    if known is None:
        known = _SECRET_NAME.search(name) is not None
        if len(_names) < _MAX_NAMES_REMEMBERED:
            _names[name] = known
    return known


def mask_text(text: str) -> str:
    """The text without what is shaped like a secret."""
    if len(text) < _SHORTEST_SECRET:
        return text
    if "://" in text:
        text = _URL_PASSWORD.sub(rf"\1:{MASK}@", text)
    if " " in text:
        text = _BEARER.sub(rf"\1 {MASK}", text)
    if "eyJ" in text:
        text = _WEB_TOKEN.sub(MASK, text)
    return _CARD.sub(_mask_card, text)


def masked(value: Any, depth: int = 0) -> Any:
    """A copy of `value` that is safe to write down; what is nested deeper than 6 levels is cut off."""
    if isinstance(value, str):
        return MASK if isinstance(value, Secret) else mask_text(value)
    if value is None or isinstance(value, bool | float):
        return value
    if isinstance(value, int):
        return MASK if _SMALLEST_CARD <= value < _LARGEST_CARD and _is_card(str(value)) else value
    if depth >= _MAX_DEPTH:
        return "..."
    if isinstance(value, Mapping):
        return {
            str(name): MASK if is_secret_name(str(name)) else masked(item, depth + 1)
            for name, item in list(value.items())[:_MAX_ITEMS]
        }
    if isinstance(value, list | tuple | set | frozenset):
        return [masked(item, depth + 1) for item in list(value)[:_MAX_ITEMS]]
    if isinstance(value, bytes | bytearray):
        return f"<{len(value)} bytes>"
    return mask_text(str(value))


def _mask_card(match: re.Match[str]) -> str:
    return MASK if _is_card(match.group()) else match.group()


def _is_card(text: str) -> bool:
    digits = [int(character) for character in text if character.isdigit()]
    if not 13 <= len(digits) <= 19 or not 2 <= digits[0] <= 6:
        return False
    doubled = (2 * digit - 9 if digit > 4 else 2 * digit for digit in digits[-2::-2])
    return (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0
