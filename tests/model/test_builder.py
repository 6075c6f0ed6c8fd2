"""The calls of a workload file give the nodes, edges and places that the design promises."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from rung import Business, Environment, ExistingVpc, Objectives, OfficeHours, Queue, Service, Traffic, Workload
from rung.errors import ModelError
from rung.model.edges import Edge, Use
from rung.model.environments import Sizing
from rung.model.graph import Graph, bindings_of, in_environment, startup_order
from rung.model.nodes import Override, Postgres, Route, Rule, Worker


def test_the_example_of_the_design_is_what_it_says(design_example: Graph) -> None:
    graph = design_example
    (orders,) = graph.of(Queue)
    assert orders == Queue(name="orders", lanes=("payment", "fulfilment", "analytics"), max_receive_count=5)
    assert Edge(source="api", target="orders", verb="send") in graph.edges
    assert Edge(source="fulfil", target="orders", verb="consume") in graph.edges
    assert [route.target for route in graph.of(Route)] == ["api", "web"]
    assert graph.traffic is not None
    assert graph.traffic.requests_per_second() == 1_000
    assert graph.traffic.messages[0].queue == "orders"
    assert graph.objectives is not None
    assert graph.objectives.availability == 0.9995


def test_a_node_knows_the_line_that_defined_it(design_example: Graph) -> None:
    place = design_example.location("orders")
    assert place is not None
    assert Path(place.file).name == "conftest.py"
    assert place.text.startswith('orders = shop.queue("orders"')


def test_a_process_is_bound_to_exactly_what_it_uses(design_example: Graph) -> None:
    graph = design_example
    assert bindings_of(graph, "api") == (
        Use(target="db", verbs=("read", "write")),
        Use(target="cache", verbs=("read", "write")),
        Use(target="orders", verbs=("send",)),
        Use(target="stripe-key", verbs=("read",)),
        Use(target="api-stripe-com", verbs=("connect",)),
    )
    assert bindings_of(graph, graph.node("fulfil"))[0] == Use(target="orders", verbs=("consume",))


def test_stores_come_before_processes_and_routes_last() -> None:
    shop = Workload("shop")
    web = shop.site("web", path="dist")
    shop.route("/*", web)
    late = shop.service("late", app="a:b", health="/h")
    early = shop.service("early", app="a:b", health="/h")
    shop.postgres("db")
    shop.start_after(late, early)
    order = [node.name for node in startup_order(shop.freeze())]
    assert order == ["db", "early", "late", "web", "/*"]


def test_a_cycle_does_not_hang_the_startup_order() -> None:
    shop = Workload("shop")
    first = shop.service("first", app="a:b", health="/h")
    second = shop.service("second", app="a:b", health="/h")
    shop.start_after(first, second)
    shop.start_after(second, first)
    assert {node.name for node in startup_order(shop.freeze())} == {"first", "second"}


def test_what_is_declared_later_can_be_used_and_said_later() -> None:
    shop = Workload("shop")
    orders = shop.queue("orders")
    first = shop.service("first", app="a:b", uses=[orders.send])
    second = shop.service("second", app="a:b", uses=[first])
    shop.use(first, second.call)
    orders.drained_by("external")
    graph = shop.freeze()
    assert Edge(source="first", target="second", verb="call") in graph.edges
    assert graph.of(Queue)[0].drained_by == "external"


def test_a_rule_is_a_filter_a_target_and_a_dead_letter_queue() -> None:
    events = Workload("events")
    bus = events.bus("bus")
    dead, work = events.queue("dead"), events.queue("work")
    events.rule("paid", bus=bus, pattern={"type": ["paid"]}, target=work, dead_letter=dead)
    graph = events.freeze()
    assert graph.of(Rule)[0].pattern == '{"type": ["paid"]}'
    assert {(edge.source, edge.target) for edge in graph.edges} == {
        ("bus", "paid"),
        ("paid", "work"),
        ("paid", "dead"),
    }


def test_an_environment_changes_what_it_says_and_nothing_else() -> None:
    shop = Workload("shop")
    db = shop.postgres("db")
    api = shop.service("api", app="a:b", health="/h", uses=[db])
    shop.environment("staging", overrides={api: {"max_tasks": 2, "deadline": "10s"}, db: {"backup_days": 1}})
    graph = shop.freeze()
    staging = in_environment(graph, "staging")
    assert staging.of(Service)[0].max_tasks == 2
    assert staging.of(Service)[0].deadline_seconds == 10.0
    assert staging.of(Postgres)[0].backup_days == 1
    assert graph.of(Service)[0].max_tasks == 4
    assert staging.edges == graph.edges


def test_an_override_is_kept_under_its_stored_name() -> None:
    shop = Workload("shop")
    orders = shop.queue("orders")
    slow = shop.worker("slow", handler="a:b", consumes=orders)
    shop.environment("qa", overrides={slow: {"acceptable_latency": "5m", "memory": 512}})
    assert shop.freeze().nodes[-1].overrides == (  # type: ignore[union-attr]
        Override(node="slow", field="acceptable_latency_seconds", value=300.0),
        Override(node="slow", field="memory_mib", value=512),
    )


def test_every_mistake_in_the_calls_is_reported_at_its_line() -> None:
    shop = Workload("shop")
    orders = shop.queue("orders", visibility_timeout="soon", max_receive_count="five")  # type: ignore[arg-type]
    shop.service("api", app="a:b", uses=["orders", orders])  # type: ignore[list-item]
    shop.worker("fulfil", handler="a:b", consumes="order")  # type: ignore[arg-type]
    shop.queue("mail", broker="kafka")
    with pytest.raises(ModelError) as caught:
        shop.freeze()
    findings = caught.value.findings
    assert [finding.code for finding in findings] == ["R0207", "R0207", "R0208", "R0208", "R0208", "R0207"]
    assert findings[0].location is not None
    assert findings[0].location.text.startswith("orders = shop.queue")
    assert "'soon' is not a duration" in findings[0].found
    assert 'pass the variable that holds "orders"' in findings[2].help
    assert "orders.send or orders.consume" in findings[3].help
    assert 'pass the variable that holds "orders"' in findings[4].help
    assert "one of 'postgres', 'redis', 'rabbitmq', 'sqs'" in findings[5].found


def test_what_is_no_dict_is_refused() -> None:
    shop = Workload("shop")
    db = shop.postgres("db")
    shop.environment("qa", overrides=[1])  # type: ignore[arg-type]
    shop.environment("staging", overrides={db: 5})  # type: ignore[dict-item]
    assert [problem.code for problem in shop.problems] == ["R0207", "R0207"]
    with pytest.raises(ValueError, match="is no dict"):
        Traffic(concurrent_users=1, messages=5)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="is no dict"):
        Objectives(routes=[1])  # type: ignore[arg-type]


def test_a_node_of_another_workload_is_refused() -> None:
    other = Workload("other").postgres("db")
    shop = Workload("shop")
    shop.service("api", app="a:b", uses=[other])
    with pytest.raises(ModelError, match="R0208"):
        shop.freeze()


def test_facts_are_stated_once() -> None:
    shop = Workload("shop")
    shop.business(Business(engineers=1))
    shop.business(Business(engineers=2))
    with pytest.raises(ModelError, match="R0213"):
        shop.freeze()


def test_unordered_lanes_are_remembered_as_such() -> None:
    shop = Workload("shop")
    shop.queue("orders", lanes=frozenset({"b", "a"}))
    assert shop.freeze().of(Queue)[0].lanes == ("a", "b")
    assert not shop.freeze().of(Queue)[0].lanes_ordered


def test_whole_numbers_become_the_floats_that_fields_promise() -> None:
    shop = Workload("shop")
    orders = shop.queue("orders")
    shop.worker("fulfil", handler="a:b", consumes=orders, cpu=1)
    assert isinstance(shop.freeze().of(Worker)[0].cpu, float)


def test_an_environment_says_what_differs_and_nothing_else() -> None:
    shop = Workload("shop", repository="acme/shop")
    db = shop.postgres("db")
    shop.environment(
        "qa", rung="host", region="eu-north-1", scale=0.5, nat="none", stop_when_idle=True,
        office_hours=OfficeHours(stop="18:00"), existing_vpc=ExistingVpc(vpc_id="vpc-1", private=("a", "b")),
        sizes={db: {"min_acu": 1}, "firewall": {"blocked_countries": ["KP"]}},
    )  # fmt: skip
    graph = shop.freeze()
    environment = graph.of(Environment)[0]
    assert graph.repository == "acme/shop"
    assert environment.stop_when_idle_seconds == 4 * 3_600
    assert environment.sizes == (
        Sizing(part="db", field="min_acu", value=1),
        Sizing(part="firewall", field="blocked_countries", value=("KP",)),
    )
    assert (environment.rung, environment.region, environment.scale) == ("host", "eu-north-1", 0.5)


@pytest.mark.parametrize(
    "values",
    [{"rung": "mainframe"}, {"scale": "half"}, {"nat": "two"}, {"office_hours": "9 to 5"}, {"sizes": {"db": 5}}],
)
def test_an_environment_refuses_what_it_does_not_understand(values: dict[str, Any]) -> None:
    shop = Workload("shop")
    shop.environment("qa", **values)
    with pytest.raises(ModelError) as caught:
        shop.freeze()
    assert {finding.code for finding in caught.value.findings} == {"R0207"}
