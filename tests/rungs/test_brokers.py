"""Queues on Redis and RabbitMQ on AWS: one broker for all of a kind, whom it lets in, its price, its alarms."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tests.rungs.conftest import brokered
from tests.rungs.test_designs import assert_sound

from rung import Workload
from rung.errors import ModelError
from rung.model.graph import Graph
from rung.model.nodes import Environment
from rung.parts.compute import EcsJob, EcsService, HostGroup
from rung.parts.data import CacheGroup
from rung.parts.design import Design
from rung.parts.messaging import RabbitBroker, RedisBroker, SqsQueue
from rung.parts.operations import Alarm
from rung.parts.values import Document, Reference
from rung.price.bill import bill
from rung.price.book import PriceBook, PriceError
from rung.price.shelf import shipped_book
from rung.rungs import place
from rung.rungs.explaining import access_of
from rung.terraform.alarms import known_kinds
from rung.terraform.root import compile as compiled

GRAPH = brokered()
RUNGS = ("host", "fargate")


@pytest.fixture(scope="module")
def prod() -> Design:
    return place(GRAPH, "prod", rung="fargate")


def elsewhere(**environment: Any) -> Graph:
    """The same outside of production."""
    nodes = tuple(
        replace(node, name="dev", production=False, **environment) if isinstance(node, Environment) else node
        for node in GRAPH.nodes
    )
    return replace(GRAPH, nodes=nodes)


def told(design: Design, process: str) -> dict[str, dict[str, Any]]:
    """The bindings of a process, by variable."""
    containers = {part.name: part.container for part in design.of(EcsService)}
    containers |= {stack.name: stack.container for group in design.of(HostGroup) for stack in group.stacks}
    return {
        each.name: dict(each.value.fields)
        for each in containers[process].variables
        if isinstance(each.value, Document)
    }


@pytest.mark.parametrize("rung", ["box", *RUNGS])
def test_the_design_is_sound(rung: str) -> None:
    assert_sound(GRAPH, place(GRAPH, "prod", rung=rung))


@pytest.mark.parametrize("rung", RUNGS)
def test_one_broker_carries_all_queues_of_its_kind_and_no_cache(rung: str) -> None:
    design = place(GRAPH, "prod", rung=rung)
    (redis,), (rabbit,), (cache,) = design.of(RedisBroker), design.of(RabbitBroker), design.of(CacheGroup)
    assert redis.queues == ("letters", "stamps")
    assert rabbit.queues == ("parcels", "pallets")
    assert len({redis.name, rabbit.name, cache.name}) == 3
    assert not design.of(SqsQueue)
    text = "\n".join(compiled(design, {}).values())
    block = text.partition(f'module "{redis.name}" {{')[2].partition("\n}\n")[0]
    assert '"../modules/cache_group"' in block
    assert 'eviction    = "noeviction"' in block


def test_production_survives_the_loss_of_a_zone_and_a_copy_of_it_costs_less(prod: Design) -> None:
    dev = place(elsewhere(), "dev", rung="fargate")
    assert [part.nodes for design in (prod, dev) for part in design.of(RedisBroker)] == [2, 1]
    assert [part.cluster for design in (prod, dev) for part in design.of(RabbitBroker)] == [True, False]
    assert [part.instance_type for part in prod.of(RabbitBroker)] == ["mq.m7g.large"]


@pytest.mark.parametrize("rung", RUNGS)
def test_a_process_is_told_where_its_queues_are_and_how_to_sign_in(rung: str) -> None:
    design = place(GRAPH, "prod", rung=rung)
    bindings = told(design, "api")
    letters, parcels = bindings["RUNG_BINDING_LETTERS"], bindings["RUNG_BINDING_PARCELS"]
    assert (letters["adapter"], letters["workload"], parcels["workload"]) == ("redis", GRAPH.name, GRAPH.name)
    assert letters["url"] == Reference(part="redis", output="endpoint", prefix="rediss://", suffix=":6379/0")
    assert letters["user"] == Reference(part="redis", output="user_name")
    assert parcels["adapter"] == "rabbitmq"
    assert parcels["url"] == Reference(part="rabbitmq", output="url")
    assert parcels["credentials_secret"] == Reference(part="rabbitmq-login", output="arn")
    assert set(told(design, "page")) == {"RUNG_BINDING_DB", "RUNG_BINDING_CACHE"}
    for fields in (letters, parcels):
        assert "outbox_url" not in fields, "it uses no database"


@pytest.mark.parametrize("broker", ["redis", "rabbitmq"])
@pytest.mark.parametrize("rung", RUNGS)
def test_what_is_sent_in_a_transaction_waits_in_the_database_that_the_process_uses(broker: str, rung: str) -> None:
    work = Workload("post")
    work.postgres("archive")
    db = work.postgres("db", migrations="migrations")
    letters = work.queue("letters", broker=broker)
    work.service("api", app="post.api:app", health="/health", uses=[db, letters.send])
    work.worker("carrier", handler="post.carry:handle", consumes=letters)
    work.environment("dev")
    design = place(work.freeze(), "dev", rung=rung)
    fields = told(design, "api")["RUNG_BINDING_LETTERS"]
    assert fields["outbox_url"].part == "db"
    assert fields["outbox_credentials_secret"] == Reference(part="db-api", output="arn")
    (grant,) = [each for each in design.database_grants if each.schema == "rung"]
    assert (grant.principal, grant.database) == ("api", "db")
    (job,) = [part for part in design.of(EcsJob) if part.name == "db-migrate"]
    (setup,) = [dict(each.value.fields) for each in job.container.variables if isinstance(each.value, Document)]
    assert setup["carries"] is True, "its tables are made before anybody sends"
    assert "outbox_url" not in told(design, "carrier")["RUNG_BINDING_LETTERS"]


def test_explain_access_says_who_reaches_a_queue(prod: Design) -> None:
    for queue, port in (("letters", "tcp/6379"), ("parcels", "tcp/5671")):
        open_to = access_of(GRAPH, prod, queue).open_to
        consumer = {"letters": "carrier", "parcels": "driver"}[queue]
        whole = {(who, means) for who in ("api", consumer) for means in ("aws", "network")}
        assert {(right.who, right.means) for right in open_to} == whole
        assert {right.does for right in open_to if right.means == "network"} == {(port,)}


def test_a_broker_is_watched_by_kinds_that_have_runbooks(prod: Design) -> None:
    of_redis = [each for each in prod.of(Alarm) if each.part == "redis"]
    of_rabbit = [each for each in prod.of(Alarm) if each.part == "rabbitmq"]
    always = {"broker-memory-high", "broker-cpu-high", "broker-connections-high"}
    assert {each.runbook for each in of_redis} == always
    assert len(of_redis) == 6, "each of two nodes"
    assert {each.runbook for each in of_rabbit} == {*always, "broker-disk-low", "broker-backlog"}
    (backlog,) = [each for each in of_rabbit if each.runbook == "broker-backlog"]
    # driver: 4 tasks of 10, 2 s each, 1 minute accepted; loader: 4 of 10, 1 s, 5 minutes: nobody said otherwise.
    assert backlog.threshold == 4 * 10 * 120 / 2 + 4 * 10 * 600
    assert "kinds" not in compiled(prod, {})["observability.tf"], "the module knows how each is judged"
    assert {each.runbook for each in (*of_redis, *of_rabbit)} <= known_kinds().keys()


def costs(graph: Graph, environment: str, book: PriceBook | None = None) -> dict[tuple[str, str], float]:
    design = place(graph, environment, rung="fargate")
    found = bill(design, graph, book or shipped_book())
    return {(line.part, line.item): line.usd for line in found.lines}


def test_each_broker_is_paid_by_the_hour() -> None:
    price = {row.key: row.usd for row in shipped_book().rows if not row.second}
    lines = costs(GRAPH, "prod")
    node = price["elasticache", "cache.t4g.small", "valkey", "eu-west-1"]
    instance = price["amazon-mq", "mq.m7g.large", "rabbitmq", "eu-west-1"]
    disk = price["amazon-mq", "storage", "rabbitmq", "eu-west-1"]
    assert lines["redis", "cache.t4g.small"] == pytest.approx(2 * 730 * node)
    assert lines["rabbitmq", "mq.m7g.large"] == pytest.approx(3 * 730 * instance)
    assert lines["rabbitmq", "storage"] == pytest.approx(3 * disk)
    assert lines["rabbitmq-login", "secret"] > 0
    alone = costs(elsewhere(), "dev")
    assert alone["rabbitmq", "mq.m7g.medium"] == pytest.approx(lines["rabbitmq", "mq.m7g.large"] / 6, rel=1e-3)


def test_a_price_that_is_missing_is_named() -> None:
    rows = tuple(row for row in shipped_book().rows if row.service != "amazon-mq")
    with pytest.raises(PriceError) as caught:
        costs(GRAPH, "prod", PriceBook(rows=rows))
    assert "mq.m7g.large" in str(caught.value)


def test_a_size_of_the_environment_holds(prod: Design) -> None:
    work = Workload("post")
    letters = work.queue("letters", broker="redis")
    work.service("api", app="post.api:app", health="/health", uses=[letters.send])
    work.worker("carrier", handler="post.carry:handle", consumes=letters)
    work.environment("dev", sizes={"redis": {"node_type": "cache.m7g.large", "nodes": 3}})
    (redis,) = place(work.freeze(), "dev", rung="fargate").of(RedisBroker)
    assert (redis.node_type, redis.nodes) == ("cache.m7g.large", 3)


def test_a_broker_cannot_be_told_to_throw_messages_away() -> None:
    work = Workload("post")
    letters = work.queue("letters", broker="redis")
    work.service("api", app="post.api:app", health="/health", uses=[letters.send])
    work.worker("carrier", handler="post.carry:handle", consumes=letters)
    work.environment("dev", sizes={"redis": {"eviction": "allkeys-lru"}})
    with pytest.raises(ModelError) as caught:
        place(work.freeze(), "dev", rung="fargate")
    assert [finding.code for finding in caught.value.findings] == ["R0804"]


@pytest.mark.parametrize("rung", ["eks", "serverless"])
def test_the_other_rungs_say_where_it_runs(rung: str) -> None:
    with pytest.raises(ModelError) as caught:
        place(GRAPH, "prod", rung=rung)
    refused = [finding for finding in caught.value.findings if finding.code == "R0801"]
    assert len(refused) == 4
    assert all("rung='fargate'" in finding.help for finding in refused)
