"""What would cost less: each saving is the same design with one part changed, priced again. No percentages.

A saving says what it gives up and what would undo it, so that nobody switches the NAT off and learns later why it
was there. What the book has no price for is not offered: a guess is not a saving.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from rung.model.graph import Graph
from rung.parts.compute import EcsJob, EcsService, Host, HostGroup, OfficeHours
from rung.parts.data import AuroraCluster, CacheGroup, PostgresInstance
from rung.parts.design import Design, Part
from rung.parts.network import Network
from rung.price.assumptions import Assumptions
from rung.price.bill import Bill, bill
from rung.price.book import PriceBook, PriceError
from rung.price.charging import hours_per_week

#: Below this a change is not worth the reading, US dollars in a month.
LEAST_USD = 1.0
_X86_TWINS = {"t3": "t4g", "m7i": "m7g"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Saving:
    """One change: what the month costs before and after it, why, and what it gives up."""

    name: str
    part: str
    before_usd: float
    after_usd: float
    because: str
    gives_up: str

    @property
    def usd(self) -> float:
        """US dollars in a month."""
        return self.before_usd - self.after_usd


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A design with one part changed."""

    name: str
    part: str
    because: str
    gives_up: str
    changed: Design


def savings(
    design: Design,
    graph: Graph,
    book: PriceBook,
    assumptions: Assumptions | None = None,
    *,
    before_usd: float | None = None,
) -> tuple[Saving, ...]:
    """Every change that saves at least a dollar in a month, the largest first.

    `before_usd`: the bill's total where it is known already.
    """
    before = bill(design, graph, book, assumptions).total if before_usd is None else before_usd
    found: list[Saving] = []
    for change in changes(design):
        after = _priced(change.changed, graph, book, assumptions)
        if after is not None and before - after.total >= LEAST_USD:
            found.append(
                Saving(
                    name=change.name,
                    part=change.part,
                    before_usd=before,
                    after_usd=after.total,
                    because=change.because,
                    gives_up=change.gives_up,
                )
            )
    return tuple(sorted(found, key=lambda each: (-each.usd, each.name, each.part)))


def changes(design: Design) -> Iterator[Change]:
    """The changes that are looked at."""
    for part in design.parts:
        for find in (_graviton, _spot, _nat, _endpoints, _serverless, _one_zone, _one_node):
            yield from find(part, design)
    yield from _office_hours(design)


def _graviton(part: Part, design: Design) -> Iterator[Change]:
    because, gives_up = "the same work on ARM", "images must be built for arm64; a package without a wheel for it"
    if isinstance(part, EcsService | EcsJob) and part.architecture == "x86_64":
        yield _change("ARM tasks", part, replace(part, architecture="arm64"), design, because, gives_up)
    if isinstance(part, Host | HostGroup) and part.architecture == "x86_64":
        family, _, size = part.instance_type.partition(".")
        if family in _X86_TWINS:
            twin = replace(part, architecture="arm64", instance_type=f"{_X86_TWINS[family]}.{size}")
            yield _change("ARM machines", part, twin, design, because, gives_up)


def _spot(part: Part, design: Design) -> Iterator[Change]:
    if isinstance(part, EcsService) and part.role == "worker" and part.spot_share < 1:
        yield _change(
            "workers on Spot", part, replace(part, spot_share=1.0, on_demand_base=0), design,
            "messages wait while a task is replaced; nothing is lost",
            "two minutes' notice at any time; no tasks at all when Spot is scarce",
        )  # fmt: skip


def _nat(part: Part, design: Design) -> Iterator[Change]:
    if not isinstance(part, Network) or part.existing is not None:
        return
    if part.nat == "per_zone":
        yield _change(
            "one NAT gateway", part, replace(part, nat="single"), design,
            f"one gateway for {part.zones} zones",
            "the loss of its zone cuts every task off from the internet; traffic of the others crosses zones",
        )  # fmt: skip
    if part.nat in ("single", "per_zone"):
        yield _change(
            "a NAT instance", part, replace(part, nat="instance"), design, "a small machine forwards instead",
            "it is yours to patch, and a minute without internet when it is replaced",
        )  # fmt: skip


def _endpoints(part: Part, design: Design) -> Iterator[Change]:
    if isinstance(part, Network) and part.existing is None and part.interface_endpoints and part.nat != "none":
        yield _change(
            "no interface endpoints", part, replace(part, interface_endpoints=()), design,
            "what they carry goes through the NAT, which is paid for anyway",
            "calls to AWS leave the network; they pay again above some 210 GB in a month and zone",
        )  # fmt: skip


def _serverless(part: Part, design: Design) -> Iterator[Change]:
    if isinstance(part, AuroraCluster) and part.readers == 0:
        for size in ("micro", "small", "medium"):
            instance = PostgresInstance(
                name=part.name, node=part.node, why=part.why, version=part.version,
                instance_class=f"db.t4g.{size}", multi_zone=design.production, backup_days=part.backup_days,
                protected=part.protected, extensions=part.extensions,
            )  # fmt: skip
            yield _change(
                f"RDS db.t4g.{size}",
                part,
                instance,
                design,
                "a fixed machine instead of capacity units",
                "no growth within seconds; a failover takes one to two minutes",
            )


def _one_zone(part: Part, design: Design) -> Iterator[Change]:
    if isinstance(part, PostgresInstance) and part.multi_zone:
        yield _change(
            "database in one zone", part, replace(part, multi_zone=False), design, "no standby",
            "the loss of its machine or zone is an outage until a restore: tens of minutes",
        )  # fmt: skip


def _one_node(part: Part, design: Design) -> Iterator[Change]:
    if isinstance(part, CacheGroup) and part.nodes > 1:
        yield _change(
            "one cache node", part, replace(part, nodes=1), design, "the cache may lose what it holds",
            "a node that fails takes sessions and cached pages with it; the database takes the load",
        )  # fmt: skip


def _office_hours(design: Design) -> Iterator[Change]:
    if design.production or design.of(OfficeHours):
        return
    hours = OfficeHours(node="@workload", why="nobody works on it at night")
    yield Change(
        name="office hours", part=hours.name, because=f"{hours_per_week(hours):g} of 168 hours in a week",
        gives_up="whoever works late starts it first; load balancer and addresses are paid all the time",
        changed=replace(design, parts=(*design.parts, hours)),
    )  # fmt: skip


def _change(name: str, part: Part, changed: Part, design: Design, because: str, gives_up: str) -> Change:
    parts = tuple(changed if each.name == part.name else each for each in design.parts)
    return Change(
        name=name, part=part.name, because=because, gives_up=gives_up, changed=replace(design, parts=parts)
    )


def _priced(design: Design, graph: Graph, book: PriceBook, assumptions: Assumptions | None) -> Bill | None:
    try:
        return bill(design, graph, book, assumptions, strict=False)
    except PriceError:
        return None
