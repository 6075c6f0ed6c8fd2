"""The router of a bus on a box, and the relay of one on EventBridge: what they are told and may do, what rings."""

from __future__ import annotations

import json

import pytest
from tests.rungs.simulation import access, allowed, without
from tests.rungs.test_designs import assert_sound

from rung import Workload
from rung.compose.values import text_of
from rung.errors import ModelError
from rung.model.edges import Edge
from rung.model.graph import Graph
from rung.parts.compute import Container, EcsService, Host, HostGroup, Stack
from rung.parts.design import Design
from rung.parts.messaging import EventBus, EventRule, SqsQueue
from rung.parts.operations import Alarm
from rung.price.bill import bill
from rung.price.book import shipped_book
from rung.rungs import place
from rung.rungs.routers import DELIVERY_SECONDS
from rung.rungs.setting import setting_of
from rung.runtime.bindings import (
    BusBinding,
    ExternalBinding,
    QueueBinding,
    ServiceBinding,
    WorkflowBinding,
    binding,
)
from rung.runtime.bus.__main__ import parse
from rung.runtime.bus.deliveries import QUEUE_SECONDS
from rung.runtime.bus.rules import (
    QueueTarget,
    Rule,
    ServiceTarget,
    WebhookTarget,
    WorkflowTarget,
    decode_rules,
)
from rung.runtime.bus.service import DEAD, NAMESPACE, WAITING


def router(design: Design) -> Stack:
    (box,) = design.of(Host)
    (found,) = (stack for stack in box.stacks if stack.name == "events-router")
    return found


def variables(design: Design) -> dict[str, str]:
    return {each.name: text_of(each.value) for each in router(design).container.variables}


def rules(design: Design) -> dict[str, Rule]:
    text = variables(design)["RUNG_BUS_RULES"].replace("$$", "$")  # compose's own escape
    return {rule.name: rule for rule in decode_rules(text)}


def test_it_is_a_container_that_the_runtime_can_start(market: Graph) -> None:
    design = place(market, "prod", rung="box")
    container = router(design).container
    assert container.command[:3] == ("python", "-m", "rung.runtime.bus")
    assert parse(container.command[3:]).name == "events"
    assert not design.of(EventBus)
    assert not design.of(EventRule)
    assert DELIVERY_SECONDS == QUEUE_SECONDS == WorkflowTarget(name="x").deadline_seconds


def test_it_is_told_its_rules_as_they_are_written(market: Graph) -> None:
    found = rules(place(market, "prod", rung="box"))
    assert {name: rule.target for name, rule in found.items()} == {
        "to-mails": QueueTarget(name="mails"),
        "to-flow": WorkflowTarget(name="flow"),
        "to-api": ServiceTarget(name="api", path="/events", deadline_seconds=2.0),
        "to-outside": WebhookTarget(name="hooks-example-com", path="/in", deadline_seconds=5.0),
    }
    assert found["to-mails"].dead_letter == "undelivered"
    assert json.loads(found["to-flow"].transform or "") == {"InputPath": "$.detail"}
    assert json.loads(found["to-api"].pattern) == {"detail-type": ["paid"]}


def test_it_has_a_binding_for_everything_that_it_delivers_to(market: Graph) -> None:
    told = variables(place(market, "prod", rung="box"))
    bus = binding("events", BusBinding, told)
    assert (bus.adapter, bus.archive_days) == ("postgres", 30)
    assert "market_events_router@db" in bus.url, "a role of its own"
    for name in ("mails", "undelivered"):
        assert binding(name, QueueBinding, told).url == bus.url, "beside the bus: written in its own transaction"
    assert binding("flow", WorkflowBinding, told).url == bus.url
    assert binding("api", ServiceBinding, told).url == "http://api:8000"
    assert binding("hooks-example-com", ExternalBinding, told).host == "hooks.example.com"


