"""What runs on EKS: the cluster, its nodes, and what Kubernetes keeps running on them.

What a forecast reads: a `KubernetesService` has between `min_replicas` and `max_replicas` pods with
`container.cpu` vCPU each, moved by `scaling` (the rules of the HPA and of KEDA, as their documents state them). A
pod for which the nodes that are there have no room waits for a machine of the pool (`NodePool.manager` karpenter:
about a minute); where there is room it starts in seconds. `rung.parts.packing` counts the nodes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from rung.parts.compute import Architecture, Container


@dataclass(frozen=True, slots=True, kw_only=True)
class AddOn:
    """Something that the cluster itself runs: `replicas` pods, or one on each node (0)."""

    name: str
    replicas: int = 0
    cpu: float
    memory_mib: int


@dataclass(frozen=True, slots=True, kw_only=True)
class EksCluster:
    """An EKS control plane. `version` is a minor version of Kubernetes.

    AWS supports each for 14 months (1.35 until 2027-03-27: https://endoflife.date/amazon-eks), and with `support`
    extended for 12 more, at six times the price.
    """

    kind: Literal["eks_cluster"] = "eks_cluster"
    name: str = "cluster"
    node: str = "@workload"
    why: str = ""
    version: str = "1.35"
    support: Literal["standard", "extended"] = "standard"
    namespace: str
    add_ons: tuple[AddOn, ...] = ()
    logs: tuple[Literal["api", "audit", "authenticator", "controllerManager", "scheduler"], ...] = (
        "api", "audit", "authenticator",
    )  # fmt: skip
    log_days: int = 30
    container_insights: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class NodePool:
    """Machines of a cluster. `manager` managed: an auto-scaling group of AWS's, for what must always be there;
    karpenter: machines that come when pods find no room and go when they are empty.

    `instance_types` from the one that is preferred; `spot_share` of the machines are Spot.
    """

    kind: Literal["node_pool"] = "node_pool"
    name: str = "nodes"
    node: str = "@workload"
    why: str = ""
    cluster: str = "cluster"
    manager: Literal["managed", "karpenter"] = "managed"
    instance_types: tuple[str, ...] = ("m7g.large",)
    architecture: Architecture = "arm64"
    spot_share: float = 0.0
    min_nodes: int = 2
    max_nodes: int = 2
    root_gib: int = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class HorizontalPodAutoscaler:
    """Keep `metric` near `target` percent of what is requested (HPA, every 15 seconds, 10 % of tolerance).

    Out at once, by as many pods again or four in 15 seconds; in by the highest of the last
    `scale_in_stabilisation_seconds` (Kubernetes, "Horizontal Pod Autoscaling", its defaults).
    """

    kind: Literal["hpa"] = "hpa"
    metric: Literal["cpu", "memory"] = "cpu"
    target: float = 60.0
    scale_out_stabilisation_seconds: int = 0
    scale_in_stabilisation_seconds: int = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueScaling:
    """Keep `queue_length` messages for each pod (KEDA, scaler aws-sqs-queue), those under way included.

    From none to one KEDA asks every `polling_seconds`; back to none after `cooldown_seconds` without a message.
    """

    kind: Literal["queue_length"] = "queue_length"
    queues: tuple[str, ...]
    queue_length: float
    polling_seconds: int = 30
    cooldown_seconds: int = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class CronScaling:
    """From `cron` on (five fields, in `timezone`), `min_replicas` at least (KEDA, scaler cron)."""

    kind: Literal["cron"] = "cron"
    name: str
    cron: str
    timezone: str = "UTC"
    min_replicas: int


PodScaling = HorizontalPodAutoscaler | QueueScaling | CronScaling


@dataclass(frozen=True, slots=True, kw_only=True)
class KubernetesService:
    """A service or worker as a Deployment. `container.cpu` and `container.memory_mib` are its requests.

    Memory has its request as its limit; CPU has no limit, so that a pod may use what its node has left.
    Pods are spread over zones, and `max_unavailable` may be taken away at once (disruption budget).
    """

    kind: Literal["kubernetes_service"] = "kubernetes_service"
    name: str
    node: str
    why: str = ""
    role: Literal["web", "worker", "scheduler"]
    cluster: str = "cluster"
    container: Container
    architecture: Architecture = "arm64"
    min_replicas: int = 1
    max_replicas: int = 4
    scaling: tuple[PodScaling, ...] = ()
    spot: bool = False
    max_unavailable: int = 1
    grace_seconds: int = 60
    log_days: int = 30
    sticky: bool = False
    #: Other pods find it at `http://<name>.<namespace of the cluster>.svc.cluster.local:<port>`.
    discoverable: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class KubernetesJob:
    """Something that starts, does one thing and ends: a Job, or a CronJob when it has a `cron` (five fields).

    `on_deploy`: the pipeline runs it and waits, before the Deployments change. A run that is still under way when
    the next is due keeps the next from starting.
    """

    kind: Literal["kubernetes_job"] = "kubernetes_job"
    name: str
    node: str
    why: str = ""
    cluster: str = "cluster"
    container: Container
    architecture: Architecture = "arm64"
    cron: str | None = None
    timezone: str = "UTC"
    every_seconds: int | None = None
    deadline_seconds: int = 3_600
    on_deploy: bool = False
    log_days: int = 30
