"""AWS's offer file of Compute and EC2 Instance Savings Plans, read while it streams.

One JSON object: `products`, a list of plans (family, term, way to pay), then `terms.savingsPlan`, for each plan
the list of its rates, tens of thousands of them. A rate names what it discounts by the usage type and operation of
the price on demand; for plans that are paid at once it is by the hour, too. Format: AWS, "Reading the service
price list file for a Savings Plan",
https://docs.aws.amazon.com/awsaccountbilling/latest/aboutv2/reading-service-price-list-file-for-savings-plans.html
The file of a region is named by an index: "Service Region index file for Savings Plan", at the same place.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import IO, Any

from rung.price.book import Price, PriceError
from rung.price.commitments import mode_of
from rung.price.offer_rules import Rule, rules_of
from rung.price.offers import REGION_MARK, no_offer_file, unambiguous
from rung.price.plans import COVERED

#: What the offer is called where services are named.
OFFER = "AWSComputeSavingsPlan"
_HOST = "https://pricing.us-east-1.amazonaws.com"
INDEX_URL = f"{_HOST}/savingsPlan/v1.0/aws/{OFFER}/current/region_index.json"
_KINDS = {"ComputeSavingsPlans": "compute-plan", "EC2InstanceSavingsPlans": "instance-plan"}
_TERMS = {"1yr": "1y", "3yr": "3y"}
#: Linux without a licence; other systems and dedicated machines have operations or usage types of their own.
_LINUX = "RunInstances"


def plan_url(index: IO[bytes], region: str) -> str:
    """Where the file of a region is, by the index of all regions. Raises PriceError R1103 when it is no index."""
    try:
        found = {each["regionCode"]: each["versionUrl"] for each in json.load(index)["regions"]}
    except (ValueError, KeyError, TypeError) as error:
        raise PriceError(no_offer_file(f"index of Savings Plans: {error}")) from error
    if region not in found:
        raise PriceError(no_offer_file(f"the index of Savings Plans has no {region}"))
    return _HOST + str(found[region])


def read_plans(stream: IO[bytes], region: str) -> list[Price]:
    """The rates in the file that our book has a name for, a row for each plan, term and way to pay.

    Raises PriceError R1103 when the stream is no such file, R1104 when two of its rates would be one row.
    """
    import ijson

    plans: dict[str, str] = {}
    rows: list[Price] = []
    published = ""
    try:
        for section, value, plan in _sections(stream):
            if section == "publicationDate":
                published = str(value)[:10]
            elif section == "products":
                plans.update(_plan(value))
            elif plan in plans:
                rows.extend(_row(value, plans[plan], region, published))
    except ijson.JSONError as error:
        raise PriceError(no_offer_file(str(error))) from error
    if not plans:
        raise PriceError(no_offer_file("no Savings Plan in it"))
    return unambiguous(rows)


def _sections(stream: IO[bytes]) -> Iterator[tuple[str, Any, str]]:
    """(`publicationDate`, day, ""), (`products`, product, ""), (`rates`, rate, SKU of the plan)."""
    import ijson

    plan, builder, depth, section = "", None, 0, ""
    starts = {"products.item": "products", "terms.savingsPlan.item.rates.item": "rates"}
    for prefix, event, value in ijson.parse(stream, use_float=False):
        if builder is not None:
            builder.event(event, value)
            depth += {"start_map": 1, "start_array": 1, "end_map": -1, "end_array": -1}.get(event, 0)
            if depth == 0:
                yield section, builder.value, plan
                builder = None
        elif prefix == "publicationDate":
            yield prefix, value, ""
        elif prefix == "terms.savingsPlan.item.sku":
            plan = value
        elif event == "start_map" and prefix in starts:
            section, builder, depth = starts[prefix], ijson.ObjectBuilder(), 1
            builder.event(event, value)


def _plan(product: Mapping[str, Any]) -> dict[str, str]:
    """The plan's kind, term and way to pay as the book calls them, by its SKU; nothing of other plans."""
    attributes = product.get("attributes", {})
    kind, term = _KINDS.get(product.get("productFamily", "")), _TERMS.get(attributes.get("purchaseTerm", ""))
    paid = str(attributes.get("purchaseOption", "")).lower().replace(" ", "-")
    return {str(product.get("sku")): f"{kind}-{term}-{paid}"} if kind and term and paid else {}


def _row(rate: Mapping[str, Any], plan: str, region: str, published: str) -> Iterator[Price]:
    service = str(rate.get("discountedServiceCode", ""))
    usage_type = REGION_MARK.sub("", str(rate.get("discountedUsageType", "")))
    there = rate.get("discountedRegionCode", region) == region
    if not there or (service == "AmazonEC2" and rate.get("discountedOperation") != _LINUX):
        return
    for rule in _rules(service):
        match = re.fullmatch(rule.usage_type, usage_type)
        price = rate.get("discountedRate", {})
        if match and price.get("currency", "USD") == "USD":
            yield Price(
                service=rule.service, usage=match.expand(rule.usage), unit=rule.unit, region=region,
                mode=mode_of(plan, match.expand(rule.mode)), usd=float(price["price"]) * rule.scale,
                source=f"AWS offer file {OFFER}, rate {rate.get('rateCode', '')}", as_of=published,
            )  # fmt: skip
            return


def _rules(service: str) -> Iterator[Rule]:
    """The rules whose usage a plan pays for: they have a mode, unlike requests and storage."""
    return (rule for rule in rules_of(service) if rule.service in COVERED and rule.mode)