def test_who_publishes_has_the_bus_in_postgres(market: Graph) -> None:
    (box,) = place(market, "prod", rung="box").of(Host)
    (api,) = (stack for stack in box.stacks if stack.name == "api")
    told = {each.name: text_of(each.value) for each in api.container.variables}
    assert binding("events", BusBinding, told).url.startswith("postgresql://market_api@db")
    (migration,) = (stack for stack in box.stacks if stack.name == "db-migrate")
    assert migration.container.command[-6:] == (
        "--tables", "queues", "--tables", "events", "--tables", "workflows"
    )  # fmt: skip


@pytest.mark.parametrize("rule", ["to-mails", "to-flow", "to-api", "to-outside"])
@pytest.mark.parametrize("side", ["bus", "target"])
def test_a_rule_that_loses_an_edge_takes_what_the_router_may_do_for_it(
    market: Graph, rule: str, side: str
) -> None:
    before = place(market, "prod", rung="box")
    (target,) = (edge for edge in market.edges_from(rule) if edge.target != "undelivered")
    gone = Edge(source="events", target=rule, verb="deliver") if side == "bus" else target
    less = without(market, gone)
    after = place(less, "prod", rung="box")
    assert rule not in rules(after)
    assert set(rules(before)) - set(rules(after)) == {rule}
    bound = f"RUNG_BINDING_{target.target.upper().replace('-', '_')}"
    assert bound in variables(before)
    assert bound not in variables(after)
    assert not access(after) - access(before)


def test_it_leaves_the_machine_only_for_a_host_outside(market: Graph) -> None:
    design = place(market, "prod", rung="box")
    assert [(each.source, each.host) for each in design.egress] == [("box", "hooks.example.com")]
    (last,) = market.edges_from("to-outside")
    assert not place(without(market, last), "prod", rung="box").egress


def test_events_that_wait_and_dead_letters_ring(market: Graph) -> None:
    design = place(market, "prod", rung="box")
    found = [alarm for alarm in design.of(Alarm) if alarm.metrics[0].namespace == NAMESPACE]
    assert {alarm.metrics[0].name for alarm in found} == {WAITING, DEAD}
    assert {dict(alarm.metrics[0].dimensions)["Node"] for alarm in found} == {"events"}
    lines = {(line.part, line.item) for line in bill(design, market, shipped_book()).lines}
    assert ("events-router-dead-letters", "metric") in lines


def test_a_box_without_a_database_has_nowhere_to_keep_events() -> None:
    work = Workload("market")
    work.bus("events")
    with pytest.raises(ModelError) as caught:
        place(work.freeze(), "dev", rung="box")
    assert [finding.code for finding in caught.value.findings] == ["R0813"]


def test_a_rule_to_a_job_is_refused_where_a_router_delivers(market: Graph) -> None:
    work = Workload("market")
    work.postgres("db")
    render = work.job("render", handler="market.render:run")
    work.rule("new", bus=work.bus("events"), pattern={"detail-type": ["new"]}, target=render)
    with pytest.raises(ModelError) as caught:
        place(work.freeze(), "dev", rung="box")
    assert [finding.code for finding in caught.value.findings] == ["R0801"]
    assert "a workflow" in caught.value.findings[0].help


def test_other_rungs_leave_a_bus_of_queues_to_eventbridge(atlas: Graph) -> None:
    assert not setting_of(atlas, "prod", "fargate").routers


def relay(design: Design, rung: str) -> Container:
    if rung == "fargate":
        (service,) = (part for part in design.of(EcsService) if part.name == "events-router")
        return service.container
    (hosts,) = design.of(HostGroup)
    (stack,) = (stack for stack in hosts.stacks if stack.name == "events-router")
    return stack.container


