"""The same question for each part: what else it could be, what that costs in all, when it would be right. Pure.

An alternative is the recommended design with one part changed, priced and weighed again. Its dollars hold the
bill, people's time and what outages and spikes lose, so that a cheaper part that fails more often is not cheaper.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

from rung.advise.comparing import Comparison
from rung.advise.lean import trimmed
from rung.advise.scaling import with_brokers
from rung.advise.tenancy import tenancy_choices
from rung.advise.weighing import Option, weigh
from rung.errors import ModelError
from rung.model.graph import Graph
from rung.parts.compute import Host, HostGroup
from rung.parts.data import AuroraCluster, CacheGroup, PostgresInstance
from rung.parts.design import Design
from rung.parts.edge import Firewall, LoadBalancer
from rung.parts.messaging import SqsQueue
from rung.parts.network import Network
from rung.price.assumptions import Assumptions
from rung.price.bill import bill
from rung.price.book import PriceError
from rung.price.savings import changes
from rung.rungs import place

#: Which question an alternative of `rung estimate --savings` belongs to, by the kind of the part that it changes.
_QUESTIONS = {
    "ecs_service": "compute", "ecs_job": "compute", "host": "compute", "host_group": "compute",
    "kubernetes_service": "compute", "lambda_function": "compute", "node_pool": "compute",
    "eks_cluster": "compute", "cluster": "compute", "aurora_cluster": "database",
    "postgres_instance": "database", "table": "database", "cache_group": "cache", "network": "way out (NAT)",
    "firewall": "firewall (WAF)", "load_balancer": "load balancer", "http_api": "load balancer",
    "sqs_queue": "queue",
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Alternative:
    """What a part could be instead: dollars a month against what it is (negative: less), and what is given up.

    `total_usd` holds people's time and expected losses too. `breaks` names the limit that forbids it, `when` what
    would make it right, `line` what the workload file would say.
    """

    name: str
    bill_usd: float
    total_usd: float
    gives_up: str
    breaks: str = ""
    when: str = ""
    line: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One part as it is: the question it answers, dollars a month on the bill, why, and the alternatives."""

    question: str
    part: str
    chosen: str
    bill_usd: float
    because: str
    alternatives: tuple[Alternative, ...]

    @property
    def best(self) -> Alternative | None:
        """The allowed alternative that is cheapest in all, when there is one."""
        allowed = [each for each in self.alternatives if not each.breaks]
        return min(allowed, key=lambda each: each.total_usd, default=None)


def choices_of(comparison: Comparison, best: Option) -> tuple[Choice, ...]:
    """Every part worth a question, the dearest first."""
    assert best.design is not None
    assert best.bill is not None
    found: dict[str, list[Alternative]] = {}
    for part, alternative in (*_from_savings(comparison, best), *_ours(comparison, best)):
        found.setdefault(part, []).append(alternative)
    costs: dict[str, float] = {}
    for line in best.bill.lines:
        costs[line.part] = costs.get(line.part, 0.0) + line.usd
    choices = [
        Choice(
            question=_QUESTIONS[part.kind], part=part.name, chosen=described(part),
            bill_usd=costs.get(part.name, 0.0), because=part.why,
            alternatives=tuple(sorted(found[part.name], key=lambda each: each.total_usd)),
        )
        for part in best.design.parts if part.name in found and part.kind in _QUESTIONS
    ]  # fmt: skip
    asked = (*choices, *tenancy_choices(comparison, best))
    return tuple(sorted(asked, key=lambda choice: (-choice.bill_usd, choice.part)))


def described(part: object) -> str:
    """A part in the few words that tell it from its alternatives."""
    match part:
        case AuroraCluster():
            copies = f", {part.readers} reader{'s' if part.readers > 1 else ''}" if part.readers else ""
            return f"Aurora Serverless v2, {part.min_acu:g} to {part.max_acu:g} ACU{copies}"
        case PostgresInstance():
            return f"RDS {part.instance_class}, {'two zones' if part.multi_zone else 'one zone'}"
        case CacheGroup():
            return f"Valkey, {part.nodes} x {part.node_type}"
        case Network():
            ways = {"none": "no NAT", "instance": "a NAT instance", "single": "one NAT gateway",
                    "per_zone": f"a NAT gateway in each of {part.zones} zones"}  # fmt: skip
            return f"{ways[part.nat]}, {len(part.interface_endpoints)} interface endpoints"
        case HostGroup():
            return f"{part.min_hosts} to {part.max_hosts} x {part.instance_type}"
        case Host():
            return part.instance_type
        case SqsQueue():
            return "SQS"
        case Firewall():
            return f"WAF with {len(part.managed_groups)} managed groups"
        case LoadBalancer():
            return "an application load balancer"
        case _:
            return str(getattr(part, "kind", "")).replace("_", " ")


