"""Sizes follow traffic, promises and connection limits by the rules of docs/reference/rungs.md."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from rung import Objectives, Traffic, Workload
from rung.model.graph import Graph
from rung.model.nodes import Environment
from rung.model.scaling import BacklogScaling
from rung.parts.compute import (
    EcsService,
    Host,
    HostGroup,
    OfficeHours,
    ScheduledTask,
    StepFromZero,
    TargetTracking,
)
from rung.parts.data import AuroraCluster, CacheGroup, PostgresInstance
from rung.parts.design import Design
from rung.parts.edge import Certificate, Distribution, Firewall
from rung.parts.network import Network
from rung.parts.operations import DeployIdentity, Objective
from rung.rungs import place


def tea(service: dict[str, Any] | None = None, **traffic: Any) -> Workload:
    """A routed service with a database, under some traffic."""
    work = Workload("tea")
    db = work.postgres("db")
    api = work.service("api", app="tea.api:app", health="/health", uses=[db], **(service or {}))
    work.route("/*", api)
    if traffic:
        work.traffic(Traffic(**traffic))
    work.notify("email:a@example.com")
    return work


def design_of(work: Workload, rung: str = "fargate", **environment: Any) -> Design:
    """Its design in an environment called prod, unless it is said to be no production."""
    work.environment("prod", **environment)
    return place(work.freeze(), "prod", rung=rung)


def api_of(design: Design) -> EcsService:
    (service,) = design.of(EcsService)
    return service


def test_nobody_said_anything_a_safe_minimum() -> None:
    service = api_of(design_of(tea()))
    assert (service.container.cpu, service.container.memory_mib) == (0.5, 1_024)
    assert (service.min_tasks, service.max_tasks) == (1, 4)
    assert service.architecture == "arm64"


def test_the_peak_decides_the_size_of_a_task() -> None:
    """1,500 requests/s over 4 tasks at 85 % of 250 a vCPU are 1.8 vCPU each, which are sold as 2."""
    service = api_of(design_of(tea(concurrent_users=1_500, think_time="10s", peak=10)))
    assert (service.container.cpu, service.container.memory_mib) == (2.0, 4_096)
    assert service.container.command[service.container.command.index("--workers") :][:2] == ("--workers", "2")


def test_a_copy_is_sized_for_ordinary_load() -> None:
    work = tea(concurrent_users=1_500, think_time="10s", peak=10)
    assert api_of(design_of(work, production=False)).container.cpu == 0.5


def test_ordinary_load_decides_the_fewest_tasks() -> None:
    """1,000 requests/s at 250 a vCPU and 60 % of 1 vCPU are 7 tasks."""
    work = tea({"cpu": 1.0, "max_tasks": 20}, concurrent_users=10_000, think_time="10s")
    assert api_of(design_of(work)).min_tasks == 7


def test_what_the_file_says_wins_and_is_made_to_fit() -> None:
    service = api_of(design_of(tea({"cpu": 0.3, "memory": 5_000, "min_tasks": 2, "max_tasks": 9})))
    assert (service.container.cpu, service.container.memory_mib) == (1.0, 5_120)
    assert (service.min_tasks, service.max_tasks) == (2, 9)


@pytest.mark.parametrize(("scale", "fewest", "most"), [(0.25, 1, 2), (1.0, 2, 8), (2.0, 4, 16)])
def test_scale_multiplies_tasks_and_leaves_one(scale: float, fewest: int, most: int) -> None:
    service = api_of(design_of(tea({"min_tasks": 2, "max_tasks": 8}), scale=scale))
    assert (service.min_tasks, service.max_tasks) == (fewest, most)


def test_the_database_is_large_enough_for_every_task() -> None:
    """40 tasks of 8 connections in four fifths of the server: 400, which 2 ACU allow."""
    (database,) = design_of(tea({"max_tasks": 40})).of(AuroraCluster)
    assert database.max_acu == 2.0
    (instance,) = design_of(tea({"max_tasks": 40}), rung="host").of(PostgresInstance)
    assert instance.instance_class == "db.t4g.medium"
    assert instance.multi_zone


def test_the_database_answers_what_the_cache_leaves_of_the_peak() -> None:
    """600 requests/s at the peak are 3 ACU at 200 each; behind a cache 30 % of them reach it."""
    crowd = {"concurrent_users": 2_000, "think_time": "10s", "peak": 3}
    (alone,) = design_of(tea({"max_tasks": 4}, **crowd)).of(AuroraCluster)
    assert alone.max_acu == 4
    larger = tea({"max_tasks": 4}, **crowd | {"concurrent_users": 20_000})
    (instance,) = design_of(larger, "host").of(PostgresInstance)
    assert instance.instance_class == "db.m7g.2xlarge"
    work = tea({"max_tasks": 4}, **crowd | {"concurrent_users": 20_000})
    work.cache("cache")
    (behind,) = design_of(work).of(AuroraCluster)
    assert behind.max_acu == 16


@pytest.mark.parametrize(("users", "machine"), [(500, "t4g.medium"), (6_000, "m7g.large")])
def test_a_host_is_no_burstable_machine_whose_credits_run_out(users: int, machine: str) -> None:
    """Two t4g.medium earn credits for 0.8 vCPU: the mean of a day must not take more."""
    work = tea(concurrent_users=users, think_time="10s")
    work.service("other", command="other", port=9000, health="/", memory=2_000)
    (hosts,) = design_of(work, "host").of(HostGroup)
    assert (hosts.instance_type, hosts.min_hosts) == (machine, 2)


def test_a_box_serves_its_peak_without_being_full() -> None:
    """425 requests/s at 85 % of 250 a vCPU are 2 vCPU, half of a machine whose databases take the rest."""
    (box,) = design_of(tea(concurrent_users=4_250, think_time="10s"), "box").of(Host)
    assert box.instance_type == "m7g.xlarge"


def test_a_database_pauses_only_where_nothing_keeps_a_connection() -> None:
    work = Workload("tea")
    db = work.postgres("db")
    work.schedule("tidy", every="1 day", handler="tea.tidy:run", uses=[db])
    (database,) = design_of(work, production=False).of(AuroraCluster)
    assert (database.min_acu, database.pause_seconds) == (0.0, 300)
    (served,) = design_of(tea(), production=False).of(AuroraCluster)
    assert (served.min_acu, served.pause_seconds) == (0.5, None)


def promised(availability: str, *, outside: bool = True) -> Network:
    """The network of a production that promises so much."""
    work = tea()
    if outside:
        pay = work.external("api.example.com", port=443)
        work.service("till", app="tea.till:app", health="/health", uses=[pay])
    work.objectives(Objectives(availability=availability))
    (network,) = design_of(work).of(Network)
    return network


def test_the_way_out_costs_what_its_loss_would() -> None:
    assert (promised("99.95%").nat, promised("99.95%").zones) == ("per_zone", 3)
    assert (promised("99.9%").nat, promised("99.9%").zones) == ("single", 2)
    closed = promised("99.95%", outside=False)
    assert closed.nat == "none"
    assert {"ecr.api", "ecr.dkr", "logs", "secretsmanager"} <= set(closed.interface_endpoints)
    (copy,) = design_of(tea(), production=False).of(Network)
    assert (copy.nat, copy.interface_endpoints) == ("instance", ())
    (asked,) = design_of(tea(), nat="per_zone").of(Network)
    assert asked.nat == "per_zone"


def test_a_worker_scales_by_the_policy_of_rung_dev() -> None:
    work = Workload("tea")
    mails = work.queue("mails", lanes=("now", "later"))
    work.worker(
        "mailer", handler="tea.mail:send", consumes=mails, lanes=("now",), min_tasks=0, acceptable_latency="30s",
        processing_time="20ms", concurrency=4,
    )  # fmt: skip
    worker = api_of(design_of(work, production=False))
    tracking, start = worker.scaling
    assert isinstance(tracking, TargetTracking)
    policy = BacklogScaling(acceptable_latency_seconds=30, processing_time_seconds=0.02, concurrency=4)
    assert tracking.target == policy.backlog_per_task == 6_000
    assert tracking.queues == ("mails-now",)
    assert (tracking.scale_out_cooldown_seconds, tracking.scale_in_cooldown_seconds) == (60, 300)
    assert start == StepFromZero(queues=("mails-now",))
    assert worker.spot_share == 1.0


@pytest.mark.parametrize(
    ("when", "expression", "every"),
    [
        ({"every": "1 minute"}, "rate(1 minute)", 60),
        ({"every": "3 hours"}, "rate(3 hours)", 10_800),
        ({"every": "2 days"}, "rate(2 days)", 172_800),
        ({"cron": "*/15 * * * *"}, "cron(*/15 * * * ? *)", 900),
        ({"cron": "30 4 * * *"}, "cron(30 4 * * ? *)", 86_400),
        ({"cron": "0 6 * * 1-5"}, "cron(0 6 ? * 2-6 *)", 604_800),
        ({"cron": "0 6 * * MON#1"}, "cron(0 6 ? * MON#1 *)", 604_800),
        ({"cron": "0 6 * * 0,7"}, "cron(0 6 ? * 1,1 *)", 604_800),
        ({"cron": "@daily"}, "cron(0 0 * * ? *)", 86_400),
    ],
)
def test_times_in_the_words_of_eventbridge(when: dict[str, str], expression: str, every: int) -> None:
    work = Workload("tea")
    work.schedule("tidy", handler="tea.tidy:run", **when)  # type: ignore[arg-type]
    (task,) = design_of(work, production=False).of(ScheduledTask)
    assert (task.expression, task.every_seconds) == (expression, every)


@pytest.mark.parametrize("every", ["10s", "90s"])
def test_finer_times_are_kept_by_a_task_that_stays(every: str) -> None:
    work = Workload("tea")
    work.schedule("tick", every=every, handler="tea.tick:run")
    design = design_of(work, production=False)
    assert api_of(design).role == "scheduler"
    assert "rung.runtime.schedule" in api_of(design).container.command
    assert not design.of(ScheduledTask)


def test_production_differs_by_rule() -> None:
    work = tea()
    work.cache("cache")
    work.objectives(Objectives(availability="99.9%"))
    here = design_of(work, domain="tea.example.com", zone="example.com")
    there = place(replace(work.freeze(), nodes=_as_copy(work.freeze())), "prod")
    assert [each.nodes for each in (*here.of(CacheGroup), *there.of(CacheGroup))] == [2, 1]
    assert here.of(Firewall)
    assert here.of(Objective)
    assert here.of(Distribution)
    assert not there.of(Firewall)
    assert not there.of(Objective)
    assert not there.of(Distribution)
    assert {part.scope for part in here.of(Certificate)} == {"REGIONAL", "CLOUDFRONT"}


def _as_copy(graph: Graph) -> Any:
    return tuple(
        replace(node, production=False) if isinstance(node, Environment) else node for node in graph.nodes
    )


def test_a_node_keeps_its_name_and_the_platform_moves() -> None:
    work = Workload("tea")
    work.service("cluster", app="tea.api:app", health="/health")
    design = design_of(work, production=False)
    assert design.part("cluster").kind == "ecs_service"
    assert design.part("platform-cluster").kind == "cluster"
    assert api_of(design).cluster == "platform-cluster"


def test_a_box_is_as_large_as_its_containers(shop: Graph) -> None:
    (box,) = place(shop, "dev", rung="box").of(Host)
    assert box.instance_type == "t4g.medium"
    assert box.hop_limit == 1
    assert {stack.name for stack in box.stacks} >= {"proxy", "db", "cache", "api", "fulfil", "expire-carts"}
    assert [site.name for site in box.sites] == ["web"]


@pytest.mark.parametrize(("declared", "disk"), [(None, 20), (10, 20), (60, 112), (500, 929)])
def test_the_disk_of_a_box_has_room_beside_the_data(declared: int | None, disk: int) -> None:
    """Data, log and dump are 1.3 times the data, and fill no more than the 70 % at which the alarm rings."""
    work = Workload("tea")
    db = work.postgres("db", storage=declared)
    work.route("/*", work.service("api", app="tea.api:app", uses=[db]))
    work.notify("email:a@example.com")
    (box,) = design_of(work, "box").of(Host)
    assert (box.data_gib, box.stored_gib) == (disk, declared or 20)
    if declared:
        assert declared * 1.3 / box.data_gib * 100 <= box.disk_alarm_percent


def test_a_host_group_survives_a_machine_in_production(shop: Graph) -> None:
    (hosts,) = place(shop, "prod", rung="host").of(HostGroup)
    assert hosts.min_hosts == 2
    assert hosts.max_hosts > hosts.min_hosts
    (copy,) = place(shop, "dev", rung="host").of(HostGroup)
    assert copy.min_hosts == 1


def test_sizes_of_an_environment_are_last(shop: Graph) -> None:
    work = tea()
    changed = {"api": {"spot_share": 1}, "network": {"zones": 3}, "api-slow": {"threshold": 2}}
    design = design_of(work, sizes=changed)
    assert api_of(design).spot_share == 1.0
    assert design.of(Network)[0].zones == 3
    assert getattr(design.part("api-slow"), "threshold", None) == 2.0
    assert place(shop, "prod").of(Network)[0].zones == 3


def test_hours_and_idleness_stop_an_environment(shop: Graph) -> None:
    (hours,) = place(shop, "staging").of(OfficeHours)
    assert (hours.start_cron, hours.stop_cron) == ("cron(0 7 ? * MON-FRI *)", "cron(0 20 ? * MON-FRI *)")
    assert (hours.timezone, hours.idle_seconds) == ("Europe/Berlin", 4 * 3_600)


def test_a_pipeline_is_trusted_by_its_repository() -> None:
    work = Workload("tea", repository="acme@12/tea@34")
    (identity,) = design_of(work, production=False).of(DeployIdentity)
    assert (identity.repository, identity.owner_id, identity.repository_id) == ("acme/tea", "12", "34")
