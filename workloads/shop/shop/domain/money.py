"""Money is an integer of minor units (pence, cents) and a currency. There are no floats here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

BASIS_POINTS = 10_000


class MoneyError(ValueError):
    """A text that is not an amount, or a sum over two currencies."""


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in the minor units of one currency (ISO 4217, two decimals)."""

    minor: int
    currency: str

    def __add__(self, other: Money) -> Money:
        if other.currency != self.currency:
            raise MoneyError(f"cannot add {other.currency} to {self.currency}")
        return Money(self.minor + other.minor, self.currency)

    def __str__(self) -> str:
        sign, (major, minor) = "-" if self.minor < 0 else "", divmod(abs(self.minor), 100)
        return f"{sign}{major}.{minor:02d} {self.currency}"


def parse_minor(text: str) -> int:
    """`"2.55"` as 255. Raises MoneyError for anything but a finite decimal with at most two places."""
    try:
        scaled = Decimal(text.strip()) * 100
        if not scaled.is_finite() or abs(scaled) > 10**15 or scaled != scaled.to_integral_value():
            raise MoneyError(f"not an amount with at most two decimals: {text[:40]!r}")
    except InvalidOperation:
        raise MoneyError(f"not an amount: {text[:40]!r}") from None
    return int(scaled)


def divide_half_up(numerator: int, denominator: int) -> int:
    """The quotient of two non-negative integers, rounded to the nearest, halves up (the rule of UK VAT)."""
    return (2 * numerator + denominator) // (2 * denominator)


def share(minor: int, basis_points: int) -> int:
    """`basis_points` ten-thousandths of the amount, halves up."""
    return divide_half_up(minor * basis_points, BASIS_POINTS)


def tax_included(gross_minor: int, rate_basis_points: int) -> int:
    """The tax inside a price that includes it: 20 % of the net price is 1/6 of the gross price."""
    return divide_half_up(gross_minor * rate_basis_points, BASIS_POINTS + rate_basis_points)


def allocate(total_minor: int, weights: Sequence[int]) -> list[int]:
    """Split an amount in proportion to `weights` so that the parts add up to it exactly.

    The largest remainders get the pennies that are left over; of equal ones, the first (Hamilton's method).
    Weights are non-negative; when all are zero the first part gets everything.
    """
    whole = sum(weights)
    if whole == 0:
        return [total_minor, *[0] * (len(weights) - 1)] if weights else []
    parts = [total_minor * weight // whole for weight in weights]
    remainders = [total_minor * weight % whole for weight in weights]
    by_remainder = sorted(range(len(weights)), key=lambda index: -remainders[index])
    for index in by_remainder[: total_minor - sum(parts)]:
        parts[index] += 1
    return parts
