"""What a workload becomes on a cluster: the tasks of fargate as pods, and machines with room for all of them."""

from __future__ import annotations

import pytest
from tests.rungs.simulation import allowed, reachable
from tests.rungs.test_designs import assert_sound

from rung import Workload
from rung.errors import ModelError
from rung.model.graph import Graph
from rung.model.nodes import Schedule
from rung.parts.compute import EcsService
from rung.parts.design import Design
from rung.parts.edge import LoadBalancer
from rung.parts.kubernetes import (
    EksCluster,
    HorizontalPodAutoscaler,
    KubernetesJob,
    KubernetesService,
    NodePool,
    QueueScaling,
)
from rung.parts.network import Network
from rung.parts.operations import Alarm
from rung.parts.packing import room_of
from rung.rungs import place
from rung.rungs.explaining import access_of
from rung.rungs.nodes import DAEMONS, needs_of_daemons
from rung.rungs.pods import cron_of, five_fields


@pytest.fixture(scope="module")
def eks(shop: Graph) -> Design:
    return place(shop, "prod", rung="eks")


def service(design: Design, name: str) -> KubernetesService:
    part = design.part(name)
    assert isinstance(part, KubernetesService)
    return part


def test_every_kind_of_node_has_its_place(atlas: Graph) -> None:
    for environment in ("dev", "prod"):
        design = place(atlas, environment, rung="eks")
        assert_sound(atlas, design)
        assert not design.of(EcsService)
    assert service(design, "tick").role == "scheduler", "no five fields say every 10 s"
    assert isinstance(design.part("tidy"), KubernetesJob)


def test_a_deployment_has_the_limits_of_its_tasks(shop: Graph, eks: Design) -> None:
    tasks = {part.name: part for part in place(shop, "prod", rung="fargate").of(EcsService)}
    pods = {part.name: part for part in eks.of(KubernetesService)}
    assert pods.keys() == tasks.keys()
    for name, pod in pods.items():
        assert (pod.min_replicas, pod.max_replicas) == (tasks[name].min_tasks, tasks[name].max_tasks)
        assert pod.container.cpu == tasks[name].container.cpu
        assert pod.container.command == tasks[name].container.command
    assert pods["api"].container.memory_mib == 1_024, "what it needs, not what Fargate sells with a vCPU"


def test_policies_are_those_of_kubernetes(eks: Design) -> None:
    api, fulfil = service(eks, "api"), service(eks, "fulfil")
    assert [type(each) for each in api.scaling] == [HorizontalPodAutoscaler, HorizontalPodAutoscaler]
    (policy,) = fulfil.scaling
    assert isinstance(policy, QueueScaling)
    assert len(policy.queues) == 3
    assert fulfil.spot
    assert not api.spot


def test_a_schedule_of_scaling_is_written_in_five_fields() -> None:
    assert five_fields("cron(45 6 * * ? *)") == "45 6 * * *"
    assert five_fields("cron(0 7 ? * MON-FRI *)") == "0 7 * * MON-FRI"


def test_from_nothing_keda_starts_the_first_pod(atlas: Graph) -> None:
    bulk = service(place(atlas, "prod", rung="eks"), "bulk")
    assert bulk.min_replicas == 0
    assert [type(each) for each in bulk.scaling] == [QueueScaling]


@pytest.mark.parametrize(
    ("schedule", "cron"),
    [
        (Schedule(name="s", every_seconds=60), "* * * * *"),
        (Schedule(name="s", every_seconds=300), "*/5 * * * *"),
        (Schedule(name="s", every_seconds=3_600), "0 * * * *"),
        (Schedule(name="s", every_seconds=21_600), "0 */6 * * *"),
        (Schedule(name="s", every_seconds=86_400), "0 0 * * *"),
        (Schedule(name="s", every_seconds=420), None),
        (Schedule(name="s", every_seconds=5 * 3_600), None),
        (Schedule(name="s", every_seconds=90), None),
        (Schedule(name="s", every_seconds=10), None),
        (Schedule(name="s", cron="0 6 1 * MON"), "0 6 1 * MON"),
        (Schedule(name="s", cron="@daily"), "0 0 * * *"),
    ],
)
def test_five_fields_say_when_or_a_pod_keeps_time(schedule: Schedule, cron: str | None) -> None:
    assert cron_of(schedule) == cron


