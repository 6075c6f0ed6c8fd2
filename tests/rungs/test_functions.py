"""What a workload becomes on serverless: functions with limits, a network where it is needed, refusals."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from tests.rungs.reusing import reusing
from tests.rungs.simulation import allowed, reachable
from tests.rungs.test_designs import assert_sound

from rung import Objectives, Traffic, Workload
from rung.errors import ModelError
from rung.model.graph import Graph
from rung.parts.compute import EcsJob, ScheduledTask
from rung.parts.data import AuroraCluster
from rung.parts.design import Design
from rung.parts.edge import Distribution, LoadBalancer
from rung.parts.functions import HttpApi, LambdaFunction
from rung.parts.messaging import SqsQueue
from rung.parts.network import Network
from rung.parts.operations import Alarm, Objective
from rung.rungs import place
from rung.rungs.explaining import access_of


def function(design: Design, name: str) -> LambdaFunction:
    part = design.part(name)
    assert isinstance(part, LambdaFunction)
    return part


def light() -> Workload:
    """Tables, queues and hosts outside alone: nothing of it is inside of a network."""
    work = Workload("tea")
    cups, mails = work.table("cups", partition_key="id"), work.queue("mails")
    pay = work.external("api.example.com", port=443)
    api = work.service("api", app="tea.api:app", health="/health", uses=[cups, mails.send, pay])
    work.worker("mailer", handler="tea.mail:send", consumes=mails)
    work.schedule("tidy", every="1 hour", handler="tea.tidy:run", uses=[cups])
    work.route("/*", api)
    work.notify("email:a@example.com")
    return work


def heavy(**service: Any) -> Workload:
    work = light()
    db = work.postgres("db", migrations="migrations")
    orders = work.service("orders", app="tea.orders:app", health="/health", uses=[db], **service)
    work.route("/orders/*", orders)
    return work


def test_without_a_database_nothing_is_paid_for_by_the_hour() -> None:
    design = place(light().freeze(), "prod", rung="serverless")
    assert_sound(light().freeze(), design)
    assert not design.of(Network)
    assert not design.of(LoadBalancer)
    assert not any(part.in_network for part in design.of(LambdaFunction))
    assert not [each for each in design.connections if each.source in ("api", "mailer", "tidy")]


def test_what_reaches_a_database_is_inside_and_the_rest_is_not() -> None:
    design = place(heavy().freeze(), "prod", rung="serverless")
    inside = {part.name for part in design.of(LambdaFunction) if part.in_network}
    assert inside == {"orders", "db-migrate"}
    (network,) = design.of(Network)
    assert (network.nat, network.interface_endpoints) == ("none", ("secretsmanager",))
    assert ("db", 5432) in reachable(design, "orders")
    assert reachable(design, "api") == set()


def test_a_way_out_stands_only_where_a_function_inside_talks_to_somebody_outside() -> None:
    work = heavy()
    pay, ledger = work.external("pay.example.com", port=443), work.postgres("ledger")
    work.schedule("settle", every="1 hour", handler="tea.settle:run", uses=[ledger, pay])
    (network,) = place(work.freeze(), "prod", rung="serverless").of(Network)
    assert network.nat == "single"
    assert "settle" in network.why


def test_a_visitor_arrives_by_cloudfront_and_the_api(shop: Graph) -> None:
    design = place(shop, "prod", rung="serverless")
    (door,), (api,) = design.of(Distribution), design.of(HttpApi)
    assert door.api == api.name
    assert door.load_balancer is None
    assert [each.target for each in api.forwards] == ["api"]
    assert api.requests_per_second == 12_000, "the peak of 10,000 and a fifth"
    (objective,) = design.of(Objective)
    assert objective.load_balancer == api.name


def test_concurrency_follows_the_peak_and_the_database_has_room_for_it(shop: Graph) -> None:
    design = place(shop, "prod", rung="serverless")
    api, (db,) = function(design, "api"), design.of(AuroraCluster)
    assert api.reserved_concurrency == 750, "10,000 requests/s of 50 ms, and half as many again"
    assert db.min_acu > 0.5, "0.5 ACU allow 2,000 connections at most"
    assert {each.name: each.value for each in api.variables}["AWS_LWA_PORT"] == "8000"


def test_a_queue_starts_its_worker_with_batches(shop: Graph) -> None:
    design = place(shop, "prod", rung="serverless")
    fulfil = function(design, "fulfil")
    assert [each.queue for each in fulfil.sources] == ["orders-payment", "orders-fulfilment", "orders-analytics"]
    assert {each.batch_size for each in fulfil.sources} == {10}
    assert fulfil.most_at_once == sum(each.most_batches for each in fulfil.sources) == 6
    assert fulfil.usual_seconds == 0.02
    assert fulfil.timeout_seconds == 30
    queue = design.of(SqsQueue)[0]
    arn = f"{queue.name}.arn"
    assert allowed(design, "fulfil", "sqs:ReceiveMessage", arn), "the mapping receives as the function"


def test_a_batch_ends_in_time() -> None:
    work = light()
    slow = work.queue("slow")
    work.worker("render", handler="tea.render:run", consumes=slow, deadline="10m", concurrency=2)
    render = function(place(work.freeze(), "prod", rung="serverless"), "render")
    assert render.sources[0].batch_size == 2
    assert render.timeout_seconds == 605


def test_a_schedule_is_a_function_that_never_runs_twice_at_once(shop: Graph) -> None:
    design = place(shop, "prod", rung="serverless")
    carts = function(design, "expire-carts")
    assert (carts.role, carts.reserved_concurrency, carts.handler) == ("schedule", 1, "shop.carts:expire")
    assert "expire-carts" in {each.job for each in design.of(ScheduledTask)}


def test_what_takes_longer_than_a_function_is_a_task() -> None:
    work = light()
    work.job("import", handler="tea.import_:run", deadline="3h")
    work.job("short", handler="tea.short:run", deadline="5m")
    work.schedule("report", cron="0 5 * * *", handler="tea.report:run", deadline="1h")
    design = place(work.freeze(), "prod", rung="serverless")
    assert {part.name for part in design.of(EcsJob)} == {"import", "report"}
    assert function(design, "short").timeout_seconds == 305
    assert ("internet", 443) in reachable(design, "import")


def test_a_job_is_started_by_whoever_may(shop: Graph) -> None:
    work = light()
    short = work.job("short", handler="tea.short:run", deadline="5m")
    desk = work.service("desk", app="tea.desk:app", health="/health", uses=[short.run])
    work.route("/desk/*", desk)
    graph = work.freeze()
    design = place(graph, "prod", rung="serverless")
    assert allowed(design, "desk", "lambda:InvokeFunction", "short.arn")
    assert allowed(design, "api", "lambda:InvokeFunction", "short.arn") is None
    explanation = access_of(graph, design, "short")
    assert [right.who for right in explanation.open_to] == ["desk"]


def test_aurora_pauses_where_nobody_was_promised_anything() -> None:
    def database(promised: bool) -> AuroraCluster:
        work = heavy()
        if promised:
            work.objectives(Objectives(p99="200ms"))
        (found,) = place(work.freeze(), "prod", rung="serverless").of(AuroraCluster)
        return found

    assert (database(False).min_acu, database(False).pause_seconds) == (0.0, 300)
    assert database(True).min_acu >= 0.5


def test_functions_and_their_api_are_watched(shop: Graph) -> None:
    design = place(shop, "prod", rung="serverless")
    watched = {alarm.part for alarm in design.of(Alarm)}
    assert {part.name for part in (*design.of(LambdaFunction), *design.of(HttpApi))} <= watched
    names = {alarm.name for alarm in design.of(Alarm)}
    assert {"api-errors", "api-throttled", "api-slow", "http-api-errors"} <= names


def slow_answer(work: Workload) -> None:
    work.service("report", app="tea.report:app", health="/health", deadline="2m")


def slow_message(work: Workload) -> None:
    work.worker("film", handler="tea.film:run", consumes=work.queue("films"), deadline="20m")


def sticky(work: Workload) -> None:
    work.route("/live/*", work.service("live", app="tea.live:app", health="/health"), sticky=True)


def celery(work: Workload) -> None:
    work.worker("film", command=["celery", "worker"], consumes=work.queue("films"))


def in_a_table(work: Workload) -> None:
    work.postgres("db")
    work.worker("film", handler="tea.film:run", consumes=work.queue("films", broker="postgres"))


def often(work: Workload) -> None:
    work.schedule("tick", every="10s", handler="tea.tick:run")


def called(work: Workload) -> None:
    back = work.service("back", app="tea.back:app", health="/health")
    work.route("/f/*", work.service("front", app="tea.front:app", health="/health", uses=[back.call]))


def by_host(work: Workload) -> None:
    work.route("/*", work.service("admin", app="tea.admin:app", health="/health"), host="admin.example.com")


def large(work: Workload) -> None:
    work.worker("film", handler="tea.film:run", consumes=work.queue("films"), memory=16_384)


def elsewhere(work: Workload) -> None:
    share = work.files("share", mount="/data")
    work.service("album", app="tea.album:app", health="/health", uses=[share])


@pytest.mark.parametrize(
    ("declare", "code", "node"),
    [
        (slow_answer, "R0817", "report"), (slow_message, "R0817", "film"), (sticky, "R0818", "/live/*"),
        (celery, "R0819", "film"), (in_a_table, "R0819", "film"), (often, "R0819", "tick"),
        (called, "R0820", "back"), (by_host, "R0820", "admin.example.com"), (large, "R0821", "film"),
        (elsewhere, "R0821", "album"),
    ],
)  # fmt: skip
def test_what_no_function_can_hold(declare: Callable[[Workload], None], code: str, node: str) -> None:
    work = light()
    declare(work)
    graph = work.freeze()
    with pytest.raises(ModelError) as caught:
        place(graph, "prod", rung="serverless")
    (finding,) = caught.value.findings
    assert finding.code == code
    assert node in finding.message
    assert "rung='fargate'" in (finding.help or "")
    assert finding.location is not None
    assert place(graph, "prod", rung="fargate").parts, "the rung that is named can hold it"


def test_a_firewall_stands_before_cloudfront_alone() -> None:
    work = light()
    work.environment("dev", rung="serverless", distribution=False, firewall=True)
    with pytest.raises(ModelError) as caught:
        place(work.freeze(), "dev")
    assert [finding.code for finding in caught.value.findings] == ["R0805"]


def test_a_quota_that_must_be_raised_is_named() -> None:
    work = light()
    work.traffic(Traffic(concurrent_users=200_000, think_time="10s"))
    api = function(place(work.freeze(), "prod", rung="serverless"), "api")
    assert api.reserved_concurrency == 1_500
    assert "a quota of 1,601 executions" in api.why, "a schedule keeps one, and a hundred cannot be kept"


def concurrency(count: int, **traffic: Any) -> list[int | None]:
    work = Workload("tea")
    for number in range(count):
        service = work.service(f"s{number}", app="tea.api:app", health="/health")
        work.route(f"/s{number}/*", service)
    work.traffic(Traffic(concurrent_users=10_000, think_time="10s", **traffic))
    work.notify("email:a@example.com")
    design = place(work.freeze(), "prod", rung="serverless")
    return [part.reserved_concurrency for part in design.of(LambdaFunction)]


def test_services_share_the_visitors() -> None:
    """1,000 requests/s of 50 ms, half as many again: 75. Without a mix, twice an even share for each."""
    assert concurrency(1) == [75]
    assert concurrency(5) == [30] * 5
    assert concurrency(2, routes={"/s0/cart": 0.8, "/s1/": 0.2}) == [60, 15]
    assert concurrency(2, routes={"/s0/cart": 1.0}) == [75, 10], "never none: the mix may change"


def test_more_functions_than_a_database_has_connections_for() -> None:
    work = Workload("tea")
    db = work.postgres("db")
    work.route("/*", work.service("api", app="tea.api:app", health="/health", uses=[db]))
    work.traffic(Traffic(concurrent_users=800_000, think_time="10s"))
    work.notify("email:a@example.com")
    with pytest.raises(ModelError) as caught:
        place(work.freeze(), "prod", rung="serverless")
    (finding,) = caught.value.findings
    assert finding.code == "R0816"
    assert "6000 with every one of them" in (finding.found or "")
    assert "share a pool" in (finding.help or "")


def test_a_size_of_the_environment_counts() -> None:
    work = heavy()
    work.environment("dev", rung="serverless", sizes={"orders": {"reserved_concurrency": 4_000}})
    with pytest.raises(ModelError) as caught:
        place(work.freeze(), "dev")
    assert [finding.code for finding in caught.value.findings] == ["R0816"]


def test_a_message_is_hidden_for_six_batches(shop: Graph) -> None:
    hidden = {each.visibility_timeout_seconds for each in place(shop, "prod", rung="serverless").of(SqsQueue)}
    assert hidden == {6 * 30}
    assert {each.visibility_timeout_seconds for each in place(shop, "prod").of(SqsQueue)} == {30}


def test_functions_find_what_is_there_already() -> None:
    """A database, a cache and a queue of others: reached at their own ports, and not made."""
    made = place(reusing().freeze(), "prod", rung="serverless")
    kinds = {part.kind for part in made.parts}
    assert not kinds & {"aurora_cluster", "cache_group", "sqs_queue", "load_balancer"}
    assert made.dangling() == ()
    assert {("api", 5433), ("db-migrate", 5433)} <= {
        (each.source, each.port) for each in made.connections if each.target == "db"
    }


def test_a_load_balancer_of_others_has_no_place_before_functions() -> None:
    with pytest.raises(ModelError) as caught:
        place(reusing(rung="serverless").freeze(), "prod")
    assert [finding.code for finding in caught.value.findings] == ["R0805"]
