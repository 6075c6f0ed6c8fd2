"""Whatever the workload, a rung refuses it with findings or makes a sound design of it, the same each time."""

from __future__ import annotations

from typing import Any

from hypothesis import event, given, settings
from hypothesis import strategies as st
from tests.rungs.simulation import access, without
from tests.rungs.test_designs import assert_sound

from rung import Objectives, OfficeHours, Traffic, Workload
from rung.errors import Finding, ModelError
from rung.model.graph import Graph
from rung.parts.compute import EcsService
from rung.parts.data import AuroraCluster, PostgresInstance
from rung.parts.design import Design
from rung.rungs import RUNGS, place
from rung.rungs.sizes import FARGATE_SIZES, connections_of_acu

NAMES = ("cluster", "network", "keys", "hosts", "box", "images", "logs", "alarms", "app", "web")


@st.composite
def workloads(draw: st.DrawFn) -> Graph:
    """Any mixture of nodes and uses, under names that platform parts would like to have."""
    names = iter(draw(st.permutations(NAMES)))
    work = Workload(
        draw(st.sampled_from(["tea", "a-workload-with-a-name"])), repository=draw(_optional("acme/tea"))
    )
    stores = _stores(draw, work, names)
    queue = work.queue(next(names), lanes=draw(st.sampled_from([("default",), ("now", "later")])),
                       max_receive_count=draw(st.sampled_from([None, 3])),
                       broker=draw(st.sampled_from([None, "postgres", "sqs", "redis", "rabbitmq"])))  # fmt: skip
    possible: list[Any] = [*stores, queue.send]
    uses = st.lists(st.sampled_from(possible), max_size=4, unique_by=id)
    service = work.service(next(names), app="tea.api:app", health="/health", uses=draw(uses),
                           min_tasks=draw(st.integers(1, 3)), max_tasks=draw(st.integers(3, 60)))  # fmt: skip
    work.worker(
        "mailer", handler="tea.mail:send", consumes=queue, uses=draw(uses), min_tasks=draw(st.integers(0, 2))
    )
    work.schedule("tidy", every=draw(st.sampled_from(["10s", "90s", "1 minute", "3 hours"])),
    handler="tea.tidy:run",
                  uses=draw(uses))  # fmt: skip
    if draw(st.booleans()):
        work.route("/*", service)
    if draw(st.booleans()):
        work.route("/page/*", work.site("page", path="page"))
    _facts(draw, work)
    return work.freeze()


def _optional(value: Any) -> st.SearchStrategy[Any]:
    return st.sampled_from([None, value])


def _stores(draw: st.DrawFn, work: Workload, names: Any) -> list[Any]:
    db = work.postgres(
        next(names), max_connections=draw(st.integers(20, 3_000)), pool_size=draw(st.integers(1, 20))
    )
    bucket = work.bucket("uploads")
    return [db, db.read, work.cache("cache"), bucket, bucket.list, work.secret("token", rotate_days=30),
            work.files("share", mount="/mnt/share"), work.external("api.example.com", port=443)]  # fmt: skip


def _facts(draw: st.DrawFn, work: Workload) -> None:
    if draw(st.booleans()):
        users, peak = draw(st.integers(0, 100_000)), draw(st.floats(1, 20))
        work.traffic(Traffic(concurrent_users=users, think_time="10s", peak=peak))
    work.objectives(Objectives(availability=draw(st.sampled_from([None, 0.99, 0.9995]))))
    work.notify("email:a@example.com")
    work.environment(
        "dev", scale=draw(st.sampled_from([0.1, 1.0, 3.0])), stop_when_idle=draw(_optional("4 hours")),
        office_hours=draw(_optional(OfficeHours())),
    )  # fmt: skip
    domain = draw(_optional("tea.example.com"))
    work.environment("prod", domain=domain, zone=domain)


def placed(graph: Graph, environment: str, rung: str) -> Design | None:
    """The design; None when the rung refuses the workload, which it does with findings of its own alone."""
    findings: tuple[Finding, ...] = ()
    try:
        return place(graph, environment, rung=rung)
    except ModelError as error:
        findings = error.findings
    event(f"refused: {sorted({finding.code for finding in findings})}")
    assert {finding.code[:3] for finding in findings} == {"R08"}
    return None


@settings(max_examples=60, deadline=None)
@given(workloads(), st.sampled_from(RUNGS), st.sampled_from(["dev", "prod"]))
def test_a_design_is_sound_or_refused(graph: Graph, rung: str, environment: str) -> None:
    design = placed(graph, environment, rung)
    if design is not None:
        assert_sound(graph, design)
        assert design == place(graph, environment, rung=rung)


@settings(max_examples=40, deadline=None)
@given(workloads(), st.data())
def test_dropping_any_edge_gives_nobody_anything(graph: Graph, data: st.DataObject) -> None:
    edge = data.draw(st.sampled_from(graph.edges))
    before, after = placed(graph, "dev", "fargate"), placed(without(graph, edge), "dev", "fargate")
    if before is not None and after is not None:
        assert access(after) <= access(before)


@settings(max_examples=60, deadline=None)
@given(workloads(), st.sampled_from(["dev", "prod"]))
def test_sizes_are_for_sale_and_fit_one_another(graph: Graph, environment: str) -> None:
    design = placed(graph, environment, "fargate")
    if design is None:
        return
    for part in design.of(EcsService):
        least, most, step = FARGATE_SIZES[part.container.cpu]
        assert least <= part.container.memory_mib <= most
        assert (part.container.memory_mib - least) % step == 0
        assert 0 <= part.min_tasks <= part.max_tasks
        assert part.on_demand_base <= max(1, part.min_tasks)
    for database in design.of(AuroraCluster):
        assert database.min_acu <= database.max_acu
        assert connections_of_acu(database.min_acu, database.max_acu) > 0
        assert (database.pause_seconds is None) == (database.min_acu > 0)
    assert not design.of(PostgresInstance)
