"""Savings Plans: so many dollars an hour are promised for years, and what they buy costs less. Pure.

A Compute Savings Plan covers machines, Fargate and Lambda in every region; an EC2 Instance Savings Plan one
family of machines in one region. In each hour the commitment pays for what saves most first, at the plan's prices;
what it does not reach is paid on demand, and what is not used of it is lost. Source: AWS, "Understanding how
Savings Plans apply to your usage", https://docs.aws.amazon.com/savingsplans/latest/userguide/sp-applying.html

The commitment that is offered is the one that saves most over an ordinary day: as much as what it buys is used for
long enough. It is one of the sums that some hour needs, since what a month costs is straight between them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

from rung.price.book import HOURS_PER_MONTH, Price, PriceBook, oldest, worst
from rung.price.charging import Line
from rung.price.commitments import RESERVABLE, Offer, contract_price, in_words

#: Services whose use a Compute Savings Plan pays for.
COVERED = ("ec2", "fargate", "lambda")
PAYMENTS = ("no-upfront", "partial-upfront", "all-upfront")
HOURS_PER_YEAR = 8_760
_CONTRACTS = tuple(
    f"{kind}-{years}y-{paid}"
    for kind in ("reserved", "compute-plan", "instance-plan") for years in (1, 3) for paid in PAYMENTS
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """One line under a plan: what each hour of a day uses of it, its price there and on demand."""

    line: Line
    price: Price
    on_demand: float

    @property
    def share(self) -> float:
        """What is left of the price on demand."""
        return self.price.usd / self.on_demand


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A plan, how it is paid for, and the uses that it would pay for, those that save most first."""

    kind: str
    years: int
    payment: str
    uses: tuple[Use, ...]
    family: str = ""

    def saved(self, commitment: float) -> float:
        """US dollars in a month that a commitment of so many dollars an hour saves; less than 0 where it loses."""
        spent = sum(self._bought(hour, commitment) - commitment for hour in range(24))
        return spent * HOURS_PER_MONTH / 24

    def _bought(self, hour: int, commitment: float) -> float:
        """What the commitment pays for in one hour, in dollars on demand."""
        left, worth = commitment, 0.0
        for use in self.uses:
            paid = min(left, use.line.hours[hour] * use.price.usd)
            worth, left = worth + paid / use.share, left - paid
        return worth

    def best(self) -> float:
        """The commitment that saves most, dollars an hour; the least of several that save the same."""
        sums = {total for hour in range(24) for total in self._sums(hour)}
        return max(sorted(sums), key=lambda each: round(self.saved(each), 6), default=0.0)

    def _sums(self, hour: int) -> Iterable[float]:
        return accumulate(use.line.hours[hour] * use.price.usd for use in self.uses)

    def break_even(self, commitment: float) -> float:
        """The share of the commitment that has to be used for it to save anything."""
        fullest = max(range(24), key=lambda hour: self._bought(hour, commitment))
        return commitment / self._bought(fullest, commitment)


def plans(lines: Sequence[Line], book: PriceBook, region: str) -> Iterator[Offer]:
    """For each kind of plan and each term the way to pay that saves most, where the book has its prices."""
    families = sorted({_family(line) for line in lines if line.key[0] == "ec2" and line.key[2] == "on-demand"})
    for kind, family in (("compute-plan", ""), *(("instance-plan", each) for each in families)):
        for years in (1, 3):
            offers = [_offer(_plan(lines, book, region, kind, family, years, each)) for each in PAYMENTS]
            known = [each for each in offers if each is not None]
            if known:
                yield min(known, key=lambda each: each.usd_after - each.usd_before)


def _plan(
    lines: Sequence[Line], book: PriceBook, region: str, kind: str, family: str, years: int, payment: str
) -> Plan:
    meant = [line for line in lines if line.hours and line.quantity > 0 and line.key[0] in COVERED]
    if family:
        meant = [line for line in meant if line.key[0] == "ec2" and _family(line) == family]
    found = [(line, contract_price(line, f"{kind}-{years}y-{payment}", book, region)) for line in meant]
    uses = [
        Use(line=line, price=price, on_demand=line.usd / line.quantity)
        for line, price in found
        if price is not None and price.usd < line.usd / line.quantity
    ]
    uses.sort(key=lambda use: (use.share, use.price.usd, use.line.part, use.line.item))
    return Plan(kind=kind, years=years, payment=payment, uses=tuple(uses), family=family)


def _family(line: Line) -> str:
    return line.key[1].partition(".")[0]


def _offer(plan: Plan) -> Offer | None:
    commitment = plan.best()
    if not commitment or plan.saved(commitment) <= 0:
        return None
    lines = [use.line for use in plan.uses]
    before = sum(line.usd for line in lines)
    covered = ", ".join(dict.fromkeys(f"{use.line.part} {use.line.item}" for use in plan.uses))
    term = in_words(plan.years)
    at_once = plan.payment.partition("-")[0]
    name = f"EC2 Instance Savings Plan for {plan.family}" if plan.family else "Compute Savings Plan"
    return Offer(
        name=f"{name} for {term}, {at_once} upfront", part=lines[0].part if len(lines) == 1 else "the account",
        usd_before=before, usd_after=before - plan.saved(commitment),
        because=f"${commitment:.4f} an hour buy {covered} at {_shares(plan)} of the price on demand",
        gives_up=_given_up(plan, commitment),
        break_even=f"pays while more than {plan.break_even(commitment):.0%} of the commitment is used",
        undone_by=_undone_by(plan),
        basis=worst(basis for use in plan.uses for basis in (use.price.basis, use.line.basis)),
        as_of=oldest(day for use in plan.uses for day in (use.price.as_of, use.line.as_of)),
    )  # fmt: skip


def _shares(plan: Plan) -> str:
    least, most = plan.uses[0].share, plan.uses[-1].share
    return f"{least:.0%}" if f"{least:.0%}" == f"{most:.0%}" else f"{least:.0%} to {most:.0%}"


def _given_up(plan: Plan, commitment: float) -> str:
    """Partial: half of the whole is paid at once (AWS, "Savings Plans types", payment options)."""
    whole = commitment * HOURS_PER_YEAR * plan.years
    at_once = {"all-upfront": whole, "partial-upfront": whole / 2}.get(plan.payment, 0.0)
    paid = f", ${at_once:,.0f} of it at once" if at_once else ""
    return f"${whole:,.0f} over {in_words(plan.years)}{paid}, used or not"


def _undone_by(plan: Plan) -> str:
    if not plan.family:
        return "less use than it commits to, Spot, or leaving AWS; another family, region or rung does not"
    return f"less use than it commits to, a family beside {plan.family}, another region, or tasks and functions"


def unpriced(lines: Sequence[Line], book: PriceBook, region: str) -> tuple[str, ...]:
    """What contracts would make cheaper and has no such price in the book: `fargate arm64`, `db.t4g.small`."""
    meant = [line for line in lines if line.key[0] in (*RESERVABLE, *COVERED)]
    always = [line for line in meant if line.hours and min(line.hours) > 0]
    without = (
        line.key for line in always if not any(contract_price(line, each, book, region) for each in _CONTRACTS)
    )
    return tuple(sorted({usage if "." in usage else f"{service} {mode}" for service, usage, mode in without}))
