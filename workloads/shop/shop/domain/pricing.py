"""From lines, a promotion, a country and a delivery to a quote. Prices include tax, as in the shops of the UK."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, assert_never

from shop.domain.money import allocate, share, tax_included

Delivery = Literal["standard", "express", "collect"]
TaxClass = Literal["standard", "reduced", "zero"]
PromotionKind = Literal["percent", "amount", "free_delivery"]

FREE_DELIVERY_FROM_MINOR = 5_000
STANDARD_DELIVERY_MINOR = 399
EXPRESS_DELIVERY_MINOR = 799

#: Rates in basis points by country and class; a country that is not listed is an export: no tax is charged.
#: Source: VAT rates published by HMRC and the EU, as of 2026; check before selling for real.
TAX_RATES: Mapping[str, Mapping[TaxClass, int]] = {
    "GB": {"standard": 2000, "reduced": 500, "zero": 0},
    "IE": {"standard": 2300, "reduced": 1350, "zero": 0},
    "FR": {"standard": 2000, "reduced": 550, "zero": 0},
    "DE": {"standard": 1900, "reduced": 700, "zero": 0},
    "ES": {"standard": 2100, "reduced": 1000, "zero": 0},
    "IT": {"standard": 2200, "reduced": 1000, "zero": 0},
    "NL": {"standard": 2100, "reduced": 900, "zero": 0},
    "PT": {"standard": 2300, "reduced": 600, "zero": 0},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One line before it is priced. `unit_price_minor` includes tax."""

    sku: str
    quantity: int
    unit_price_minor: int
    category_id: int = 0
    tax_class: TaxClass = "standard"

    @property
    def gross_minor(self) -> int:
        """What the line costs before any discount."""
        return self.unit_price_minor * self.quantity


@dataclass(frozen=True, slots=True, kw_only=True)
class Promotion:
    """A code's effect. `value` is basis points for percent, minor units for amount."""

    code: str
    kind: PromotionKind
    value: int = 0
    minimum_minor: int = 0
    category_id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PricedLine:
    """One line, priced: total = gross - discount, and the tax inside that total."""

    item: Item
    discount_minor: int
    tax_rate_bp: int
    tax_minor: int
    total_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """What the buyer pays: total = subtotal - discount + delivery; `tax_minor` is inside the total."""

    currency: str
    lines: tuple[PricedLine, ...]
    subtotal_minor: int
    discount_minor: int
    delivery_minor: int
    tax_minor: int
    total_minor: int
    promotion_code: str | None


def price(
    items: Sequence[Item],
    *,
    country: str,
    delivery: Delivery,
    promotion: Promotion | None = None,
    currency: str = "GBP",
) -> Quote:
    """The quote for these items. A promotion whose conditions are not met changes nothing."""
    discounts = _discounts(items, promotion)
    lines = tuple(_priced(item, discount, country) for item, discount in zip(items, discounts, strict=True))
    goods_minor = sum(line.total_minor for line in lines)
    delivery_minor = _delivery(goods_minor, delivery, promotion, items)
    return Quote(
        currency=currency,
        lines=lines,
        subtotal_minor=sum(item.gross_minor for item in items),
        discount_minor=sum(discounts),
        delivery_minor=delivery_minor,
        tax_minor=sum(line.tax_minor for line in lines) + tax_included(delivery_minor, rate(country, "standard")),
        total_minor=goods_minor + delivery_minor,
        promotion_code=promotion.code if promotion and applies(promotion, items) else None,
    )


def rate(country: str, tax_class: TaxClass) -> int:
    """The tax rate in basis points; 0 where we do not charge any."""
    return TAX_RATES.get(country, {}).get(tax_class, 0)


def applies(promotion: Promotion, items: Sequence[Item]) -> bool:
    """Whether the goods that the promotion is about reach its minimum."""
    eligible = sum(item.gross_minor for item in items if _eligible(promotion, item))
    return eligible > 0 and eligible >= promotion.minimum_minor


def _eligible(promotion: Promotion, item: Item) -> bool:
    return promotion.category_id is None or promotion.category_id == item.category_id


def _discounts(items: Sequence[Item], promotion: Promotion | None) -> list[int]:
    """One discount per item; they add up to the promotion's effect to the penny."""
    if promotion is None or not applies(promotion, items):
        return [0] * len(items)
    weights = [item.gross_minor if _eligible(promotion, item) else 0 for item in items]
    return allocate(_effect(promotion, sum(weights)), weights)


def _effect(promotion: Promotion, eligible_minor: int) -> int:
    match promotion.kind:
        case "percent":
            return min(eligible_minor, share(eligible_minor, promotion.value))
        case "amount":
            return min(eligible_minor, promotion.value)
        case "free_delivery":
            return 0
        case _:
            assert_never(promotion.kind)


def _priced(item: Item, discount_minor: int, country: str) -> PricedLine:
    total_minor = item.gross_minor - discount_minor
    rate_bp = rate(country, item.tax_class)
    return PricedLine(
        item=item,
        discount_minor=discount_minor,
        tax_rate_bp=rate_bp,
        tax_minor=tax_included(total_minor, rate_bp),
        total_minor=total_minor,
    )


def _delivery(goods_minor: int, delivery: Delivery, promotion: Promotion | None, items: Sequence[Item]) -> int:
    if not items or (promotion and promotion.kind == "free_delivery" and applies(promotion, items)):
        return 0
    match delivery:
        case "collect":
            return 0
        case "standard":
            return 0 if goods_minor >= FREE_DELIVERY_FROM_MINOR else STANDARD_DELIVERY_MINOR
        case "express":
            return EXPRESS_DELIVERY_MINOR
        case _:
            assert_never(delivery)
