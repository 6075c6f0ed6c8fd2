"""Workflows on AWS: a process of their own, the tables in the carrier, the key of approvals, alarms, a price."""

from __future__ import annotations

import msgspec
import pytest

from rung import Workload
from rung.compose.values import text_of
from rung.model.graph import Graph
from rung.parts.compute import EcsJob, EcsService, Host, HostGroup, Stack
from rung.parts.data import AuroraCluster, SecretPart
from rung.parts.design import Design
from rung.parts.operations import Alarm
from rung.price.bill import bill
from rung.price.book import shipped_book
from rung.rungs import place
from rung.rungs.setting import setting_of
from rung.rungs.sizes import connections_wanted
from rung.runtime.bindings import WorkflowBinding, binding
from rung.runtime.database.roles import DatabaseSetup
from rung.runtime.workflow.__main__ import parse
from rung.runtime.workflow.observe import FAILED, NAMESPACE, WAITING


def containers(design: Design) -> dict[str, EcsService | Stack]:
    machines = (*design.of(Host), *design.of(HostGroup))
    stacks = {stack.name: stack for machine in machines for stack in machine.stacks}
    return {**stacks, **{part.name: part for part in design.of(EcsService)}}


@pytest.mark.parametrize("rung", ["fargate", "host", "box"])
def test_its_process_is_started_as_the_runtime_takes_it(studio: Graph, rung: str) -> None:
    container = containers(place(studio, "prod", rung=rung))["onboarding"].container
    assert container.command[:3] == ("python", "-m", "rung.runtime.workflow")
    options = parse(container.command[3:])
    assert (options.name, options.handler, options.concurrency) == ("onboarding", "studio.onboarding:run", 100)
    assert container.stop_seconds == 30, "what the executor drains in, and a margin: not a run's deadline"


@pytest.mark.parametrize("rung", ["fargate", "host", "box"])
def test_who_runs_it_and_who_starts_it_have_its_binding_and_nobody_else(studio: Graph, rung: str) -> None:
    found = containers(place(studio, "prod", rung=rung))
    for name in ("onboarding", "api", "clerk"):
        variables = {each.name: text_of(each.value) for each in found[name].container.variables}
        bound = binding("onboarding", WorkflowBinding, variables)
        assert bound.url.startswith("postgresql://")
        assert (f"studio_{name}@" in bound.url) == (rung == "box"), "each as a role of its own"
        assert bound.approval_key
        told = variables.get("RUNG_FIGURES")
        assert told == ("cloudwatch" if name == "onboarding" else None)


@pytest.mark.parametrize("rung", ["fargate", "host"])
def test_the_tables_are_made_by_the_migration_job(studio: Graph, rung: str) -> None:
    (job,) = place(studio, "prod", rung=rung).of(EcsJob)
    (variable,) = (each for each in job.container.variables if each.name == "RUNG_DATABASE_SETUP")
    setup = msgspec.json.decode(text_of(variable.value), type=DatabaseSetup)
    assert setup.workflows
    assert {role.secret: (role.rows, role.queue) for role in setup.roles} == {
        "${DB_ONBOARDING_ARN}": ("all", True), "${DB_API_ARN}": ("read", True), "${DB_CLERK_ARN}": ("none", True),
    }  # fmt: skip


def test_the_tables_of_a_box_are_made_by_its_owner_before_the_migrations(studio: Graph) -> None:
    migration = containers(place(studio, "prod", rung="box"))["db-migrate"].container
    assert migration.command[2:] == (
        "rung.cli.main", "migrate", "migrations", "--tables", "queues", "--tables", "workflows",
    )  # fmt: skip


def test_a_box_without_migrations_makes_the_tables_alone() -> None:
    work = Workload("studio")
    work.workflow("onboarding", handler="studio.onboarding:run", uses=[work.postgres("db")])
    command = containers(place(work.freeze(), "dev", rung="box"))["db-migrate"].container.command
    assert command[2:] == ("rung.cli.main", "migrate", "--tables", "workflows")


@pytest.mark.parametrize("rung", ["fargate", "host", "box"])
def test_the_key_of_approvals_is_generated_and_read_by_who_needs_it(studio: Graph, rung: str) -> None:
    design = place(studio, "prod", rung=rung)
    part = design.part("approval-key")
    assert isinstance(part, SecretPart)
    assert part.generated
    assert part.generated_username is None
    readers = {each.principal for each in design.statements if any(
        getattr(resource, "part", "") == part.name for resource in each.resources)}  # fmt: skip
    machine = {"host": "hosts", "box": "box"}.get(rung)
    assert readers == ({machine} if machine else {"onboarding", "api", "clerk"})


@pytest.mark.parametrize("rung", ["fargate", "host", "box"])
def test_failed_runs_and_runs_that_nobody_takes_ring(studio: Graph, rung: str) -> None:
    design = place(studio, "prod", rung=rung)
    found = {alarm.runbook: alarm for alarm in design.of(Alarm) if alarm.metrics[0].namespace == NAMESPACE}
    assert {alarm.metrics[0].name for alarm in found.values()} == {FAILED, WAITING}
    assert set(found) == {"runs-failing", "runs-waiting"}
    assert found["runs-waiting"].missing == "breaching"
    told = dict(found["runs-failing"].metrics[0].dimensions)
    assert told == {"Workload": "studio", "Environment": "prod", "Node": "onboarding"}


def test_a_workflow_keeps_its_database_awake_and_counts_its_connections(studio: Graph) -> None:
    (cluster,) = place(studio, "dev").of(AuroraCluster)
    assert cluster.pause_seconds is None
    setting = setting_of(studio, "prod", "fargate")
    tasks = {"onboarding": 4, "api": 4, "clerk": 4}
    pools = (tasks["onboarding"] + tasks["api"]) * 8
    assert connections_wanted(setting, "db", 8) == pools + sum(tasks.values()) * 4


def test_its_tasks_and_its_figures_are_priced(studio: Graph) -> None:
    found = bill(place(studio, "prod"), studio, shipped_book())
    items = {(line.part, line.item) for line in found.lines}
    assert {("onboarding", "vCPU"), ("onboarding", "memory"), ("onboarding-runs-failing", "metric"),
            ("onboarding-runs-waiting", "alarm")} <= items  # fmt: skip
