"""The same parts paid for in another way: hours that are reserved for years, a flat rate at the edge. Pure.

A reservation is offered where the book has its price; `rung prices update` reads them from AWS's offer files. What
is paid at once is spread over the hours of the term, so that every offer is a price for an hour. Savings Plans are
in plans.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rung.price.book import HOURS_PER_MONTH, Basis, Price, PriceBook, oldest, worst
from rung.price.charging import Line

#: Terms and ways to pay as the price list names them, the least binding first.
TERMS = ("1y-no-upfront", "1y-partial-upfront", "1y-all-upfront", "3y-no-upfront", "3y-partial-upfront",
         "3y-all-upfront")  # fmt: skip
#: Services whose hours can be reserved.
RESERVABLE = ("ec2", "rds-postgresql", "aurora-postgresql", "elasticache")
#: What makes a reservation useless, where it is not an engine, a family or a region: sizes of a family may change
#: (AWS, "Reserved DB instances for Amazon RDS" and "ElastiCache reserved nodes", size flexibility).
_UNDONE_BY = {"ec2": "another family or region, tasks in place of machines, or a load that goes away"}
#: CloudFront's flat rates: million requests and GB of a month that each covers.
#: https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/flat-rate-pricing-plan.html
PLANS: tuple[tuple[str, float, float], ...] = (
    ("free", 1, 100), ("pro", 10, 51_200), ("business", 125, 51_200), ("premium-500m", 500, 51_200),
    ("premium-750m", 750, 76_800), ("premium-1250m", 1_250, 128_000), ("premium-2000m", 2_000, 204_800),
    ("premium-3500m", 3_500, 358_400), ("premium-6000m", 6_000, 614_400),
)  # fmt: skip
#: Rules that a firewall of a plan may hold, by the plan's first word.
PLAN_RULES = {"free": 5, "pro": 25, "business": 50, "premium": 75}


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """Lines that would be paid for in another way: what they cost today, and what then.

    `basis` is how sure the least sure of its prices is, `as_of` when the oldest was read, empty when nobody knows.
    """

    name: str
    part: str
    usd_before: float
    usd_after: float
    because: str
    gives_up: str
    break_even: str
    undone_by: str
    basis: Basis = "list"
    as_of: str = ""


def mode_of(kind: str, mode: str) -> str:
    """How the book calls the price of a line whose mode is `mode` under a contract of this kind."""
    return f"{kind}-{'standard' if mode == 'on-demand' else mode}"


def in_words(years: int) -> str:
    """A term as people say it."""
    return "a year" if years == 1 else "three years"


def commitments(lines: Sequence[Line], book: PriceBook, region: str) -> Iterator[Offer]:
    """The cheapest reservation of each term for what runs always."""
    for line in lines:
        service, _, mode = line.key
        whole = int((min(line.hours) if line.hours else line.quantity / HOURS_PER_MONTH) + 1e-9)
        if service not in RESERVABLE or "reserved" in mode or line.unit != "hour" or whole == 0:
            continue
        for years in (1, 3):
            terms = [term for term in TERMS if term.startswith(f"{years}y")]
            offers = [_offer(line, whole, term, years, book, region) for term in terms]
            known = [each for each in offers if each is not None]
            if known:
                yield min(known, key=lambda each: each.usd_after)


def contract_price(line: Line, kind: str, book: PriceBook, region: str) -> Price | None:
    """The price of a line under a contract, where the book has it for the very region of the price on demand."""
    service, usage, mode = line.key
    found = book.find(service, usage, mode=mode_of(kind, mode), region=region)
    hourly = book.find(service, usage, mode=mode, region=region)
    if found is None or hourly is None or found.first.region != hourly.first.region:
        return None
    return found.first


def _offer(line: Line, whole: int, term: str, years: int, book: PriceBook, region: str) -> Offer | None:
    service, usage, mode = line.key
    reserved = contract_price(line, f"reserved-{term}", book, region)
    if reserved is None:
        return None
    hourly = book.tariff(service, usage, mode=mode, region=region).first
    hours = whole * HOURS_PER_MONTH
    rest = line.quantity - hours
    share = reserved.usd / hourly.usd
    return Offer(
        name=f"{usage} reserved for {in_words(years)}, {term[3:].replace('-', ' ')}", part=line.part,
        usd_before=line.usd,
        usd_after=hours * reserved.usd + rest * hourly.usd,
        because=f"{reserved.usd:.4g} an hour instead of {hourly.usd:.4g} for {whole} that run always",
        gives_up=f"it is paid for {in_words(years)}, whether it runs or not",
        break_even=f"pays when it runs more than {share:.0%} of the hours",
        undone_by=_UNDONE_BY.get(service, "another engine, family or region, or a rung without it"),
        basis=worst((reserved.basis, hourly.basis)), as_of=oldest((reserved.as_of, hourly.as_of)),
    )  # fmt: skip


def flat_rates(lines: Sequence[Line], book: PriceBook, region: str) -> Iterator[Offer]:
    """The smallest of CloudFront's flat rates that covers the distribution and its firewall, if it costs less."""
    edge = [line for line in lines if line.key[0] == "cloudfront"]
    firewall = [line for line in lines if line.key[0] == "waf"] if edge else []
    millions = sum(line.quantity for line in edge if line.key[1] == "https-requests") / 100
    gigabytes = sum(line.quantity for line in edge if line.key[1] == "data-out")
    rules = sum(line.quantity for line in firewall if line.key[1] == "rule")
    fitting = [
        name for name, most, gb in PLANS
        if millions <= most and gigabytes <= gb and rules <= PLAN_RULES[name.partition("-")[0]]
    ]  # fmt: skip
    if not edge or not fitting:
        return
    plan = fitting[0]
    most = next(limit for name, limit, _ in PLANS if name == plan)
    price = book.tariff("cloudfront", "flat-rate-plan", mode=plan, region=region).first
    before = sum(line.usd for line in (*edge, *firewall))
    yield Offer(
        name=f"CloudFront's flat rate {plan}", part=edge[0].part, usd_before=before, usd_after=price.usd,
        because=f"{millions:,.0f} million requests and {gigabytes:,.0f} GB with the firewall, for one price",
        gives_up="functions at the edge but CloudFront's own; one domain for a plan; slower beyond its limit",
        break_even=f"pays where metering comes to more than ${price.usd:,.0f}, up to {most:,.0f} million requests",
        undone_by="Lambda@Edge, more rules than the plan holds, or a credit-plan account",
        basis=worst((price.basis, *(line.basis for line in (*edge, *firewall)))),
        as_of=oldest((price.as_of, *(line.as_of for line in (*edge, *firewall)))),
    )  # fmt: skip