def _from_savings(comparison: Comparison, best: Option) -> Iterator[tuple[str, Alternative]]:
    assert best.design is not None
    names = set(best.design.by_name)
    for change in changes(best.design):
        if change.part in names:
            weighed = _weighed(comparison, change.changed, comparison.graph, comparison.assumptions)
            if weighed is not None:
                yield change.part, alternative(best, weighed, change.name, change.gives_up)


def _ours(comparison: Comparison, best: Option) -> Iterator[tuple[str, Alternative]]:
    assert best.design is not None
    for part in best.design.parts:
        match part:
            case Firewall():
                yield from _without_firewall(comparison, best, part)
            case CacheGroup():
                yield from _without_cache(comparison, best, part)
            case Network() if part.existing is None and part.nat in ("none", "single"):
                yield from _other_way_out(comparison, best, part)
            case PostgresInstance() if not part.multi_zone:
                changed = _with(best.design, replace(part, multi_zone=True))
                line = f'sizes={{"{part.name}": {{"multi_zone": True}}}}'
                yield from _one(comparison, best, changed, part.name, "a standby in another zone", "nothing", line)
            case AuroraCluster():
                yield from _instance_instead(comparison, best, part)
            case LoadBalancer():
                yield from _api_instead(comparison, best, part)
            case _:
                continue
    yield from _queues_in_postgres(comparison, best)


def _without_firewall(comparison: Comparison, best: Option, part: Firewall) -> Iterator[tuple[str, Alternative]]:
    assert best.design is not None
    parts = tuple(each for each in best.design.parts if each.name != part.name)
    weighed = _weighed(comparison, replace(best.design, parts=parts), comparison.graph, comparison.assumptions)
    if weighed is not None:
        saved = best.total_usd - weighed.total_usd
        hour = best.downtime_hour_usd
        when = (
            f"the firewall pays when it prevents {saved / hour * 60:,.0f} minutes of outage a month"
            if hour
            else ""
        )
        found = alternative(best, weighed, "no firewall", "known attacks and floods reach the services")
        # What it prevents is not known, so that dropping it is never recommended: the reader gets the number.
        yield (
            part.name,
            replace(found, when=when, breaks="what it prevents is not on the bill", line="firewall=False"),
        )


def _without_cache(comparison: Comparison, best: Option, part: CacheGroup) -> Iterator[tuple[str, Alternative]]:
    assert best.design is not None
    users = len(comparison.graph.edges_to(part.node))
    parts = tuple(each for each in best.design.parts if each.name != part.name)
    uncached = replace(comparison.assumptions, database_share=1.0)
    weighed = _weighed(comparison, replace(best.design, parts=parts), comparison.graph, uncached)
    if weighed is not None:
        gives_up = f"every request reaches the database; {users} processes keep sessions and limits elsewhere"
        yield part.name, alternative(best, weighed, "no cache", gives_up)


def _other_way_out(comparison: Comparison, best: Option, part: Network) -> Iterator[tuple[str, Alternative]]:
    assert best.design is not None
    if part.nat == "none" and part.interface_endpoints:
        changed = replace(part, nat="single", interface_endpoints=())
        name, gives_up, line = "one NAT gateway, no endpoints", "a network that nothing can leave", 'nat="single"'
    elif part.nat == "single":
        changed = replace(part, nat="per_zone")
        name, gives_up, line = "a NAT gateway in each zone", "nothing", 'nat="per_zone"'
    else:
        return
    yield from _one(comparison, best, _with(best.design, changed), part.name, name, gives_up, line)


