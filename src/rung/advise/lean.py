"""A design without copies: what a rung costs where nobody promised that a machine or a zone may be lost. Pure.

Each trim is a size that a workload file can ask for (`sizes=`), so that what is recommended is what is built. Lean
competes with the rung as it was placed: what it saves on the bill, against what its longer outages lose.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from rung.parts.compute import HostGroup
from rung.parts.data import CacheGroup, PostgresInstance
from rung.parts.design import Design, Part
from rung.parts.kubernetes import EksCluster
from rung.parts.network import Network


@dataclass(frozen=True, slots=True, kw_only=True)
class Trim:
    """One field of one part, what it was and what it is, and what that gives up."""

    part: str
    field: str
    before: object
    after: object
    gives_up: str


def lean(design: Design) -> Iterator[tuple[Design, tuple[Trim, ...]]]:
    """The design with every trim, when there is any to make. A cluster costs so much more that none matters."""
    if design.of(EksCluster):
        return
    trims = tuple(trim for part in design.parts for trim in _trims(part))
    if not trims:
        return
    yield trimmed(design, trims), trims


def trimmed(design: Design, trims: tuple[Trim, ...]) -> Design:
    """The design with trims made; those of parts that it does not have are left out."""
    changes: dict[str, dict[str, Any]] = {}
    for trim in trims:
        changes.setdefault(trim.part, {})[trim.field] = trim.after
    parts = tuple(replace(part, **changes[part.name]) if part.name in changes else part for part in design.parts)
    return replace(design, parts=parts)


def _trims(part: Part) -> Iterator[Trim]:
    match part:
        case HostGroup() if part.min_hosts > 1 and part.min_hosts <= 2:
            gives_up = "five minutes of outage whenever the one machine is replaced"
            yield Trim(part=part.name, field="min_hosts", before=part.min_hosts, after=1, gives_up=gives_up)
        case PostgresInstance() if part.multi_zone:
            gives_up = "ten minutes and more when its machine or its zone is lost"
            yield Trim(part=part.name, field="multi_zone", before=True, after=False, gives_up=gives_up)
        case CacheGroup() if part.nodes > 1:
            gives_up = "sessions and cached pages when its node is lost"
            yield Trim(part=part.name, field="nodes", before=part.nodes, after=1, gives_up=gives_up)
        case Network() if part.interface_endpoints and part.existing is None:
            before = part.interface_endpoints
            gives_up = "calls to AWS leave the network by the NAT"
            yield Trim(part=part.name, field="interface_endpoints", before=before, after=(), gives_up=gives_up)
            if part.nat == "none":
                gives_up = "a network that nothing can leave"
                yield Trim(part=part.name, field="nat", before="none", after="single", gives_up=gives_up)
        case _:
            return
