"""The plan is pure: the graph and the facts of a machine give processes, and bindings follow the edges alone."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import msgspec
import pytest

from rung import Objectives, Traffic, Workload
from rung.local.machine import Database, Machine, inherited
from rung.local.plan import listening_services, plan, pool_size_of, shared_services
from rung.local.specification import Listening, ProcessSpec
from rung.model.graph import Graph
from rung.model.nodes import Postgres
from rung.runtime.bindings import PostgresBinding, QueueBinding, binding


def database(name: str) -> Database:
    return Database(
        name=name,
        owner_url=f"postgresql://owner@here/{name}",
        serving_url=f"postgresql://app@here/{name}",
        carrier_url=f"postgresql://queue@here/{name}",
        serving_role="app",
        carrier_role="queue",
    )


def machine(graph: Graph, **changes: object) -> Machine:
    databases = {node.name: database(f"w_{node.name}") for node in graph.of(Postgres)}
    facts = {
        "python": "/python",
        "folder": Path("/w"),
        "state": Path("/w/.rung"),
        "host": "127.0.0.1",
        "port": 8000,
        "environment": {"PATH": "/bin"},
        "ports": {node.name: 9000 + number for number, node in enumerate(listening_services(graph))},
        "databases": databases,
        "carrier": next(iter(databases.values()), database("w_rung")),
        "caches": {"cache": "redis://here/0"},
        "secrets": {"stripe-key": Path("/w/.rung/secrets/stripe-key")},
    }
    return Machine(**{**facts, **changes})  # type: ignore[arg-type]


def planned(workload: Workload, **changes: object) -> dict[str, ProcessSpec]:
    graph = workload.freeze()
    chosen = plan(graph, machine(graph, **changes))
    return {spec.name: spec for spec in (*chosen.processes, *chosen.jobs)}


def bound(spec: ProcessSpec) -> set[str]:
    return {name for name in spec.environment if name.startswith("RUNG_BINDING_")}


def shop() -> Workload:
    workload = Workload("shop")
    db = workload.postgres("db")
    cache = workload.cache("cache")
    orders = workload.queue("orders", lanes=("payment", "default"))
    stripe = workload.secret("stripe-key")
    workload.service("api", app="shop.api:app", uses=[db, cache, orders.send, stripe])
    workload.worker("fulfil", handler="shop.fulfil:handle", consumes=orders, lanes=("payment",), uses=[db])
    workload.schedule("expire", every="1 minute", handler="shop.carts:expire", uses=[db])
    workload.job("seed", handler="shop.seed:seed", uses=[db], on_first_start=True)
    return workload


def test_bindings_follow_the_edges_and_nothing_else() -> None:
    specs = planned(shop())
    assert bound(specs["gateway"]) == {
        "RUNG_BINDING_DB", "RUNG_BINDING_CACHE", "RUNG_BINDING_ORDERS", "RUNG_BINDING_STRIPE_KEY",
    }  # fmt: skip
    assert bound(specs["fulfil"]) == {"RUNG_BINDING_ORDERS", "RUNG_BINDING_DB"}
    assert bound(specs["expire"]) == {"RUNG_BINDING_DB"}


def test_no_process_gets_the_owner_of_a_database() -> None:
    for spec in planned(shop()).values():
        assert "owner@" not in " ".join([*spec.environment.values(), *spec.command])


def test_a_sender_gets_a_role_that_reaches_no_table() -> None:
    workload = Workload("w")
    orders = workload.queue("orders")
    workload.service("api", app="a:b", uses=[orders.send])
    (spec,) = planned(workload).values()
    assert binding("orders", QueueBinding, spec.environment).url == "postgresql://queue@here/w_rung"
    assert "DATABASE_URL" not in spec.environment


def test_a_queue_elsewhere_has_its_outbox_where_the_process_has_its_transactions() -> None:
    workload = Workload("w")
    db = workload.postgres("db")
    orders = workload.queue("orders", broker="redis", delay="2s")
    workload.service("api", app="w.api:app", uses=[db, orders.send])
    workload.service("edge", app="w.edge:app", uses=[orders.send])
    workload.worker("fulfil", handler="w.fulfil:handle", consumes=orders)
    specs = planned(workload, brokers={"redis": "redis://queues/0"})
    found = {
        name: binding("orders", QueueBinding, spec.environment)
        for name, spec in specs.items()
        if "RUNG_BINDING_ORDERS" in spec.environment
    }
    assert {(each.adapter, each.url, each.delay_seconds) for each in found.values()} == {
        ("redis", "redis://queues/0", 2.0)
    }
    assert sorted(each.outbox_url for each in found.values()) == ["", "", "postgresql://queue@here/w_db"]


def test_programs_without_rung_find_the_plain_forms() -> None:
    environment = planned(shop())["gateway"].environment
    assert environment["DATABASE_URL"] == environment["DB_URL"] == "postgresql://app@here/w_db"
    assert environment["REDIS_URL"] == environment["CACHE_URL"] == "redis://here/0"
    assert environment["STRIPE_KEY_FILE"] == "/w/.rung/secrets/stripe-key"


def test_the_shell_s_bindings_and_secrets_are_not_inherited() -> None:
    shell = {"PATH": "/bin", "RUNG_SECRET_X": "sk", "RUNG_BINDING_X": "{}", "DATABASE_URL": "x", "LANG": "C"}
    assert inherited(shell) == {"PATH": "/bin", "LANG": "C"}


def test_who_looks_closer_is_heard() -> None:
    """`RUNG_TRACE=always rung dev` records every action, as the how-to says."""
    shell = {"RUNG_TRACE": "always", "RUNG_LOG_LEVEL": "debug", "RUNG_TRACES": "not ours to pass on"}
    assert inherited(shell) == {"RUNG_TRACE": "always", "RUNG_LOG_LEVEL": "debug"}


def test_programs_of_this_environment_are_found_before_the_system_s() -> None:
    for spec in planned(shop(), python="/here/.venv/bin/python", environment={"PATH": "/usr/bin"}).values():
        assert spec.environment["PATH"] == f"/here/.venv/bin{os.pathsep}/usr/bin"


def test_services_with_other_grants_are_kept_apart() -> None:
    workload = Workload("w")
    stripe = workload.secret("stripe-key")
    workload.service("api", app="a:b")
    workload.service("pages", app="c:d")
    workload.service("pay", app="e:f", uses=[stripe])
    specs = planned(workload)
    assert set(specs) == {"gateway", "pay"}
    assert bound(specs["gateway"]) == set()
    assert bound(specs["pay"]) == {"RUNG_BINDING_STRIPE_KEY"}
    assert specs["gateway"].entries == ("a:b", "c:d")


def test_a_service_that_is_called_has_an_address_of_its_own() -> None:
    workload = Workload("w")
    search = workload.service("search", app="s:app")
    workload.service("api", app="a:b", uses=[search])
    graph = workload.freeze()
    assert [each.name for each in shared_services(graph)] == ["api"]
    assert planned(workload)["gateway"].environment["SEARCH_URL"] == "http://127.0.0.1:9000"


def test_a_command_is_told_its_port_and_is_ready_when_it_listens() -> None:
    workload = Workload("w")
    workload.service("old", command="gunicorn -b 127.0.0.1:{port} old:app", port=8080)
    spec = planned(workload)["old"]
    assert spec.command == ("gunicorn", "-b", "127.0.0.1:9000", "old:app")
    assert spec.environment["PORT"] == "9000"
    assert spec.ready == Listening(port=9000)


def test_the_worker_s_command_says_all_that_the_graph_says() -> None:
    command = " ".join(planned(shop())["fulfil"].command)
    assert command.startswith("/python -m rung.runtime.worker --name fulfil --queue orders ")
    assert "--handler shop.fulfil:handle --lanes payment --concurrency 10 --deadline-seconds 25" in command


def test_schedules_of_equal_grants_share_a_process() -> None:
    workload = Workload("w")
    db = workload.postgres("db")
    for name in ("one", "two"):
        workload.schedule(name, every="1 minute", handler=f"x:{name}", uses=[db])
    workload.schedule("alone", cron="0 3 * * *", timezone="Europe/Berlin", handler="x:alone")
    graph = workload.freeze()
    chosen = plan(graph, machine(graph))
    assert {spec.name for spec in chosen.processes} == {"one+1", "alone"}
    shared = chosen.files["schedules-one.json"]
    assert [(each["name"], each["expression"]) for each in shared] == [("one", "60s"), ("two", "60s")]  # type: ignore[attr-defined]
    (alone,) = chosen.files["schedules-alone.json"]  # type: ignore[misc]
    assert (alone["expression"], alone["timezone"]) == ("0 3 * * *", "Europe/Berlin")


def test_all_pools_together_stay_below_the_server_s_limit() -> None:
    graph = shop().freeze()
    size = pool_size_of(graph, machine(graph, gateway_workers=2))
    processes = 2 + 4 + 1 + 1  # gateway, worker at its most, schedule, job
    assert (size + 5) * processes <= 80
    found = binding("db", PostgresBinding, planned(shop(), gateway_workers=2)["gateway"].environment)
    assert found.pool_size == size


def test_the_worker_scales_by_its_own_policy() -> None:
    graph = shop().freeze()
    (scaling,) = plan(graph, machine(graph)).scaling
    assert (scaling.worker, scaling.queue, scaling.lanes) == ("fulfil", "orders", ("payment",))
    assert (scaling.policy.min_tasks, scaling.policy.max_tasks) == (1, 4)
    assert scaling.policy.scale_in_cooldown_seconds == pytest.approx(15)


def test_other_routes_make_another_gateway() -> None:
    workload, again = shop(), shop()
    again.site("web", path="web")
    assert planned(workload)["gateway"] == planned(shop())["gateway"]
    assert planned(workload)["gateway"] != planned(again)["gateway"]


def test_the_graph_says_which_paths_are_refused_last_and_which_have_metrics() -> None:
    """The gateway and a service of its own hear it alike; a graph that says nothing sets nothing."""
    workload = shop()
    assert not [name for name in planned(workload)["gateway"].environment if name.startswith("RUNG_HTTP")]
    workload.objectives(Objectives(routes={"/api/products": "25ms"}, critical=["/api/checkout", "/api/cart"]))
    workload.traffic(Traffic(concurrent_users=10, routes={"/api/products": 0.9, "/api/products/*": 0.1}))
    environment = planned(workload)["gateway"].environment
    assert environment["RUNG_HTTP_PRIORITIES"] == "/api/checkout=critical,/api/cart=critical"
    assert environment["RUNG_HTTP_ROUTES"] == "/api/products,/api/products/"


def test_without_routes_the_first_site_or_service_is_everywhere() -> None:
    graph = shop().freeze()
    table = plan(graph, machine(graph)).files["routes.json"]
    assert table["routes"] == [{"path": "/*", "host": None, "target": "api", "sticky": False}]  # type: ignore[index]


def test_what_nothing_stands_in_for_is_a_warning_at_its_line() -> None:
    workload = Workload("w")
    workload.search("texts")
    graph = workload.freeze()
    (finding,) = plan(graph, machine(graph)).findings
    assert (finding.code, finding.severity) == ("R0317", "warning")
    assert finding.location is not None
    assert "texts" in finding.location.text


def eventful(*, attempts: int = 185) -> Workload:
    """A service that puts, one that takes, a queue with its worker, and a rule to each."""
    workload = Workload("w")
    events = workload.bus("events", archive="2 days")
    dead = workload.queue("dead")
    mails = workload.queue("mails")
    worker = workload.worker("mailer", handler="w:mail", consumes=mails)
    taker = workload.service("taker", app="w:taker")
    workload.service("shop", app="w:shop", uses=[events])
    workload.rule("to-mailer", bus=events, pattern={"source": ["shop"]}, target=worker, dead_letter=dead)
    workload.rule(
        "to-taker", bus=events, pattern={"source": ["shop"]}, target=taker, path="/events", max_attempts=attempts
    )
    return workload


def test_a_bus_has_a_router_with_its_rules_and_what_they_deliver_to_and_nothing_else() -> None:
    specs = planned(eventful())
    router = specs["events"]
    assert router.command[1:5] == ("-m", "rung.runtime.bus", "--name", "events")
    bindings = {name for name in router.environment if name.startswith("RUNG_BINDING_")}
    assert bindings == {f"RUNG_BINDING_{name}" for name in ("EVENTS", "MAILS", "DEAD", "TAKER")}
    assert router.needs == ("taker",)
    assert "taker" in specs, "a service that a rule calls has a port of its own"
    assert "RUNG_BINDING_EVENTS" in specs["gateway"].environment
    graph = eventful().freeze()
    rules: Any = plan(graph, machine(graph)).files["rules-events.json"]
    assert [(each["name"], each["target"]["kind"]) for each in rules] == [
        ("to-mailer", "queue"),
        ("to-taker", "service"),
    ]
    assert rules[0]["dead_letter"] == "dead"


def test_a_rule_starts_a_workflow_and_calls_a_host_outside() -> None:
    workload = Workload("w")
    events = workload.bus("events")
    onboarding = workload.workflow("onboarding", handler="w:onboard")
    crm = workload.external("crm.example.org")
    workload.rule("starts", bus=events, pattern={"source": ["shop"]}, target=onboarding)
    workload.rule("tells", bus=events, pattern={"source": ["shop"]}, target=crm, path="/events")
    graph = workload.freeze()
    chosen = plan(graph, machine(graph))
    rules: Any = chosen.files["rules-events.json"]
    assert [each["target"]["kind"] for each in rules] == ["workflow", "webhook"]
    assert not chosen.findings
    (router,) = (spec for spec in chosen.processes if spec.name == "events")
    assert {"RUNG_BINDING_ONBOARDING", "RUNG_BINDING_CRM_EXAMPLE_ORG"} <= router.environment.keys()


def test_another_rule_changes_the_router_and_no_other_process() -> None:
    before, after = planned(eventful()), planned(eventful(attempts=3))
    assert {name for name in before if before[name] != after[name]} == {"events"}


def test_a_secret_in_a_specification_is_not_shown() -> None:
    specs = planned(shop(), environment={"PGPASSWORD": "hunter2"})
    assert "hunter2" not in repr(specs)
    assert msgspec.json.encode(specs["gateway"].environment)


def test_a_workflow_has_a_process_with_its_own_binding_and_starters_have_it_too() -> None:
    workload = Workload("w")
    flow = workload.workflow("flow", handler="pkg.flow:run", concurrency=7, variables={"MODE": "x"})
    workload.service("api", app="pkg.app:app", uses=[flow.start])
    graph = workload.freeze()
    found = plan(graph, machine(graph))
    assert not found.findings
    (spec,) = [each for each in found.processes if each.kind == "workflow"]
    assert spec.command[1:] == (
        "-m", "rung.runtime.workflow", "--name", "flow", "--handler", "pkg.flow:run", "--concurrency", "7",
    )  # fmt: skip
    assert spec.environment["MODE"] == "x"
    assert spec.entries == ("pkg.flow:run",)
    for each in found.processes:
        binding = json.loads(each.environment["RUNG_BINDING_FLOW"])
        assert binding["kind"] == "workflow"
        assert binding["approval_key"].endswith("approval.key")
