"""Every size that a rung may choose has a price, in the regions that the book knows whole."""

from __future__ import annotations

import pytest

from rung.price.book import PriceBook
from rung.rungs import nodes
from rung.rungs.machines import INSTANCES
from rung.rungs.stores import CACHE_NODES, CLASSES

KEYS = [
    *(("ec2", name, "on-demand") for name, _, _ in INSTANCES),
    *(("ec2", name, "on-demand") for name in (*nodes.MACHINES, *nodes.MACHINES_OF_COPIES)),
    *(("ec2", name, "spot") for name in (*nodes.MACHINES, *nodes.MACHINES_OF_COPIES)),
    *(("rds-postgresql", name, mode) for name, _, _ in CLASSES for mode in ("single-az", "multi-az")),
    *(("elasticache", name, "valkey") for _, name in CACHE_NODES),
    *(("lambda", usage, cpu) for usage in ("duration", "provisioned-duration", "provisioned-concurrency",
                                           "ephemeral-storage") for cpu in ("arm64", "x86_64")),
]  # fmt: skip


@pytest.mark.parametrize("region", ["eu-west-1", "us-east-1"])
@pytest.mark.parametrize("key", dict.fromkeys(KEYS), ids=" ".join)
def test_what_a_rung_may_choose_has_a_price(key: tuple[str, str, str], region: str, book: PriceBook) -> None:
    service, usage, mode = key
    assert book.tariff(service, usage, mode=mode, region=region).first.usd > 0