def _instance_instead(
    comparison: Comparison, best: Option, part: AuroraCluster
) -> Iterator[tuple[str, Alternative]]:
    """RDS of the size that the rung host would take for the same database."""
    assert best.design is not None
    try:
        there = place(comparison.graph, comparison.environment, rung="host").of(PostgresInstance)
    except ModelError:
        return
    for instance in there:
        if instance.node == part.node:
            changed = _with(best.design, replace(instance, name=part.name, multi_zone=part.readers > 0))
            gives_up = "a size that follows the day: it is paid for at night as for the peak"
            yield from _one(comparison, best, changed, part.name, described(instance), gives_up, "")


def _api_instead(comparison: Comparison, best: Option, part: LoadBalancer) -> Iterator[tuple[str, Alternative]]:
    """API Gateway in its place, by its price for a million requests."""
    assert best.bill is not None
    assert best.design is not None
    try:
        tariff = comparison.book.tariff("api-gateway", "http-requests", mode="", region=best.design.region)
    except PriceError:
        return
    requests = best.bill.usage.requests.value / 1e6
    there = sum(line.usd for line in best.bill.lines if line.part == part.name)
    difference = tariff.charge(requests) - there
    each = tariff.first.usd
    when = f"below {there / each:,.1f} million requests a month" if each else ""
    found = Alternative(
        name="an HTTP API of API Gateway", bill_usd=difference, total_usd=difference, when=when,
        gives_up="requests longer than 30 s and larger than 10 MB, and a network link to the services",
        breaks="the rung serverless has it; here it needs a link of its own",
    )  # fmt: skip
    yield part.name, found


def _queues_in_postgres(comparison: Comparison, best: Option) -> Iterator[tuple[str, Alternative]]:
    assert best.design is not None
    queues = best.design.of(SqsQueue)
    graph = with_brokers(comparison.graph, "postgres")
    if not queues or graph is comparison.graph:
        return
    try:
        design = place(graph, comparison.environment, rung=best.rung)
    except ModelError as error:
        limit = error.findings[0].message
        found = Alternative(name="a table in Postgres", bill_usd=0.0, total_usd=0.0, gives_up="", breaks=limit)
        yield queues[0].name, found
        return
    design = trimmed(design, best.trims)
    weighed = _weighed(comparison, design, graph, comparison.assumptions)
    if weighed is not None:
        gives_up = (
            "queues outlive the database's failovers on SQS; in Postgres they share its connections and its disk"
        )
        yield queues[0].name, alternative(best, weighed, "a table in Postgres", gives_up, 'broker="postgres"')


def _one(
    comparison: Comparison, best: Option, changed: Design, part: str, name: str, gives_up: str, line: str
) -> Iterator[tuple[str, Alternative]]:
    weighed = _weighed(comparison, changed, comparison.graph, comparison.assumptions)
    if weighed is not None:
        yield part, alternative(best, weighed, name, gives_up, line)


def alternative(best: Option, weighed: Option, name: str, gives_up: str, line: str = "") -> Alternative:
    """The difference between the recommended design and the same with one part changed."""
    kept = {limit.kind for limit in best.limits}
    broken = next((limit.text for limit in weighed.limits if limit.kind not in kept), "")
    difference = weighed.total_usd - best.total_usd
    return Alternative(
        name=name, bill_usd=weighed.bill_usd - best.bill_usd, total_usd=difference, gives_up=gives_up,
        breaks=broken, when=_when(best, weighed, difference), line=line,
    )  # fmt: skip


def _when(best: Option, weighed: Option, difference: float) -> str:
    """What an hour of outage would have to cost for both to be level, where outages are what divides them."""
    hours = sum(each.hours_a_month for each in weighed.outages) - sum(each.hours_a_month for each in best.outages)
    rest = difference - hours * best.downtime_hour_usd
    if abs(hours) < 1e-6 or rest * hours >= 0:
        return ""
    level = -rest / hours
    direction = "below" if hours > 0 else "above"
    return f"{direction} ${level:,.0f} for an hour of outage" if math.isfinite(level) else ""


def _with(design: Design, part: Network | PostgresInstance) -> Design:
    return replace(design, parts=tuple(part if each.name == part.name else each for each in design.parts))


def _weighed(comparison: Comparison, design: Design, graph: Graph, assumptions: Assumptions) -> Option | None:
    try:
        written = bill(design, graph, comparison.book, assumptions)
    except PriceError:
        return None
    return weigh(graph, design, written, comparison.situation(), assumptions, comparison.judgement)
