"""Small offer files in AWS's own format: the head, `products` by SKU, `terms.OnDemand` by SKU and offer code."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """One product with its price on demand; several prices are tiers (`begin`, US dollars)."""

    sku: str
    family: str
    usage_type: str
    usd: tuple[tuple[str, str], ...]
    unit: str = "Hrs"
    attributes: tuple[tuple[str, str], ...] = ()
    #: (years, way to pay, hourly, at once, class)
    reserved: tuple[tuple[str, str, str, str, str], ...] = ()


LINUX = (
    ("operatingSystem", "Linux"), ("tenancy", "Shared"), ("preInstalledSw", "NA"), ("capacitystatus", "Used"),
    ("licenseModel", "No License required"), ("instanceType", "t4g.small"),
)  # fmt: skip


def instance(sku: str, usd: str, **changes: str) -> Product:
    """A t4g.small in Ireland."""
    attributes = tuple({**dict(LINUX), **changes}.items())
    return Product(
        sku=sku, family="Compute Instance", usage_type="EU-BoxUsage:t4g.small", usd=(("0", usd),),
        attributes=attributes,
    )  # fmt: skip


def offer_file(offer: str, *products: Product, region: str = "eu-west-1") -> bytes:
    """The file as AWS publishes it."""
    document: dict[str, Any] = {
        "formatVersion": "v1.0",
        "disclaimer": "for tests",
        "offerCode": offer,
        "version": "20261001000000",
        "publicationDate": "2026-10-01T00:00:00Z",
        "products": {product.sku: _product(product, offer, region) for product in products},
        "terms": {
            "OnDemand": {product.sku: _terms(product) for product in products},
            "Reserved": {product.sku: _reserved(product) for product in products},
        },
        "attributesList": {},
    }
    return json.dumps(document, indent=2).encode()


def write_offers(folder: Path, **files: bytes) -> Path:
    """Offer files by service in a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for service, content in files.items():
        (folder / f"{service}.json").write_bytes(content)
    return folder


def _product(product: Product, offer: str, region: str) -> dict[str, Any]:
    attributes = {"servicecode": offer, "regionCode": region, "usagetype": product.usage_type}
    return {
        "sku": product.sku,
        "productFamily": product.family,
        "attributes": {**attributes, **dict(product.attributes)},
    }


def _reserved(product: Product) -> dict[str, Any]:
    offers: dict[str, Any] = {}
    for number, (years, paid, hourly, at_once, kind) in enumerate(product.reserved):
        code = f"{product.sku}.TERM{number}"
        offers[code] = {
            "offerTermCode": f"TERM{number}",
            "sku": product.sku,
            "priceDimensions": {
                f"{code}.H": {"unit": "Hrs", "pricePerUnit": {"USD": hourly}, "beginRange": "0"},
                f"{code}.Q": {"unit": "Quantity", "pricePerUnit": {"USD": at_once}},
            },
            "termAttributes": {"LeaseContractLength": years, "OfferingClass": kind, "PurchaseOption": paid},
        }
    return offers


def _terms(product: Product, term: str = "JRTCKXETXF") -> dict[str, Any]:
    ends = [*(begin for begin, _ in product.usd[1:]), "Inf"]
    dimensions = {
        f"{product.sku}.{term}.{number}": {
            "rateCode": f"{product.sku}.{term}.{number}",
            "description": "a price",
            "beginRange": begin,
            "endRange": end,
            "unit": product.unit,
            "pricePerUnit": {"USD": usd},
            "appliesTo": [],
        }
        for number, ((begin, usd), end) in enumerate(zip(product.usd, ends, strict=True))
    }
    return {
        f"{product.sku}.{term}": {
            "offerTermCode": term,
            "sku": product.sku,
            "effectiveDate": "2026-10-01T00:00:00Z",
            "priceDimensions": dimensions,
            "termAttributes": {},
        }
    }
