"""What a DynamoDB table costs: by the request, or by the capacity that is kept for it hour by hour."""

from __future__ import annotations

import math
from collections.abc import Iterator

from rung.parts.data import TablePart
from rung.price.book import HOURS_PER_MONTH
from rung.price.charging import Charging, Line

#: Provisioned capacity follows the load and keeps this share of it in use (what AWS's console proposes).
CAPACITY_TARGET = 0.7


def table(part: TablePart, charging: Charging) -> Iterator[Line]:
    """Reads and writes, storage, and point-in-time recovery."""
    yield from _provisioned(part, charging) if part.billing == "provisioned" else _on_demand(part, charging)
    size = charging.usage.assumptions.object_gib
    yield charging.line(part.name, part.node, "storage", ("dynamodb", "storage", ""), size, f"{size:g} GiB")
    key = ("dynamodb", "point-in-time-recovery-storage", "")
    yield charging.line(part.name, part.node, "point-in-time recovery", key, size, f"{size:g} GiB")


def _on_demand(part: TablePart, charging: Charging) -> Iterator[Line]:
    """One read for each request that is not a write, one write for each that is."""
    usage = charging.usage
    reaches = usage.assumptions.database_share
    for item, name, share in (
        ("reads", "read-requests", 1 - usage.writes),
        ("writes", "write-requests", usage.writes),
    ):
        amount = usage.requests.value * share * reaches / 1e6
        because = f"{share:.0%} of requests, {reaches:.0%} of them reach the table"
        key = ("dynamodb", name, "on-demand")
        yield charging.line(part.name, part.node, item, key, amount, because, depends="use")


def _provisioned(part: TablePart, charging: Charging) -> Iterator[Line]:
    """A unit for each read or write a second, one at least, hour by hour; a spike of a minute is refused."""
    usage = charging.usage
    reaches = usage.assumptions.database_share
    for item, name, share in (
        ("reads", "read-capacity", 1 - usage.writes),
        ("writes", "write-capacity", usage.writes),
    ):
        rates = (usage.rate_at(hour) * share * reaches for hour in range(24))
        units = [max(1, math.ceil(rate / CAPACITY_TARGET - 1e-9)) for rate in rates]
        because = f"{min(units)} to {max(units)} units over the day, {CAPACITY_TARGET:.0%} of them in use"
        hours = sum(units) * HOURS_PER_MONTH / 24
        key = ("dynamodb", name, "provisioned")
        yield charging.line(part.name, part.node, item, key, hours, because, depends="use")
