"""The cluster of an environment: what it runs for itself, and machines with room for everything. Pure.

A managed group holds what is always there: the add-ons, and the least of every Deployment. What comes beyond finds
room on machines that Karpenter adds, and takes away when they are empty.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rung.parts.design import Part
from rung.parts.kubernetes import AddOn, EksCluster, KubernetesJob, KubernetesService, NodePool, QueueScaling
from rung.parts.network import Connection
from rung.parts.packing import MACHINES as OF_MACHINES
from rung.parts.packing import Need, nodes_for, room_of
from rung.rungs.networks import LOG_DAYS, LONG_LOG_DAYS, zones_of
from rung.rungs.setting import Setting

#: On every node. Requests of their charts where they state one (amazon-vpc-cni-k8s, kube-proxy of EKS,
#: amazon-cloudwatch-observability), else about what they use.
DAEMONS = (
    AddOn(name="vpc-cni", cpu=0.05, memory_mib=80),
    AddOn(name="kube-proxy", cpu=0.1, memory_mib=40),
    AddOn(name="pod-identity-agent", cpu=0.0, memory_mib=30),
    AddOn(name="cloudwatch-agent", cpu=0.25, memory_mib=128),
    AddOn(name="fluent-bit", cpu=0.05, memory_mib=50),
)
#: Machines from the smallest, of which the largest pod fits into. Copies of production run on burstable ones.
MACHINES = ("m7g.large", "m7g.xlarge", "m7g.2xlarge")
MACHINES_OF_COPIES = ("t4g.large", "t4g.xlarge", "m7g.2xlarge")
#: A Job that runs at least so often finds room on machines that are there.
OFTEN_SECONDS = 3_600
KUBELET_PORT, API_PORT = 10_250, 443
#: Where AWS's load balancer controller must be asked, so that it admits targets (its webhook).
WEBHOOK_PORT = 9_443


def add_ons(setting: Setting, services: Iterable[KubernetesService]) -> tuple[AddOn, ...]:
    """What the cluster runs for itself; in production two of each, so that one may be lost.

    Requests of the charts: CoreDNS of EKS, metrics-server, KEDA; those of Karpenter as its guide sets them.
    """
    twice = 2 if setting.production else 1
    keda = any(isinstance(policy, QueueScaling) for each in services for policy in each.scaling)
    scaling = (
        AddOn(name="keda-operator", replicas=1, cpu=0.1, memory_mib=100),
        AddOn(name="keda-metrics-apiserver", replicas=1, cpu=0.1, memory_mib=100),
        AddOn(name="keda-admission-webhooks", replicas=1, cpu=0.1, memory_mib=100),
    )
    return (
        *DAEMONS,
        AddOn(name="coredns", replicas=2, cpu=0.1, memory_mib=70),
        AddOn(name="metrics-server", replicas=twice, cpu=0.1, memory_mib=200),
        AddOn(name="load-balancer-controller", replicas=twice, cpu=0.1, memory_mib=128),
        AddOn(name="karpenter", replicas=twice, cpu=1.0, memory_mib=1_024),
        *(scaling if keda else ()),
    )


def cluster_parts(setting: Setting, parts: tuple[Part, ...]) -> Iterator[Part]:
    """The control plane and its machines, for the Deployments and Jobs among `parts`."""
    services = tuple(part for part in parts if isinstance(part, KubernetesService))
    jobs = tuple(part for part in parts if isinstance(part, KubernetesJob))
    found = add_ons(setting, services)
    name = setting.platform("cluster")
    yield EksCluster(
        name=name, namespace=setting.prefix, add_ons=found, why="where every process runs",
        log_days=LONG_LOG_DAYS if setting.production else LOG_DAYS,
    )  # fmt: skip
    often = tuple((need_of(job), 1) for job in jobs if job.every_seconds and job.every_seconds <= OFTEN_SECONDS)
    system = (*of_add_ons(found), *often)
    least = (*system, *((need_of(each), each.min_replicas) for each in services))
    most_pods = (*system, *((need_of(each), each.max_replicas) for each in services))
    largest = (*(need_of(each) for each in services), *(need_of(each) for each in jobs))
    machine, base = machines_for(setting, least, largest)
    most = nodes_for(most_pods, room_of(machine, needs_of_daemons(DAEMONS)))
    yield NodePool(
        name=setting.platform("nodes"), cluster=name, instance_types=(machine,), min_nodes=base, max_nodes=base,
        why=f"{base} machines hold the add-ons and the least of everything",
    )  # fmt: skip
    yield NodePool(
        name=setting.platform("burst-nodes"), cluster=name, manager="karpenter", instance_types=(machine,),
        min_nodes=0, max_nodes=max(1, most - base), spot_share=_spot_share(setting, services),
        why=f"what comes beyond: {most} machines at the peak",
    )  # fmt: skip


def fewest_nodes(setting: Setting) -> int:
    """Production keeps a machine in each zone that it uses; a copy has one."""
    return zones_of(setting) if setting.production else 1


def machines_for(
    setting: Setting, pods: tuple[tuple[Need, int], ...], largest: tuple[Need, ...]
) -> tuple[str, int]:
    """The kind of machine, and how many: the fewest vCPU in all that hold `pods`; each of `largest` fits in one.

    Within a family the price goes with the vCPU. Small machines lose less when one is lost, and more to what runs
    on each of them.
    """
    sizes = MACHINES if setting.production else MACHINES_OF_COPIES
    found: list[tuple[int, int, str, int]] = []
    for order, name in enumerate(sizes):
        room = room_of(name, needs_of_daemons(DAEMONS))
        if all(need.cpu <= room.cpu and need.memory_mib <= room.memory_mib for need in largest):
            count = max(fewest_nodes(setting), nodes_for(pods, room))
            found.append((count * OF_MACHINES[name][0], order, name, count))
    if found:
        _, _, name, count = min(found)
        return name, count
    return sizes[-1], max(fewest_nodes(setting), nodes_for(pods, room_of(sizes[-1], needs_of_daemons(DAEMONS))))


def need_of(part: KubernetesService | KubernetesJob) -> Need:
    """What one pod requests."""
    return Need(cpu=part.container.cpu, memory_mib=part.container.memory_mib)


def needs_of_daemons(found: Iterable[AddOn]) -> tuple[Need, ...]:
    """What runs on every node."""
    return tuple(Need(cpu=each.cpu, memory_mib=each.memory_mib) for each in found if each.replicas == 0)


def of_add_ons(found: Iterable[AddOn]) -> Iterator[tuple[Need, int]]:
    """What runs somewhere in the cluster, so many of each."""
    for each in found:
        if each.replicas:
            yield Need(cpu=each.cpu, memory_mib=each.memory_mib), each.replicas


def _spot_share(setting: Setting, services: Iterable[KubernetesService]) -> float:
    """How much of what comes beyond the least may be taken away by AWS: workers, and everything of a copy."""
    if not setting.production:
        return 1.0
    beyond = {part.name: (part.max_replicas - part.min_replicas) * part.container.cpu for part in services}
    whole = sum(beyond.values())
    spot = sum(beyond[part.name] for part in services if part.spot)
    return round(spot / whole, 2) if whole else 0.0


def cluster_connections(setting: Setting) -> Iterator[Connection]:
    """Between the control plane and the machines."""
    cluster = setting.platform("cluster")
    for pool in (setting.platform("nodes"), setting.platform("burst-nodes")):
        yield Connection(source=pool, target=cluster, port=API_PORT, why="the kubelet asks the control plane")
        yield Connection(source=cluster, target=pool, port=KUBELET_PORT, why="logs and commands of pods, metrics")
        yield Connection(source=cluster, target=pool, port=WEBHOOK_PORT, why="the admission webhooks of add-ons")
