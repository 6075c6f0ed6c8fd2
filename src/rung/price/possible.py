"""What cannot be billed, found before anything is priced: each finding says what is possible. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterator

from rung.errors import Finding
from rung.model.graph import Graph
from rung.model.nodes import Business, Traffic
from rung.near import nearest, suggestion
from rung.parts.compute import Host, HostGroup
from rung.parts.data import CacheGroup, PostgresInstance
from rung.parts.design import Design, Part
from rung.parts.messaging import RabbitBroker, RedisBroker
from rung.price.book import PriceBook

#: Requests a second of one workload; more is a slip of the unit.
MOST_REQUESTS = 1e7
#: Types that are named where one is unknown.
_NAMED = 12


def impossible_in(design: Design, graph: Graph, book: PriceBook) -> Iterator[Finding]:
    """R1108 for a region without prices, R1109 for instance types that are not in the book, R1110 for traffic."""
    if design.region not in book.regions:
        yield _region(design, book)
    else:
        for part in design.parts:
            yield from _types(part, design, book)
    for traffic in graph.of(Traffic):
        yield from _traffic(traffic, graph)


def without_budget(graph: Graph, total: float) -> Iterator[Finding]:
    """R1111 for a budget of nothing: the least this design costs is said."""
    for business in graph.of(Business):
        budget = business.monthly_budget_usd
        if budget is not None and not 0 < budget < math.inf:
            yield Finding(
                code="R1111", severity="error", message="the budget allows nothing",
                location=graph.locations.get(business.name), found=f"monthly_budget_usd={budget:g}",
                effect="every design is over it, and no advice can come from it",
                help=f"this design costs ${total:,.0f} a month; leave the budget out where there is none",
            )  # fmt: skip


def _region(design: Design, book: PriceBook) -> Finding:
    near = suggestion(design.region, book.regions)
    return Finding(
        code="R1108", severity="error", message=f"the price book has no prices for the region {design.region}",
        location=design.location(design.environment), found=f"prices of {', '.join(book.regions)}{near}",
        effect="another region's prices would be wrong by nothing for one line and by a quarter for the next",
        help=f"rung prices update --region {design.region}, or estimate in one of those regions",
    )  # fmt: skip


def _types(part: Part, design: Design, book: PriceBook) -> Iterator[Finding]:
    named = _type_of(part)
    if named is None:
        return
    service, wanted, mode = named
    known = book.types_of(service, mode, design.region)
    if wanted in known:
        return
    family = wanted.rpartition(".")[0]
    alike = [each for each in known if each.rpartition(".")[0] == family]
    near = nearest(wanted, known)
    shown = ", ".join((alike or known)[:_NAMED])
    yield Finding(
        code="R1109", severity="error", message=f'no price for the instance type "{wanted}" of "{part.name}"',
        location=design.location(part.node) or design.location(design.environment),
        found=f"the book has no {wanted} ({mode}) in {design.region}" + (f'; nearest is "{near}"' if near else ""),
        effect="the part cannot be priced", help=f"one of {shown}; or rung prices update --region {design.region}",
    )  # fmt: skip


def _type_of(part: Part) -> tuple[str, str, str] | None:
    match part:
        case Host() | HostGroup():
            return "ec2", part.instance_type, "on-demand"
        case PostgresInstance() if part.existing is None:
            return "rds-postgresql", part.instance_class, "multi-az" if part.multi_zone else "single-az"
        case RabbitBroker():
            return "amazon-mq", part.instance_type, "rabbitmq"
        case RedisBroker():
            return "elasticache", part.node_type, "valkey"
        case CacheGroup() if part.existing is None:
            return "elasticache", part.node_type, "valkey"
        case _:
            return None


def _traffic(traffic: Traffic, graph: Graph) -> Iterator[Finding]:
    rate = traffic.requests_per_second() * traffic.peak
    reasons = []
    if not 0 <= rate <= MOST_REQUESTS:
        people = f"{traffic.concurrent_users:,} people, one request in {traffic.think_time_seconds:g} s each"
        reasons.append(f"{people}, {traffic.peak:g} times that at a spike: {rate:g} requests a second")
    if not 0 <= traffic.reads <= 1:
        reasons.append(f"reads={traffic.reads:g}")
    for reason in reasons:
        yield Finding(
            code="R1110", severity="error", message="nobody can be billed for this traffic",
            location=graph.locations.get(traffic.name), found=reason,
            effect="every quantity follows from it",
            help=f"0 to {MOST_REQUESTS:,.0f} requests a second, a think time above 0, reads from 0 to 1",
        )  # fmt: skip
