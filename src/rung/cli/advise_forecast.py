"""`rung advise --forecast`: a simulated day of the recommended rung, beside what formulas said of it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from rung.errors import UsageError

if TYPE_CHECKING:
    from rung.advise.advice import Advised
    from rung.forecast.outcome import Outcome
    from rung.model.graph import Graph

_MINUTES = 24 * 60


def day_of(graph: Graph, advised: Advised) -> Outcome:
    """A day without spikes and faults through the recommended design.

    Raises UsageError without numpy, UserError where there is nothing to forecast.
    """
    from dataclasses import fields
    from importlib.util import find_spec

    if find_spec("numpy") is None:
        raise UsageError("rung advise --forecast needs numpy: pip install 'rung[forecast]'")

    from rung.forecast.behaviour import Behaviour
    from rung.forecast.outcome import outcome_of
    from rung.forecast.simulate import simulate
    from rung.forecast.system import system_of

    design, known = advised.recommended.design, {each.name for each in fields(Behaviour)}
    assert design is not None
    given = advised.assumptions
    values = {each.name: getattr(given, each.name) for each in given.basis if each.name in known}
    behaviour = Behaviour().with_values(values, "measured", "as in the advice") if values else Behaviour()
    system = system_of(graph, design, behaviour)
    return outcome_of(system, simulate(system, behaviour, minutes=_MINUTES))


def forecast_text(outcome: Outcome) -> str:
    """The day in a sentence."""
    full = f"; full: {outcome.binds}" if outcome.binds else ""
    tails = f"p50 {_milliseconds(outcome.p50)}, p99 {_milliseconds(outcome.p99)}"
    return (
        f"a simulated day: {outcome.availability:.4%} of {outcome.offered:,} requests answered, {tails} at "
        f"{outcome.utilisation:.0%} CPU on average; objectives {'met' if outcome.met else 'not met'}{full}"
    )


def forecast_as_json(outcome: Outcome) -> dict[str, Any]:
    """The figures of the sentence."""
    return {
        "availability": outcome.availability, "offered": outcome.offered,
        "p50_seconds": None if math.isnan(outcome.p50) else outcome.p50,
        "p99_seconds": None if math.isnan(outcome.p99) else outcome.p99,
        "utilisation": outcome.utilisation, "met": outcome.met, "binds": outcome.binds,
    }  # fmt: skip


def _milliseconds(seconds: float) -> str:
    return "-" if math.isnan(seconds) else f"{seconds * 1_000:,.0f} ms"
