"""Finding card numbers where none may be: the provider's form makes tokens of them before we see any."""

from __future__ import annotations

import re

# 13 to 19 digits, perhaps grouped by single spaces or hyphens, not inside a longer number or a word.
_CANDIDATE = re.compile(r"(?<![\w.-])\d(?:[ -]?\d){12,18}(?![\w-])")


def has_card_number(text: str) -> bool:
    """Whether `text` contains something that is a card number by its form and its check digit."""
    return any(_is_card(re.sub(r"\D", "", match)) for match in _CANDIDATE.findall(text))


def _is_card(digits: str) -> bool:
    """Issuer ranges of the networks in use begin with 2 to 6; the last digit is Luhn's (ISO/IEC 7812)."""
    return digits[0] in "23456" and luhn_sum(digits) % 10 == 0


def luhn_sum(digits: str) -> int:
    """The weighted sum of the digits; a multiple of ten when the check digit is right."""
    doubled = [int(digit) * (1 + index % 2) for index, digit in enumerate(reversed(digits))]
    return sum(value - 9 if value > 9 else value for value in doubled)
