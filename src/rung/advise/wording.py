"""The sentences that text, Markdown and HTML share. Pure."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rung.advise.advice import Advised, Rejected
    from rung.advise.steadiness import Steadiness
    from rung.advise.triggers import Trigger


def title(advised: Advised) -> str:
    """The answer in a sentence or two."""
    best, situation = advised.recommended, advised.situation
    bill = f"{dollars(best.bill_usd)} a month on the bill, {best.hours:.1f} hours of people"
    share = ""
    if situation.revenue_usd and situation.production:
        share = f", {best.bill_usd / situation.revenue_usd:.1%} of the revenue"
    text = f"{advised.workload} {advised.environment} has earned **{best.rung}**: {bill}{share}."
    if not advised.steadiness.steady:
        steadiness = advised.steadiness
        text += f" It is a toss-up with {steadiness.rival}: {steadiness.when} {_verb(steadiness)}."
    if not best.possible:
        text += (
            " No rung keeps every limit; this one breaks: " + "; ".join(limit.text for limit in best.limits) + "."
        )
    return text


def _verb(steadiness: Steadiness) -> str:
    return "would change it" if steadiness.share < 1 else "divide them"


def rejected_text(rejected: Rejected) -> str:
    """Why a rung was not recommended, and where it would be level."""
    text = rejected.because.removeprefix(f"{rejected.option.rung} ")
    level = rejected.break_even
    if level is not None and level.users is not None:
        side = "from" if level.up else "below"
        text += f"; level {side} {people(level.users)}"
    return text


def trigger_text(trigger: Trigger) -> str:
    """`up to fargate from 3,100 users, in 14 months (…)`."""
    if trigger.axis == "traffic":
        at = people(trigger.users or 0)
    else:
        at = f"{dollars(trigger.revenue_usd or 0.0)} of revenue a month"
    when = "" if trigger.months is None else f", in {trigger.months:,.0f} months at this growth"
    side = "from" if trigger.up else "below"
    return f"{side} {at}{when}: {trigger.to} ({trigger.because})"


def people(users: int) -> str:
    """A number of people at once."""
    return f"{users:,} people at once" if users != 1 else "one person at a time"


def dollars(usd: float) -> str:
    """US dollars without cents; cents below ten."""
    if not math.isfinite(usd):
        return "-"
    return f"${usd:,.0f}" if abs(usd) >= 10 or usd == 0 else f"${usd:,.2f}"
