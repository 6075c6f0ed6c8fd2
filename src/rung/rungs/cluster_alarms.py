"""Alarms of a cluster: its Deployments, its Jobs, its machines. Pure.

The figures are those of Container Insights with enhanced observability for EKS (AWS, CloudWatch user guide,
"Amazon EKS and Kubernetes Container Insights metrics").
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rung.parts.design import Part
from rung.parts.kubernetes import EksCluster, KubernetesJob, KubernetesService, NodePool
from rung.parts.operations import Alarm, Metric
from rung.parts.values import Reference
from rung.rungs.alarms import CPU_PERCENT, LONGEST_PERIOD_SECONDS, MEMORY_PERCENT, SILENT_RUNS, Dimensions

SPACE = "ContainerInsights"


def cluster_alarms(parts: Iterable[Part]) -> Iterator[Alarm]:
    """The alarms of everything that a cluster runs."""
    for part in parts:
        match part:
            case KubernetesService():
                yield from _service(part)
            case KubernetesJob() if part.cron is not None:
                yield from _job(part)
            case NodePool() if part.manager == "managed":
                yield from _nodes(part)
            case EksCluster():
                yield _cluster(part)
            case _:
                continue


def _service(part: KubernetesService) -> Iterator[Alarm]:
    yield Alarm(
        name=f"{part.name}-memory-high", node=part.node, part=part.name, threshold=MEMORY_PERCENT, periods=5,
        metrics=(_pod(part, "pod_memory_utilization_over_pod_limit", "Average"),), periods_to_alarm=5,
        runbook="task-memory-high", rolls_back=True,
        why="a pod that reaches its memory is killed (exit code 137)",
    )  # fmt: skip
    yield Alarm(
        name=f"{part.name}-restarts", node=part.node, part=part.name, threshold=3.0, period_seconds=300,
        metrics=(_pod(part, "pod_number_of_container_restarts", "Maximum"),), periods=1, periods_to_alarm=1,
        runbook="service-errors", severity="ticket", why="its pods start again and again",
    )  # fmt: skip
    if part.min_replicas > 0:
        yield Alarm(
            name=f"{part.name}-pods-missing", node=part.node, part=part.name, comparison="<",
            threshold=float(part.min_replicas), missing="breaching", periods=5, periods_to_alarm=5,
            metrics=(_pod(part, "replicas_ready", "Minimum"),), runbook="tasks-missing",
            why="pods fail to start, or no machine has room for them",
        )  # fmt: skip


def _job(part: KubernetesJob) -> Iterator[Alarm]:
    yield Alarm(
        name=f"{part.name}-failing", node=part.node, part=part.name, threshold=0.0, severity="ticket",
        metrics=(_pod(part, "pod_status_failed", "Maximum"),), runbook="schedule-failing",
        why="a run ended with an error",
    )  # fmt: skip
    period = (part.every_seconds or 0) * SILENT_RUNS
    if 0 < period <= LONGEST_PERIOD_SECONDS:
        yield Alarm(
            name=f"{part.name}-silent", node=part.node, part=part.name, threshold=1.0, comparison="<",
            metrics=(_pod(part, "pod_status_succeeded", "Maximum"),), missing="breaching", severity="ticket",
            period_seconds=max(60, period // 60 * 60), periods=1, periods_to_alarm=1, runbook="schedule-silent",
            why=f"it should have run {SILENT_RUNS} times",
        )  # fmt: skip


def _nodes(part: NodePool) -> Iterator[Alarm]:
    yield Alarm(
        name=f"{part.name}-cpu-high", node=part.node, part=part.name, threshold=CPU_PERCENT, severity="ticket",
        metrics=(_metric(part.cluster, "node_cpu_utilization", "Average"),), period_seconds=300, periods=3,
        periods_to_alarm=3, runbook="host-cpu-high", why="everything on the machines slows down",
    )  # fmt: skip
    yield Alarm(
        name=f"{part.name}-disk-full", node=part.node, part=part.name, threshold=CPU_PERCENT, period_seconds=300,
        metrics=(_metric(part.cluster, "node_filesystem_utilization", "Maximum"),), runbook="host-disk-full",
        why="a machine without disk evicts its pods", missing="breaching",
    )  # fmt: skip


def _cluster(part: EksCluster) -> Alarm:
    return Alarm(
        name=f"{part.name}-nodes-failing", node=part.node, part=part.name, threshold=0.0, periods=5,
        metrics=(_metric(part.name, "cluster_failed_node_count", "Maximum"),), periods_to_alarm=5,
        runbook="host-unreachable", why="a machine is not ready",
    )  # fmt: skip


def _pod(part: KubernetesService | KubernetesJob, name: str, statistic: str) -> Metric:
    where: Dimensions = (
        ("ClusterName", Reference(part=part.cluster, output="name")),
        ("Namespace", Reference(part=part.name, output="namespace")),
        ("PodName", Reference(part=part.name, output="name")),
    )
    return Metric(namespace=SPACE, name=name, statistic=statistic, dimensions=where)


def _metric(cluster: str, name: str, statistic: str) -> Metric:
    where: Dimensions = (("ClusterName", Reference(part=cluster, output="name")),)
    return Metric(namespace=SPACE, name=name, statistic=statistic, dimensions=where)
