"""How many hours a month a design takes from people: part by part, each with its reason. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from rung.advise.facts import Situation
from rung.advise.judgement import Judgement
from rung.advise.outages import Outage
from rung.parts.compute import EcsService, Host, HostGroup
from rung.parts.design import Design, Part
from rung.parts.functions import LambdaFunction
from rung.parts.kubernetes import KubernetesService
from rung.parts.network import Network

#: Which assumption of `Judgement` says how long a part of a kind takes. Kinds that are not here take nothing.
HOURS_OF_KIND = {
    "host": "machine_hours", "host_group": "host_group_hours",
    "ecs_service": "task_hours", "ecs_job": "job_hours", "kubernetes_job": "job_hours",
    "node_pool": "node_pool_hours", "kubernetes_service": "pod_hours",
    "http_api": "door_hours", "load_balancer": "door_hours", "distribution": "door_hours",
    "cache_group": "door_hours", "firewall": "firewall_hours", "sqs_queue": "queue_hours",
    "redis_broker": "door_hours", "rabbit_broker": "door_hours",
    "postgres_instance": "managed_database_hours", "aurora_cluster": "managed_database_hours",
}  # fmt: skip
#: Machines of a group that need no planning: everything fits on each of them.
USUAL_MACHINES = 2
#: Kinds of parts whose machines are the customer's to patch.
PATCHED_BY_US = frozenset({"host", "host_group", "node_pool"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """Hours a month, what they are for, and the assumption behind them."""

    what: str
    hours: float
    assumption: str


def efforts_of(
    design: Design, outages: tuple[Outage, ...], situation: Situation, judgement: Judgement
) -> tuple[Effort, ...]:
    """What the design takes, the largest first; a copy of production takes a share of it."""
    after = _after_outages(outages, situation, judgement)
    found = _joined((*_of_parts(design, situation, judgement), *_of_all(design, situation, judgement), *after))
    share = 1.0 if situation.production else judgement.nonproduction_share
    scaled = (Effort(what=each.what, hours=each.hours * share, assumption=each.assumption) for each in found)
    return tuple(sorted(scaled, key=lambda each: (-each.hours, each.what)))


def hours_of(efforts: tuple[Effort, ...]) -> float:
    """Their sum."""
    return sum(each.hours for each in efforts)


def _of_parts(design: Design, situation: Situation, judgement: Judgement) -> Iterator[Effort]:
    for part in design.parts:
        yield from _of_part(part, design, situation, judgement)


def _of_part(part: Part, design: Design, situation: Situation, judgement: Judgement) -> Iterator[Effort]:
    if part.kind == "eks_cluster":
        name = "shared_eks_hours" if situation.kubernetes else "eks_hours"
        yield _effort("the cluster", judgement, name)
    elif part.kind == "cluster":
        yield _effort("the cluster", judgement, "fargate_hours" if design.of(EcsService) else "cluster_hours")
    elif isinstance(part, LambdaFunction):
        yield _effort("functions", judgement, _function(part))
    elif part.kind in HOURS_OF_KIND:
        yield _effort(_plural(part.kind), judgement, HOURS_OF_KIND[part.kind])
    if isinstance(part, Network) and part.nat != "none":
        yield _effort("the network", judgement, "network_hours")
    if isinstance(part, HostGroup) and part.min_hosts > USUAL_MACHINES:
        hours = (part.min_hosts - USUAL_MACHINES) * judgement.extra_machine_hours
        yield Effort(what="room on the machines", hours=hours, assumption="extra_machine_hours")
    if isinstance(part, Host | HostGroup):
        by_hand = isinstance(part, Host)
        for stack in part.stacks:
            if stack.role == "store" and stack.container.image.startswith("postgres"):
                yield _effort("databases kept by hand", judgement, "database_by_hand_hours")
            elif stack.role in ("web", "worker"):
                name = "container_by_hand_hours" if by_hand else "container_on_hosts_hours"
                yield _effort("containers", judgement, name)


def _function(part: LambdaFunction) -> str:
    if not part.in_network or part.role not in ("web", "worker"):
        return "function_hours"
    return "api_with_database_hours" if part.role == "web" else "function_with_database_hours"


def _of_all(design: Design, situation: Situation, judgement: Judgement) -> Iterator[Effort]:
    """What grows with the whole: many processes without a platform, a platform of one's own, audits."""
    kinds = {part.kind for part in design.parts}
    crowd = processes_of(design) - judgement.crowd_begins
    if crowd > 0 and "eks_cluster" not in kinds:
        hours = crowd * judgement.crowd_hours
        yield Effort(what="many processes without a platform", hours=hours, assumption="crowd_hours")
    if situation.kubernetes and "eks_cluster" not in kinds:
        yield _effort("a platform that only this has", judgement, "second_platform_hours")
    regimes = sum(name != "gdpr" for name in situation.compliance)
    if regimes and kinds & PATCHED_BY_US:
        hours = regimes * judgement.audit_hours
        yield Effort(what="proof of patched machines", hours=hours, assumption="audit_hours")


def _after_outages(outages: tuple[Outage, ...], situation: Situation, judgement: Judgement) -> Iterator[Effort]:
    """Ending an outage, and answering every customer who wrote about it."""
    noticed = [each for each in outages if each.minutes >= judgement.noticed_minutes]
    ending = sum(each.hours_a_month for each in noticed)
    yield Effort(what="ending outages", hours=ending, assumption="box_troubles")
    answering = sum(each.yearly for each in noticed) / 12 * situation.customers * judgement.support_hours
    yield Effort(what="answering customers after outages", hours=answering, assumption="support_hours")


def processes_of(design: Design) -> int:
    """How many services and workers there are, whatever they run on."""
    count = len(design.of(EcsService)) + len(design.of(KubernetesService))
    count += sum(each.role in ("web", "worker") for each in design.of(LambdaFunction))
    machines: tuple[Host | HostGroup, ...] = (*design.of(Host), *design.of(HostGroup))
    return count + sum(stack.role in ("web", "worker") for machine in machines for stack in machine.stacks)


def _effort(what: str, judgement: Judgement, assumption: str) -> Effort:
    return Effort(what=what, hours=getattr(judgement, assumption), assumption=assumption)


def _joined(efforts: tuple[Effort, ...]) -> Iterator[Effort]:
    """One entry for each thing that hours are for."""
    sums: dict[tuple[str, str], float] = {}
    for each in efforts:
        key = (each.what, each.assumption)
        sums[key] = sums.get(key, 0.0) + each.hours
    return (Effort(what=what, hours=hours, assumption=name) for (what, name), hours in sums.items() if hours)


def _plural(kind: str) -> str:
    named = {
        "host": "the machine", "host_group": "the machines", "ecs_service": "services",
        "ecs_job": "jobs", "kubernetes_job": "jobs", "node_pool": "nodes", "kubernetes_service": "services",
        "http_api": "doors and caches", "load_balancer": "doors and caches",
        "distribution": "doors and caches", "cache_group": "doors and caches", "firewall": "the firewall",
        "sqs_queue": "queues", "redis_broker": "brokers of queues", "rabbit_broker": "brokers of queues",
        "postgres_instance": "databases", "aurora_cluster": "databases",
    }  # fmt: skip
    return named[kind]