def test_days_of_the_month_and_of_the_week_are_no_matter_here() -> None:
    work = Workload("tea")
    work.schedule("report", cron="0 6 1 * MON", handler="tea.report:run")
    job = place(work.freeze(), "dev", rung="eks").part("report")
    assert isinstance(job, KubernetesJob)
    assert job.cron == "0 6 1 * MON"


def test_machines_have_room_for_the_least_and_at_the_most_for_everything(eks: Design) -> None:
    (cluster,), (base, burst) = eks.of(EksCluster), eks.of(NodePool)
    room = room_of(base.instance_types[0], needs_of_daemons(DAEMONS))
    system = sum(each.replicas * each.cpu for each in cluster.add_ons)
    least = system + sum(part.min_replicas * part.container.cpu for part in eks.of(KubernetesService))
    most = system + sum(part.max_replicas * part.container.cpu for part in eks.of(KubernetesService))
    assert base.min_nodes == base.max_nodes >= 3, "a machine in each of three zones"
    assert base.min_nodes * room.cpu >= least
    assert (base.max_nodes + burst.max_nodes) * room.cpu >= most
    assert burst.min_nodes == 0
    assert 0 < burst.spot_share < 0.5, "workers alone"


def test_a_copy_has_small_machines_on_spot(shop: Graph) -> None:
    base, burst = place(shop, "staging", rung="eks").of(NodePool)
    assert base.instance_types[0].startswith("t4g.")
    assert (base.spot_share, burst.spot_share) == (0.0, 1.0)


def test_sizes_of_an_environment_change_the_machines() -> None:
    def machines(replicas: int) -> int:
        work = Workload("tea")
        api = work.service("api", app="tea.api:app", health="/health", cpu=1, max_tasks=40)
        work.environment("dev", rung="eks", sizes={api: {"min_replicas": replicas}})
        base, _ = place(work.freeze(), "dev").of(NodePool)
        return base.min_nodes

    assert machines(20) > machines(1)


def test_machines_always_have_a_way_out(eks: Design, shop: Graph) -> None:
    (network,) = eks.of(Network)
    assert (network.nat, network.interface_endpoints) == ("per_zone", ())
    assert ("internet", 443) in reachable(eks, "nodes")
    work = Workload("tea")
    work.service("api", app="tea.api:app", health="/health")
    work.environment("dev", rung="eks", nat="none")
    with pytest.raises(ModelError) as caught:
        place(work.freeze(), "dev")
    assert [finding.code for finding in caught.value.findings] == ["R0822"]


def test_access_is_that_of_the_graph(shop: Graph, eks: Design) -> None:
    assert ("db", 5432) in reachable(eks, "api")
    assert ("cache", 6379) not in reachable(eks, "fulfil")
    assert allowed(eks, "api", "sqs:SendMessage", "orders-payment.arn")
    assert allowed(eks, "api", "sqs:ReceiveMessage", "orders-payment.arn") is None
    explanation = access_of(shop, eks, "db")
    assert {"api", "fulfil"} <= {right.who for right in explanation.open_to}
    assert explanation.rung == "eks"


def test_what_runs_is_watched(eks: Design) -> None:
    watched = {alarm.part for alarm in eks.of(Alarm)}
    assert {"api", "fulfil", "expire-carts", "nodes", "cluster"} <= watched
    (balancer,) = eks.of(LoadBalancer)
    assert [each.target for each in balancer.forwards] == ["api"]