@pytest.mark.parametrize("rung", ["fargate", "host"])
def test_a_relay_brings_what_eventbridge_does_not(market: Graph, rung: str) -> None:
    """To a queue of SQS EventBridge delivers itself, as the transform makes it; else the event as it is."""
    design = place(market, "prod", rung=rung)
    found = {rule.name: rule for rule in design.of(EventRule)}
    assert {name: rule.target for name, rule in found.items()} == {
        "to-mails": "mails", "to-flow": "to-flow-deliveries", "to-api": "to-api-deliveries",
        "to-outside": "to-outside-deliveries",
    }  # fmt: skip
    assert found["to-flow"].transform is None
    container = relay(design, rung)
    options = parse(container.command[3:])
    assert (options.name, options.relay) == ("events", True)
    told = {each.name: text_of(each.value) for each in container.variables}
    rules = {rule.name: rule for rule in decode_rules(told["RUNG_BUS_RULES"].replace("$$", "$"))}
    assert set(rules) == {"to-flow", "to-api", "to-outside"}
    assert json.loads(rules["to-flow"].transform or "") == {"InputPath": "$.detail"}
    assert rules["to-flow"].arn == "${TO_FLOW_ARN}"
    queue = binding("events-deliveries", QueueBinding, told)
    assert queue.lanes == ("to-flow", "to-api", "to-outside")
    assert set(queue.urls) == set(queue.dead_letter_urls) == set(queue.lanes)
    assert binding("flow", WorkflowBinding, told).url.startswith("postgresql://")
    assert "RUNG_BINDING_MAILS" not in told
    assert "RUNG_BINDING_EVENTS" not in told, "it neither puts nor takes events of the bus"


def test_the_relay_of_fargate_has_a_role_of_its_own(market: Graph) -> None:
    design = place(market, "prod")
    for rule in ("to-flow", "to-api", "to-outside"):
        assert allowed(design, "events-router", "sqs:ReceiveMessage", f"{rule}-deliveries.arn")
        assert allowed(design, "events-router", "sqs:SendMessage", f"{rule}-deliveries.dead_letter_arn")
        (queue,) = (part for part in design.of(SqsQueue) if part.name == f"{rule}-deliveries")
        assert queue.rules == (rule,), "its rule may fill it"
    assert not allowed(design, "events-router", "events:PutEvents", "events.arn")
    assert not allowed(design, "events-router", "sqs:SendMessage", "mails.arn")
    ways = {(each.source, each.target, each.port) for each in design.connections}
    assert {("events-router", "api", 8000), ("events-router", "db", 5432)} <= ways
    assert [(each.source, each.host) for each in design.egress] == [("events-router", "hooks.example.com")]


@pytest.mark.parametrize("rung", ["fargate", "host"])
@pytest.mark.parametrize("rule", ["to-flow", "to-api", "to-outside"])
def test_a_relayed_rule_that_loses_an_edge_is_gone_with_its_queue(market: Graph, rung: str, rule: str) -> None:
    before = place(market, "prod", rung=rung)
    for edge in (Edge(source="events", target=rule, verb="deliver"), *market.edges_from(rule)):
        after = place(without(market, edge), "prod", rung=rung)
        assert not {rule, f"{rule}-deliveries"} & set(after.by_name)
        assert not access(after) - access(before)
        assert f"{rule}-deliveries.arn" not in {right[3] for right in access(after) if right[0] == "may"}


def test_its_task_and_its_queues_are_priced(market: Graph) -> None:
    lines = {(line.part, line.item) for line in bill(place(market, "prod"), market, shipped_book()).lines}
    assert {("events-router", "vCPU"), ("to-flow-deliveries", "requests")} <= lines


def test_a_queue_in_postgres_is_filled_by_the_relay() -> None:
    work = Workload("market")
    db = work.postgres("db")
    mails = work.queue("mails", broker="postgres")
    events = work.bus("events")
    work.rule("new", bus=events, pattern={"detail-type": ["new"]}, target=mails)
    work.service("api", app="market.api:app", health="/health", uses=[db, events])
    work.worker("mailer", handler="market.mail:send", consumes=mails)
    design = place(work.freeze(), "dev")
    told = {each.name: text_of(each.value) for each in relay(design, "fargate").variables}
    assert binding("mails", QueueBinding, told).adapter == "postgres"
    assert ("events-router", "db", 5432) in {(each.source, each.target, each.port) for each in design.connections}


@pytest.mark.parametrize("rung", ["box", "host", "fargate"])
def test_the_design_is_sound(market: Graph, rung: str) -> None:
    for environment in ("dev", "prod"):
        assert_sound(market, place(market, environment, rung=rung))
