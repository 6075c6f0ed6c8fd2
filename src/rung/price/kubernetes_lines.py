"""What a cluster costs: its control plane, and machines with room for every pod, hour by hour.

Pods are not billed: machines are. Their number follows from what pods request and what a machine has left for them
after the kubelet and what runs on every node (rung.parts.packing), at each hour of the day.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, assert_never

from rung.parts.kubernetes import EksCluster, KubernetesJob, KubernetesService, NodePool
from rung.parts.packing import Need, nodes_for, room_of
from rung.price.book import HOURS_PER_MONTH
from rung.price.charging import Charging, Line
from rung.price.log_lines import log_lines
from rung.price.usage import tasks_for

KubernetesPart = EksCluster | NodePool | KubernetesService | KubernetesJob
#: Figures that the CloudWatch agent keeps of a Deployment, of a machine and of the cluster; each is a metric.
METRICS_PER_SERVICE, METRICS_PER_NODE, METRICS_PER_CLUSTER = 8.0, 6.0, 6.0
#: A spike is paid for until its machines are empty again.
SPIKE_HOURS = 0.5


def lines_of(part: KubernetesPart, charging: Charging) -> Iterator[Line]:
    """The lines of one part."""
    match part:
        case EksCluster():
            yield from eks_cluster(part, charging)
        case NodePool():
            yield from node_pool(part, charging)
        case KubernetesService():
            yield from kubernetes_service(part, charging)
        case KubernetesJob():
            return  # it finds room on the machines that are there
        case _:
            assert_never(part)


def eks_cluster(part: EksCluster, charging: Charging) -> Iterator[Line]:
    """The control plane by the hour, its log, and what the agent measures of what runs."""
    key = ("eks", "control-plane", "standard")
    yield charging.line(part.name, part.node, "control plane", key, HOURS_PER_MONTH, "always on")
    if part.support == "extended":
        key = ("eks", "control-plane", "extended-surcharge")
        because = f"Kubernetes {part.version} is out of standard support"
        yield charging.line(part.name, part.node, "extended support", key, HOURS_PER_MONTH, because)
    if part.logs:
        given = charging.usage.assumptions
        key = ("cloudwatch", "log-ingest", "")
        because = f"{', '.join(part.logs)} of the control plane"
        yield charging.line(part.name, part.node, "control plane log", key, given.cluster_log_gib, because)
    if part.container_insights:
        services, nodes = len(charging.design.of(KubernetesService)), _base(part.name, charging)
        count = METRICS_PER_CLUSTER + METRICS_PER_SERVICE * services + METRICS_PER_NODE * nodes
        key = ("cloudwatch", "custom-metric", "")
        because = f"{services} Deployments, {nodes} machines, the cluster"
        yield charging.line(part.name, part.node, "container insights", key, count, because)


def node_pool(part: NodePool, charging: Charging) -> Iterator[Line]:
    """Machines by the hour, on demand and Spot, and their disks."""
    machine = part.instance_types[0]
    if part.manager == "managed":
        hours, because = part.min_nodes * HOURS_PER_MONTH, f"{part.min_nodes} machines, always on"
        running = charging.always(float(part.min_nodes))
    else:
        hours, because, running = burst_hours(part, charging)
    depends: Literal["fixed", "use"] = "fixed" if part.manager == "managed" else "use"
    spot = hours * part.spot_share
    for item, mode, amount in ((machine, "on-demand", hours - spot), (f"{machine} on Spot", "spot", spot)):
        if amount > 0:
            own = tuple(count * (1 - part.spot_share) for count in running) if mode == "on-demand" else ()
            yield charging.line(
                part.name, part.node, item, ("ec2", machine, mode), amount, because, depends=depends, hours=own
            )  # fmt: skip
    disks = part.root_gib * hours / HOURS_PER_MONTH
    because = f"{part.root_gib} GiB on each machine"
    key = ("ebs", "gp3-storage", "")
    yield charging.line(part.name, part.node, "disks", key, disks, because, depends=depends)


def burst_hours(part: NodePool, charging: Charging) -> tuple[float, str, tuple[float, ...]]:
    """Machine-hours beyond those that are always there: hour by hour of the day, and at each spike.

    And how they came about, and the machines in each hour where the environment is always on.
    """
    base = _base(part.cluster, charging)
    usage, given = charging.usage, charging.usage.assumptions
    beyond = [_beyond(part, base, usage.rate_at(hour), charging) for hour in range(24)]
    spike = _beyond(part, base, usage.peak_rate, charging) - _beyond(part, base, usage.busy_rate, charging)
    hours = sum(beyond) * HOURS_PER_MONTH / 24 * charging.on_share + given.spikes_per_month * spike * SPIKE_HOURS
    because = f"{min(beyond)} to {max(beyond)} beyond the {base} that are always there"
    running = tuple(float(count) for count in beyond) if charging.on_share == 1.0 else ()
    return hours, because + (f", {spike} more at each spike" if spike else ""), running


def _beyond(part: NodePool, base: int, rate: float, charging: Charging) -> int:
    return max(0, min(part.max_nodes, nodes_at(part, rate, charging) - base))


def nodes_at(part: NodePool, rate: float, charging: Charging) -> int:
    """Machines of this kind that hold every pod at `rate` requests a second, add-ons included."""
    cluster = next(each for each in charging.design.of(EksCluster) if each.name == part.cluster)
    daemons = [_need(each.cpu, each.memory_mib) for each in cluster.add_ons if not each.replicas]
    pods = [(_need(each.cpu, each.memory_mib), each.replicas) for each in cluster.add_ons if each.replicas]
    for service in charging.design.of(KubernetesService):
        count = replicas_at(service, rate, charging)
        pods.append((_need(service.container.cpu, service.container.memory_mib), count))
    return nodes_for(pods, room_of(part.instance_types[0], daemons))


def replicas_at(part: KubernetesService, rate: float, charging: Charging) -> int:
    """Pods of a Deployment at `rate`: by CPU where visitors reach it; of a worker the most at a spike."""
    given = charging.usage.assumptions
    if part.role == "web":
        each = part.container.cpu * 1_000 / given.cpu_ms * given.cpu_target
        share = charging.usage.share_of(part.node)
        return tasks_for(rate * share, each, part.min_replicas, part.max_replicas)
    return part.max_replicas if rate > charging.usage.busy_rate else part.min_replicas


def kubernetes_service(part: KubernetesService, charging: Charging) -> Iterator[Line]:
    """Its log: what it runs on is in the machines."""
    usage, given = charging.usage, charging.usage.assumptions
    web = part.role == "web"
    messages = sum(usage.messages_per_month(name) for name, _ in usage.messages)
    count = usage.requests.value * usage.share_of(part.node) if web else messages
    yield from log_lines(
        charging, part.name, part.node, count=count,
        of="requests" if web else "messages", days=part.log_days,
        kib_each=given.log_kib_per_request if web else given.log_kib_per_message,
    )  # fmt: skip


def _base(cluster: str, charging: Charging) -> int:
    pools = (each for each in charging.design.of(NodePool) if each.cluster == cluster)
    return sum(each.min_nodes for each in pools if each.manager == "managed")


def _need(cpu: float, memory_mib: float) -> Need:
    return Need(cpu=cpu, memory_mib=memory_mib)
