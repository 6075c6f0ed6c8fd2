"""AWS's public offer files, read while they stream: from the price list's own words to rows of our book.

An offer file is one JSON object: `products` by SKU, then `terms.OnDemand` and `terms.Reserved` by SKU, up to half
a gigabyte. It is read once, from a stream, and only what a rule (offer_rules.py) asks for is kept. What is paid at
once for a reservation is spread over the hours of its term. Format: AWS, "Reading an offer index file",
https://docs.aws.amazon.com/awsaccountbilling/latest/aboutv2/reading-an-offer.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import IO, Any

from rung.errors import Finding
from rung.price.book import Price, PriceError
from rung.price.commitments import RESERVABLE
from rung.price.offer_rules import Rule, rules_of

#: `EU-`, `USE1-`, `APN1-`: the region's mark before a usage type, which us-east-1 mostly lacks.
REGION_MARK = re.compile(r"^[A-Z]{2,4}[0-9]?-")


_SECTIONS = {"products": "products", "terms.OnDemand": "terms", "terms.Reserved": "reserved"}
HOURS_PER_YEAR = 8_760.0


@dataclass(slots=True)
class Reading:
    """What is known of an offer file so far."""

    offer: str = ""
    published: str = ""
    chosen: dict[str, tuple[Rule, re.Match[str], Mapping[str, str]]] = field(default_factory=dict)
    rows: list[Price] = field(default_factory=list)


def offer_url(service_code: str, region: str) -> str:
    """Where AWS publishes the offers of a service in a region; no credentials are needed."""
    return f"https://pricing.us-east-1.amazonaws.com/offers/v1.0/aws/{service_code}/current/{region}/index.json"


def read_offers(stream: IO[bytes], region: str) -> list[Price]:
    """The rows in an offer file that our book has a name for.

    Raises PriceError R1103 when the stream is no offer file, and R1104 when two of its products would be one row:
    a rule that is too wide must not choose by chance.
    """
    reading = Reading()
    for section, sku, value in _sections(stream):
        if section == "head":
            setattr(reading, "offer" if sku == "offerCode" else "published", str(value))
        elif section == "products":
            _choose(reading, sku, value)
        elif sku in reading.chosen and section == "terms":
            reading.rows.extend(_prices(reading, sku, value, region))
        elif sku in reading.chosen:
            reading.rows.extend(_reservations(reading, sku, value, region))
    if not reading.offer:
        raise PriceError(no_offer_file("no offerCode in it"))
    return unambiguous(reading.rows)


def _sections(stream: IO[bytes]) -> Iterator[tuple[str, str, Any]]:
    """(`head`, field, value), (`products`, SKU, product), (`terms`, SKU, on demand), (`reserved`, SKU, ...)."""
    import ijson

    try:
        key, builder, depth = "", None, 0
        section = ""
        for prefix, event, value in ijson.parse(stream, use_float=False):
            if builder is not None:
                builder.event(event, value)
                depth += {"start_map": 1, "start_array": 1, "end_map": -1, "end_array": -1}.get(event, 0)
                if depth == 0:
                    yield section, key, builder.value
                    builder = None
            elif prefix in ("offerCode", "publicationDate"):
                yield "head", prefix, value
            elif event == "map_key" and prefix in _SECTIONS:
                section, key = _SECTIONS[prefix], value
            elif (
                event == "start_map"
                and key
                and prefix.endswith(f".{key}")
                and prefix[: -len(key) - 1] in _SECTIONS
            ):
                builder, depth = ijson.ObjectBuilder(), 1
                builder.event(event, value)
    except ijson.JSONError as error:
        raise PriceError(no_offer_file(str(error))) from error


def _choose(reading: Reading, sku: str, product: Mapping[str, Any]) -> None:
    attributes = product.get("attributes", {})
    usage_type = REGION_MARK.sub("", attributes.get("usagetype", ""))
    facts = {**attributes, "productFamily": product.get("productFamily", "")}
    for rule in rules_of(reading.offer):
        match = re.fullmatch(rule.usage_type, usage_type)
        if match and all(facts.get(name) in allowed for name, allowed in rule.where):
            reading.chosen[sku] = (rule, match, facts)
            return


def _prices(reading: Reading, sku: str, offers: Mapping[str, Any], region: str) -> Iterator[Price]:
    rule, match, _ = reading.chosen[sku]
    for offer in offers.values():
        for dimension in offer.get("priceDimensions", {}).values():
            usd = dimension.get("pricePerUnit", {}).get("USD")
            if usd is None:
                continue
            yield Price(
                service=rule.service, usage=match.expand(rule.usage).lower(), mode=match.expand(rule.mode),
                unit=rule.unit,
                region=rule.region or region, tier_from=float(dimension.get("beginRange", 0)) / rule.scale,
                usd=float(usd) * rule.scale, source=f"AWS offer file {reading.offer}, SKU {sku}",
                as_of=reading.published[:10],
            )  # fmt: skip


def _reservations(reading: Reading, sku: str, offers: Mapping[str, Any], region: str) -> Iterator[Price]:
    """Standard reservations by the hour: the hourly price and what is paid at once, over the term."""
    rule, match, _ = reading.chosen[sku]
    if rule.service not in RESERVABLE:
        return
    for offer in offers.values():
        terms = offer.get("termAttributes", {})
        years = _YEARS.get(terms.get("LeaseContractLength", ""))
        if years is None or terms.get("OfferingClass", "standard") != "standard":
            continue
        hourly = 0.0
        for dimension in offer.get("priceDimensions", {}).values():
            usd = float(dimension.get("pricePerUnit", {}).get("USD", 0))
            hourly += usd / (years * HOURS_PER_YEAR) if dimension.get("unit") == "Quantity" else usd
        paid = terms.get("PurchaseOption", "").lower().replace(" ", "-")
        mode = match.expand(rule.mode)
        yield Price(
            service=rule.service, usage=match.expand(rule.usage), unit=rule.unit, usd=round(hourly, 10),
            mode=f"reserved-{years}y-{paid}-{'standard' if mode == 'on-demand' else mode}",
            region=rule.region or region, source=f"AWS offer file {reading.offer}, SKU {sku}, reserved",
            as_of=reading.published[:10],
        )  # fmt: skip


_YEARS = {"1yr": 1, "3yr": 3}


def unambiguous(rows: list[Price]) -> list[Price]:
    """Equal prices of several SKUs are one row; different ones are refused."""
    found: dict[tuple[object, ...], Price] = {}
    clashes: list[Finding] = []
    for row in rows:
        other = found.setdefault((row.key, row.tier_from), row)
        if other.usd != row.usd:
            clashes.append(_ambiguous(row, other))
    if clashes:
        raise PriceError(*clashes)
    return list(found.values())


def _ambiguous(row: Price, other: Price) -> Finding:
    name = " ".join(part for part in row.key if part)
    return Finding(
        code="R1104", severity="error", message=f"the offer file has two prices for {name}",
        found=f"{other.usd:g} ({other.source}) and {row.usd:g} ({row.source})",
        effect="one of them is for something else, and nobody can tell which from here",
        help="please report it: a rule of src/rung/price/offer_rules.py is too wide",
    )  # fmt: skip


def no_offer_file(found: str) -> Finding:
    """R1103: what was read is not what AWS publishes."""
    return Finding(
        code="R1103", severity="error", message="this is not an offer file of AWS", found=found,
        effect="no price was changed",
        help="an offer file comes from https://pricing.us-east-1.amazonaws.com/offers/v1.0/aws/...",
    )  # fmt: skip
