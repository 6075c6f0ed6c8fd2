"""Lines of a few parts alone, under traffic that is given outright."""

from __future__ import annotations

from typing import Any

from rung.parts.design import Design, Part
from rung.price.assumptions import Assumptions
from rung.price.bill import lines_of
from rung.price.book import shipped_book
from rung.price.charging import Charging, Line
from rung.price.usage import SECONDS_PER_MONTH, Quantity, Usage

BOOK = shipped_book()


def charging(
    *parts: Part, requests: float = 0.0, writes: float = 0.0, messages: tuple[tuple[str, float], ...] = (),
    region: str = "eu-west-1", **given: Any,
) -> Charging:  # fmt: skip
    """`requests` of a month, the same in every hour; `messages` of a month by queue."""
    day = (1.0,) * 24
    rate = requests / SECONDS_PER_MONTH
    usage = Usage(
        assumptions=Assumptions(day=day, spikes_per_month=0.0, **given), users=0.0, busy_rate=rate, peak_rate=rate,
        writes=writes, requests=Quantity(value=requests, unit="request", because="given"),
        messages=tuple((queue, amount / SECONDS_PER_MONTH) for queue, amount in messages),
    )  # fmt: skip
    design = Design(
        workload="app", rung="fargate", environment="prod", production=True, region=region, parts=parts
    )
    return Charging(book=BOOK, design=design, usage=usage)


def line(part: Part, item: str, charged: Charging) -> Line:
    """One line of a part. Fails when the part has none of that name."""
    found = [each for each in lines_of(part, charged) if each.item == item]
    assert found, f"{part.name} has {[each.item for each in lines_of(part, charged)]}"
    return found[0]


def usd(part: Part, item: str, *others: Part, **given: Any) -> float:
    """US dollars of one line of `part`, in a design of it and `others`."""
    return line(part, item, charging(part, *others, **given)).usd
