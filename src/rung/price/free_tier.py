"""What AWS does not charge: monthly amounts that stay free, and the credits of a new account. Pure.

The amounts hold for an account (for all accounts of an organisation together), not for one environment of one
workload: a bill shows them apart, and takes them off when somebody says that nothing else uses them up.

Sources: AWS, "AWS Free Tier", https://aws.amazon.com/free/ (offers that are always free), and the pricing page of
each service. Accounts made since 2025-07-15 have credits instead of the offers of the first twelve months: 100 US
dollars at sign-up and as much again for five tasks, used up within twelve months (AWS Billing user guide, "Explore
AWS services with AWS Free Tier").
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rung.price.book import PriceBook
from rung.price.charging import Line

#: US dollars that a new account has at once, and those that it can earn.
CREDITS_AT_SIGN_UP = 100.0
CREDITS_MOST = 200.0
CREDITS_MONTHS = 12
_PAGE = "https://aws.amazon.com/{}/pricing/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """`amount` units of the prices `keys` that are free in every month, together, in the order of the keys."""

    name: str
    keys: tuple[tuple[str, str, str], ...]
    amount: float
    page: str
    as_of: str

    @property
    def source(self) -> str:
        """Where it was read."""
        return _PAGE.format(self.page)


@dataclass(frozen=True, slots=True, kw_only=True)
class Free:
    """What one allowance takes off a bill."""

    name: str
    quantity: float
    unit: str
    usd: float
    source: str
    as_of: str


ALLOWANCES: tuple[Allowance, ...] = (
    Allowance(name="data out to the internet", keys=(("data-transfer", "internet-out", ""),), amount=100.0,
              page="ec2/on-demand", as_of="2026-06"),
    Allowance(name="CloudFront bytes", keys=(("cloudfront", "data-out", "us-and-europe"),), amount=1_024.0,
              page="cloudfront", as_of="2026-06"),
    Allowance(name="CloudFront requests", keys=(
        ("cloudfront", "https-requests", "europe"), ("cloudfront", "https-requests", "north-america"),
        ("cloudfront", "http-requests", "europe"), ("cloudfront", "http-requests", "north-america"),
    ), amount=1_000.0, page="cloudfront", as_of="2026-06"),
    Allowance(name="log ingest", keys=(("cloudwatch", "log-ingest", ""),), amount=5.0, page="cloudwatch",
              as_of="2026-05-05"),
    Allowance(name="log storage", keys=(("cloudwatch", "log-storage", ""),), amount=5.0, page="cloudwatch",
              as_of="2026-05-05"),
    Allowance(name="custom metrics", keys=(("cloudwatch", "custom-metric", ""),), amount=10.0, page="cloudwatch",
              as_of="2026-05-05"),
    Allowance(name="alarms", keys=(("cloudwatch", "alarm", "standard"),), amount=10.0, page="cloudwatch",
              as_of="2026-05-05"),
    Allowance(name="dashboards", keys=(("cloudwatch", "dashboard", ""),), amount=3.0, page="cloudwatch",
              as_of="2026-05-05"),
    Allowance(name="key requests", keys=(("kms", "requests", ""),), amount=2.0, page="kms", as_of="2026-06"),
    Allowance(name="queue requests", keys=(
        ("sqs", "requests", "standard"), ("sqs", "requests", "fifo"),
    ), amount=1.0, page="sqs", as_of="2026-03-14"),
    Allowance(name="scheduler invocations", keys=(("eventbridge", "scheduler-invocations", ""),), amount=14.0,
              page="eventbridge", as_of="2026-06"),
    Allowance(name="function requests", keys=(("lambda", "requests", ""),), amount=1.0, page="lambda",
              as_of="2026-06"),
    Allowance(name="function time", keys=(
        ("lambda", "duration", "x86_64"), ("lambda", "duration", "arm64"),
    ), amount=400_000.0, page="lambda", as_of="2026-06"),
    Allowance(name="table storage", keys=(("dynamodb", "storage", ""),), amount=25.0, page="dynamodb",
              as_of="2026-06"),
)  # fmt: skip


def free_of(lines: Sequence[Line], book: PriceBook, region: str) -> tuple[Free, ...]:
    """What the allowances take off these lines, where nothing else in the account uses them."""
    found = [_taken(each, lines, book, region) for each in ALLOWANCES]
    return tuple(each for each in found if each is not None and each.usd > 0)


def months_of_credits(total: float) -> tuple[float, float]:
    """How many months of a bill a new account's credits pay: those at sign-up, and with all that can be earned."""
    if total <= 0:
        return CREDITS_MONTHS, CREDITS_MONTHS
    least, most = CREDITS_AT_SIGN_UP / total, CREDITS_MOST / total
    return min(least, CREDITS_MONTHS), min(most, CREDITS_MONTHS)


def _taken(allowance: Allowance, lines: Iterable[Line], book: PriceBook, region: str) -> Free | None:
    left, usd, unit = allowance.amount, 0.0, ""
    used = dict.fromkeys(allowance.keys, 0.0)
    for line in lines:
        if line.key in used:
            used[line.key] += line.quantity
    for (service, usage, mode), quantity in used.items():
        if quantity <= 0:
            continue
        tariff = book.tariff(service, usage, mode=mode, region=region)
        taken = min(left, quantity)
        usd, left, unit = usd + tariff.charge(taken), left - taken, tariff.unit
    quantity = allowance.amount - left
    if not quantity:
        return None
    return Free(
        name=allowance.name, quantity=quantity, unit=unit, usd=usd, source=allowance.source, as_of=allowance.as_of
    )
