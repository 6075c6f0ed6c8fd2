"""Cost optimisation: what is paid without being used, and what nobody would notice."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

from rung.model.environments import OfficeHours as Hours
from rung.model.nodes import Business
from rung.parts.compute import EcsService, OfficeHours
from rung.parts.data import AuroraCluster, BucketPart
from rung.parts.design import Part
from rung.review.advice import Found, Rule
from rung.review.cures import SetEnvironment, SetField, SizePart, State
from rung.review.subject import Subject

#: Below this a change is not worth the reading, US dollars in a month.
WORTH_READING_USD = 10.0
#: A month at full size may cost this many budgets before somebody must have agreed to it.
MOST_BUDGETS = 3.0


def over_budget(subject: Subject) -> Iterator[Found]:
    """R1471: a design that costs more than there is."""
    business = subject.graph.business
    if business is None or not business.monthly_budget_usd or not subject.production:
        return
    total = subject.total_dollars
    if total > business.monthly_budget_usd:
        nodes: dict[str, float] = {}
        for part in subject.design.parts:
            nodes[part.node] = nodes.get(part.node, 0.0) + subject.costs[part.name]
        dearest = sorted(nodes.items(), key=lambda item: -item[1])[:3]
        shown = ", ".join(f"{'platform' if name == '@workload' else name} ${usd:,.0f}" for name, usd in dearest)
        larger = math.ceil(total * 1.1 / 100) * 100.0
        yield Found(
            node="@business", message="the design costs more than its budget",
            evidence=f"${total:,.0f} a month for a budget of ${business.monthly_budget_usd:,.0f}; {shown}",
            changes=(
                State(
                    fact=_business(business, monthly_budget_usd=larger),
                    text=f"Business(monthly_budget_usd={larger:,.0f}, ...)".replace(",", "_", 1)
                    if larger >= 1_000 else f"Business(monthly_budget_usd={larger:.0f}, ...)",
                ),
            ),
            note="but look for a smaller design first: rung estimate --savings, and --compare for other rungs",
        )  # fmt: skip


def no_budget(subject: Subject) -> Iterator[Found]:
    """R1472: a bill that nobody is told about."""
    business = subject.graph.business
    if subject.production and (business is None or not business.monthly_budget_usd):
        budget = max(20.0, math.ceil(subject.total_dollars * 1.3 / 10) * 10.0)
        yield Found(
            node="@workload", message="nobody is told when it costs too much",
            evidence=f"no monthly_budget_usd, so no budget alarm; a month is about ${subject.total_dollars:,.0f}",
            changes=(
                State(
                    fact=_business(business or Business(), monthly_budget_usd=budget),
                    text=f"Business(monthly_budget_usd={budget:.0f})",
                ),
            ),
        )  # fmt: skip


def unbounded(subject: Subject) -> Iterator[Found]:
    """R1473: what it costs when everything runs at its most for a month."""
    business = subject.graph.business
    if business is None or not business.monthly_budget_usd or not subject.production:
        return
    extra = {
        part.name: _at_its_most(subject, part)
        for part in subject.design.parts
        if isinstance(part, EcsService | AuroraCluster)
    }
    whole, budget = subject.total_dollars + sum(extra.values()), business.monthly_budget_usd
    if subject.total_dollars > budget or whole <= budget * MOST_BUDGETS:
        return
    name = max(extra, key=lambda each: extra[each])
    part = subject.design.part(name)
    assert isinstance(part, EcsService | AuroraCluster)
    spare = max(0.0, budget * MOST_BUDGETS - (whole - extra[name]))
    field, value = _bounded(part, spare / extra[name])
    yield Found(
        node=part.node, message=f'"{name}" can spend {extra[name] / budget:.1f} budgets in a month',
        evidence=f"${whole:,.0f} with everything at its most, ${subject.total_dollars:,.0f} as usual, a budget of "
        f"${budget:,.0f}; {field}={getattr(part, field):g} alone is ${extra[name]:,.0f}",
        changes=(SizePart(part=name, field=field, value=value),),
        note="or a larger budget that somebody has agreed to",
    )  # fmt: skip


def _at_its_most(subject: Subject, part: EcsService | AuroraCluster) -> float:
    full: Part
    if isinstance(part, EcsService):
        full = replace(part, min_tasks=part.max_tasks, on_demand_base=part.max_tasks)
    else:
        full = replace(part, min_acu=part.max_acu)
    return max(0.0, subject.monthly_dollars(full) - subject.costs[part.name])


def _bounded(part: EcsService | AuroraCluster, share: float) -> tuple[str, float]:
    """The field that bounds it, and a value that spends `share` of the difference."""
    if isinstance(part, EcsService):
        return "max_tasks", max(
            part.min_tasks, math.floor(part.min_tasks + (part.max_tasks - part.min_tasks) * share)
        )
    wanted = part.min_acu + (part.max_acu - part.min_acu) * share
    return "max_acu", max(1.0, part.min_acu, math.floor(wanted * 2) / 2)


def runs_at_night(subject: Subject) -> Iterator[Found]:
    """R1474: a copy that runs while everybody sleeps."""
    design = subject.design
    if subject.production or design.of(OfficeHours) or design.rung != "fargate":
        return
    stoppable = [part for part in design.parts if isinstance(part, EcsService | AuroraCluster)]
    spent = sum(subject.costs[part.name] for part in stoppable)
    if spent > WORTH_READING_USD:
        name = design.environment
        yield Found(
            node=name if name in subject.graph.by_name else "@workload",
            message=f'"{name}" runs at night and on weekends',
            evidence=f"168 hours a week; tasks and databases cost ${spent:,.0f} a month, and people work 65 hours",
            changes=(SetEnvironment(field="office_hours", value=Hours(), text="office_hours=OfficeHours()"),),
        )  # fmt: skip


def gateway_for_a_copy(subject: Subject) -> Iterator[Found]:
    """R1475: a copy with a way out as for customers."""
    network = subject.network
    if network is not None and not subject.production and network.nat in ("single", "per_zone"):
        count = network.zones if network.nat == "per_zone" else 1
        name = subject.design.environment
        yield Found(
            node=name if name in subject.graph.by_name else "@workload",
            message="a copy pays for managed gateways",
            evidence=f'nat="{network.nat}": {count} gateway{"" if count == 1 else "s"} by the hour, in an '
            f"environment that may lose its way out for some minutes",
            changes=(SetEnvironment(field="nat", value="instance"),),
        )  # fmt: skip


def endpoints_beside_gateways(subject: Subject) -> Iterator[Found]:
    """R1476: endpoints whose traffic is too little to pay for them, beside gateways that could carry it."""
    network = subject.network
    if network is None or not network.interface_endpoints or network.nat not in ("single", "per_zone"):
        return
    less = subject.costs[network.name] - subject.monthly_dollars(replace(network, interface_endpoints=()))
    share = less / subject.total_dollars if subject.total_dollars else 0.0
    if less > WORTH_READING_USD * 2 and share > 0.15:
        yield Found(
            node="@workload", message="endpoints carry too little to pay for themselves",
            evidence=f"{len(network.interface_endpoints)} endpoints in {network.zones} zones are ${less:,.0f}, "
            f'{share:.0%} of the month, beside nat="{network.nat}", which is paid anyway',
            changes=(SizePart(part=network.name, field="interface_endpoints", value=()),),
            note="calls to AWS then leave the network; endpoints pay from some 210 GB a month and zone",
        )  # fmt: skip


def grows_for_ever(subject: Subject) -> Iterator[Found]:
    """R1477: objects that nobody will ever delete."""
    for part in subject.design.of(BucketPart):
        if part.purpose != "objects" or part.existing is not None or not subject.production:
            continue
        if part.archive_days is None and part.expire_days is None:
            yield Found(
                node=part.node, message=f'"{part.name}" grows for ever',
                evidence="neither archive_days nor expire_days: "
                + ("every version of every object" if part.versioned else "every object")
                + " stays in the dearest class",
                changes=(SetField(node=part.node, field="archive_days", value=90),),
            )  # fmt: skip


def _business(business: Business, **changes: float) -> Business:
    known: dict[str, object] = {
        name: getattr(business, name) for name in business.__slots__ if name not in ("kind", "name")
    }
    return Business(**{**known, **changes})  # type: ignore[arg-type]


RULES = (
    Rule(
        code="R1471", pillar="cost", title="the design costs more than its budget", likelihood="often",
        harm="serious", find=over_budget, taxonomy="runaway cost",
        effect="the budget alarm rings every month and is soon muted, and then it cannot tell a real surprise",
    ),
    Rule(
        code="R1472", pillar="cost", title="nobody is told when it costs too much", likelihood="sometimes",
        harm="serious", find=no_budget, taxonomy="runaway cost",
        effect="a loop, an attack or a forgotten machine is noticed with the invoice, five weeks later",
    ),
    Rule(
        code="R1473", pillar="cost", title="a part can spend several budgets", likelihood="seldom",
        harm="severe", find=unbounded, taxonomy="runaway cost",
        effect="an attack or a retry loop drives it to its most, and it stays there until somebody looks",
    ),
    Rule(
        code="R1474", pillar="cost", title="a copy runs at night", likelihood="often", harm="slight",
        find=runs_at_night, effect="six hours of ten are paid for nobody",
    ),
    Rule(
        code="R1475", pillar="cost", title="a copy pays for managed gateways", likelihood="often", harm="slight",
        find=gateway_for_a_copy, effect="gateways cost the same whether anybody works on the copy or not",
    ),
    Rule(
        code="R1476", pillar="cost", title="endpoints carry too little to pay for themselves",
        likelihood="often", harm="slight", find=endpoints_beside_gateways,
        effect="each is paid by the hour and zone, with or without traffic",
    ),
    Rule(
        code="R1477", pillar="cost", title="a bucket grows for ever", likelihood="often", harm="slight",
        find=grows_for_ever, effect="the oldest files, which nobody opens, become the largest line of the bill",
    ),
)  # fmt: skip
