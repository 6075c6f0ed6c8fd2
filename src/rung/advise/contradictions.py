"""What cannot hold together: promises, money, traffic, laws. Findings R13xx, each with what is possible. Pure."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator

from rung.advise.facts import Situation
from rung.advise.outages import best_promise, minutes_allowed
from rung.advise.weighing import Option, percent
from rung.errors import Finding
from rung.model.graph import Graph
from rung.model.nodes import Environment


def contradictions_of(
    graph: Graph, environment: str, situation: Situation, options: tuple[Option, ...]
) -> tuple[Finding, ...]:
    """Every contradiction, errors first. `options` from the best to the worst."""
    found = (
        *_nothing_holds_it(graph, options),
        *_promise(graph, situation, options),
        *_own_rung(graph, environment, options),
        *_traffic(graph),
        *_budget(graph, situation, options),
        *_hours(graph, situation, options),
        *_spikes(graph, situation, options[0]),
    )
    return tuple(sorted(found, key=lambda each: ("error", "warning", "note").index(each.severity)))


def _nothing_holds_it(graph: Graph, options: tuple[Option, ...]) -> Iterator[Finding]:
    """R1301; or what several rungs say alike, since that has nothing to do with rungs."""
    if any(option.design is not None for option in options):
        return
    said = Counter((each.code, each.message) for option in options for each in set(option.refusals))
    alike = {key for key, rungs in said.items() if rungs > 1}
    if alike:
        found = {(each.code, each.message): each for option in options for each in option.refusals}
        yield from (finding for key, finding in found.items() if key in alike)
        return
    yield Finding(
        code="R1301",
        severity="error",
        message="no rung can hold this workload",
        location=graph.location("@workload"),
        found="; ".join(f"{option.rung}: {option.limits[0].text}" for option in options),
        effect="there is nothing to compare",
        help="mend what the rungs refuse: rung check, then rung estimate --rung RUNG shows every finding of one",
    )


def _promise(graph: Graph, situation: Situation, options: tuple[Option, ...]) -> Iterator[Finding]:
    """R1302: an availability that no rung can promise."""
    placed = [option for option in options if option.outages]
    promised = situation.availability
    if promised is None or not placed:
        return
    best = max(placed, key=lambda option: best_promise(option.outages))
    most = best_promise(best.outages)
    if promised > most:
        yield Finding(
            code="R1302",
            severity="error",
            message=f"no rung can promise {percent(promised)}",
            location=graph.location("@objectives"),
            found=f"{percent(promised)} allow {minutes_allowed(promised):.1f} min in a month; the most that "
            f"can be kept is {percent(most)}, on {best.rung}",
            effect="the first bad release breaks the promise",
            help=f'promise availability="{math.floor(most * 1e4) / 1e2:g}%" or less, or plan a second region',
        )


def _own_rung(graph: Graph, environment: str, options: tuple[Option, ...]) -> Iterator[Finding]:
    """R1303: the rung that the environment names breaks what the workload promises."""
    node = next((each for each in graph.of(Environment) if each.name == environment), None)
    chosen = next((each for each in options if node is not None and each.rung == node.rung), None)
    if node is None or chosen is None:
        return
    broken = [limit for limit in chosen.limits if limit.kind in ("promise", "compliance", "load", "speed")]
    if broken:
        yield Finding(
            code="R1303",
            severity="error",
            message=f'"{environment}" is on the rung {chosen.rung}, which cannot keep what is promised',
            location=graph.location(environment),
            found="; ".join(limit.text for limit in broken),
            effect="the promise is broken by an ordinary event",
            help=f'set rung="{options[0].rung}", or promise less',
        )


def _traffic(graph: Graph) -> Iterator[Finding]:
    """R1305: nothing to advise on. Traffic that nobody has is refused by the bill (R1110)."""
    if graph.traffic is not None:
        return
    yield Finding(
        code="R1305",
        severity="warning",
        message="there is no traffic to advise on",
        location=graph.location("@workload"),
        found="no traffic(...) in the workload",
        effect="rungs are compared as they stand idle: what grows with visitors is left out",
        help=f'add {graph.name}.traffic(Traffic(concurrent_users=100, think_time="10s"))',
    )


def _budget(graph: Graph, situation: Situation, options: tuple[Option, ...]) -> Iterator[Finding]:
    """R1306: a budget that no rung meets."""
    placed = [option for option in options if option.design is not None]
    budget = situation.budget_usd
    if budget is None or not placed:
        return
    least = min(placed, key=lambda option: option.bill_usd)
    if least.bill_usd > budget:
        yield Finding(
            code="R1306",
            severity="warning",
            message="no rung fits the budget",
            location=graph.location("@business"),
            found=f"${budget:,.0f} a month; the least is ${least.bill_usd:,.0f}, on {least.rung}",
            effect="the budget is left aside, and the rungs are compared without it",
            help=f"plan ${math.ceil(least.bill_usd):,} or more; rung estimate --rung {least.rung} --savings says "
            "what "
            "costs less",
        )


def _hours(graph: Graph, situation: Situation, options: tuple[Option, ...]) -> Iterator[Finding]:
    """R1307: fewer hours than any rung takes."""
    placed = [option for option in options if option.design is not None]
    available = situation.hours_available
    if available is None or not placed or not situation.production:
        return
    least = min(placed, key=lambda option: option.hours)
    if least.hours > available:
        yield Finding(
            code="R1307",
            severity="warning",
            message="nobody has the hours that any rung takes",
            location=graph.location("@business"),
            found=f"{available:g} hours a month; the least is {least.hours:.1f}, on {least.rung}",
            effect="patches, restores and alarms are left undone until something breaks",
            help="make room for it, or take parts out: every queue, service and firewall takes its share",
        )


def _spikes(graph: Graph, situation: Situation, best: Option) -> Iterator[Finding]:
    """R1308: spikes that alone use up what the promise leaves, on the rung that is recommended."""
    promised = situation.availability
    if promised is None or best.bill is None or best.lost_share <= 1 - promised:
        return
    usage = best.bill.usage
    yield Finding(
        code="R1308",
        severity="warning",
        message="the spikes alone break the promise",
        location=graph.location("@traffic"),
        found=f"{usage.assumptions.spikes_per_month:g} spikes a month of {usage.peak_rate:,.0f} requests/s lose "
        f"{best.lost_share:.2%} of all requests on {best.rung}; {percent(promised)} allow "
        f"{percent(1 - promised)}",
        effect="new copies start minutes after the first visitors have left",
        help="raise min_tasks before an announced sale, shed what is not critical, or promise less; "
        "rung forecast --spike 20:00 plays one",
    )
