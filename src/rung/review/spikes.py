"""Whether a design holds its spike: what it can do at once and at most, and how long it takes to get there. Pure.

Arithmetic, not simulation (`rung forecast` simulates): a first answer, and every figure says how it came about.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from rung.parts.compute import EcsService, HostGroup, TargetTracking
from rung.parts.data import AuroraCluster
from rung.parts.functions import LambdaFunction
from rung.parts.kubernetes import KubernetesService
from rung.review.capacity import database_loads, messages_at_the_peak
from rung.review.subject import NOTICED_SECONDS, TASK_START_SECONDS, Front, Subject

#: CPU cannot be used by more than all of it: one step of target tracking grows a service by no more than this over
#: its target (AWS, "Target tracking scaling policies": capacity in proportion to the metric).
FULL_CPU = 100.0
CPU_TARGET = 60.0
STEP_SECONDS = 60.0
TASK_SECONDS = NOTICED_SECONDS + TASK_START_SECONDS
#: The HPA doubles at most, every 15 seconds (Kubernetes, its default behaviour).
POD_GROWTH, POD_STEP_SECONDS = 2.0, 15.0
#: Aurora Serverless grows within seconds where it has room; ours: a minute from its least to its most.
AURORA_SECONDS = 60.0
#: Equal is enough, whatever floating point makes of it.
ROUNDING = 1 + 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Readiness:
    """One station under the spike, per second: what arrives, what it can do at once, and at most.

    `holds_after_seconds` is how long until it can do all of it: 0 from the beginning, None never.
    """

    part: str
    node: str
    unit: str
    load: float
    at_once: float
    at_most: float
    holds_after_seconds: float | None
    derivation: str

    @property
    def missed_share(self) -> float:
        """The share of the first moment that finds no place."""
        return max(0.0, 1 - self.at_once / self.load) if self.load else 0.0


def readiness(subject: Subject) -> Iterator[Readiness]:
    """Every station that a spike passes: what answers visitors, databases, workers."""
    if subject.graph.traffic is None:
        return
    for front in subject.fronts:
        yield _front(subject, front)
    yield from _functions(subject)
    yield from _databases(subject)
    yield from _workers(subject)


def steps_to(front: Front, load: float) -> tuple[int, ...]:
    """How many tasks there are after each step of scaling, until `load` is held or there are no more."""
    growth = POD_GROWTH if isinstance(front.part, KubernetesService) else FULL_CPU / _target(front)
    needed = min(front.most, math.ceil(load / front.each - 1e-9))
    counts = [front.least]
    while counts[-1] < needed and len(counts) < 50:
        counts.append(min(needed, max(counts[-1] + 1, math.ceil(counts[-1] * growth))))
    return tuple(counts)


def _target(front: Front) -> float:
    if isinstance(front.part, HostGroup):
        return front.part.cpu_target
    if isinstance(front.part, EcsService):
        rules = (each for each in front.part.scaling if isinstance(each, TargetTracking))
        return next((each.target for each in rules if each.metric == "cpu"), CPU_TARGET)
    return CPU_TARGET


def _front(subject: Subject, front: Front) -> Readiness:
    load = subject.peak * front.share
    counts = steps_to(front, load)
    step = POD_STEP_SECONDS if isinstance(front.part, KubernetesService) else STEP_SECONDS
    held = front.most * front.each * ROUNDING >= load
    seconds = 0.0 if len(counts) == 1 else front.starts_seconds + (len(counts) - 2) * step
    way = " -> ".join(map(str, counts)) if len(counts) > 1 else f"{front.least} from the beginning"
    return Readiness(
        part=front.part.name, node=front.node, unit="requests/s", load=load, at_once=front.least * front.each,
        at_most=front.most * front.each, holds_after_seconds=seconds if held else None,
        derivation=f"{front.each:,.0f} a {front.unit} ({subject.behaviour.cpu_ms:g} ms of CPU each); {way}"
        + (f"; the first more after {front.starts_seconds:.0f} s, then every {step:.0f} s" * (len(counts) > 1)),
    )  # fmt: skip


def _functions(subject: Subject) -> Iterator[Readiness]:
    for part in subject.design.of(LambdaFunction):
        if part.role != "web" or part.node not in subject.routed:
            continue
        load = subject.peak * subject.share_of(part.node)
        each_ms, limit = subject.behaviour.function_request_ms, part.reserved_concurrency
        most = math.inf if limit is None else limit * 1_000 / each_ms
        yield Readiness(
            part=part.name, node=part.node, unit="requests/s", load=load, at_once=most, at_most=most,
            holds_after_seconds=0.0 if most >= load else None,
            derivation=f"{limit or 'unlimited'} at once, {each_ms:g} ms each; "
            "new ones start within a second or two",
        )  # fmt: skip


def _databases(subject: Subject) -> Iterator[Readiness]:
    for database, load in database_loads(subject, subject.peak):
        most = subject.database_capacity(database)
        least = most
        if isinstance(database, AuroraCluster):
            least = database.min_acu * subject.behaviour.requests_per_acu
        yield Readiness(
            part=database.name, node=database.node, unit="requests/s", load=load, at_once=least, at_most=most,
            holds_after_seconds=None if most < load else 0.0 if least >= load else AURORA_SECONDS,
            derivation=f"{load / subject.peak:.0%} of the requests reach it, "
            f"{subject.behaviour.database_ms:g} ms each",
        )  # fmt: skip


def _workers(subject: Subject) -> Iterator[Readiness]:
    parts = {part.node: part for part in subject.design.of(EcsService)}
    for node, arriving in messages_at_the_peak(subject):
        part, takes = parts.get(node.name), node.processing_time_seconds
        if part is None or not takes:
            continue
        each = node.concurrency / takes
        front = Front(
            part=part, node=node.name, least=part.min_tasks, most=part.max_tasks, each=each, share=1.0,
            starts_seconds=TASK_SECONDS,
        )  # fmt: skip
        held = front.most * each * ROUNDING >= arriving
        waits = 0.0 if front.least * each * ROUNDING >= arriving else TASK_SECONDS
        yield Readiness(
            part=part.name, node=node.name, unit="messages/s", load=arriving, at_once=front.least * each,
            at_most=front.most * each, holds_after_seconds=waits if held else None,
            derivation=f"{node.concurrency} at a time in each of {front.least} to {front.most} tasks, "
            f"{takes:g} s each",
        )  # fmt: skip
