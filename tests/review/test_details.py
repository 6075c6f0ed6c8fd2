"""Spike readiness, blast radius and recovery: small designs whose figures can be reckoned by hand."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest

from rung.model.graph import Graph
from rung.parts.data import AuroraCluster
from rung.review.blast import Blast, blasts
from rung.review.recovery import Recovery, recoveries
from rung.review.spikes import Readiness, readiness
from rung.review.subject import Subject, subject_of
from rung.rungs import place

Written = Callable[..., Graph]
MAILS = (
    'q = w.queue("mails")\nw.use(api, q.send)\n'
    'w.worker("mailer", handler="a:b", consumes=q, processing_time="1s"{})'
)


def subject(graph: Graph, environment: str = "prod") -> Subject:
    return subject_of(graph, place(graph, environment), lambda _: 0.0)


def spike(graph: Graph, part: str) -> Readiness:
    return next(each for each in readiness(subject(graph)) if each.part == part)


def blast(graph: Graph) -> dict[str, Blast]:
    return {each.part: each for each in blasts(subject(graph))}


def recovery(graph: Graph, part: str) -> Recovery:
    return next(each for each in recoveries(subject(graph)) if each.part == part)


def service(text: str, uses: str = "db") -> str:
    return f'api = w.service("api", app="atlas.api:app", health="/health", uses=[{uses}], {text})'


def test_a_spike_within_what_always_runs_is_held_from_the_beginning(written: Written) -> None:
    found = spike(written(), "api")
    assert (found.load, found.at_once, found.holds_after_seconds) == (60.0, 250.0, 0.0)
    assert found.missed_share == 0
    assert found.derivation == "125 a task (4 ms of CPU each); 2 from the beginning"


def test_each_step_grows_by_what_a_full_processor_is_over_its_target(written: Written) -> None:
    graph = written(
        traffic="w.traffic(Traffic(concurrent_users=1_000, think_time='10s', peak=20))",
        api=service("min_tasks=2, max_tasks=20, cpu=1"),
    )
    found = spike(graph, "api")
    assert found.derivation.endswith("2 -> 4 -> 7 -> 8; the first more after 240 s, then every 60 s")
    assert found.holds_after_seconds == 240 + 2 * 60
    assert found.missed_share == 1 - 500 / 2_000


def test_a_spike_beyond_the_most_is_never_held(written: Written) -> None:
    graph = written(
        traffic="w.traffic(Traffic(concurrent_users=1_000, think_time='10s', peak=20))",
        api=service("min_tasks=2, max_tasks=4, cpu=1"),
    )
    assert spike(graph, "api").holds_after_seconds is None


def test_pods_double_every_quarter_of_a_minute(written: Written) -> None:
    graph = written(
        rung="eks", traffic="w.traffic(Traffic(concurrent_users=1_000, think_time='10s', peak=20))",
        api=service("min_tasks=2, max_tasks=20, cpu=1"),
    )  # fmt: skip
    found = spike(graph, "api")
    assert found.derivation.endswith("2 -> 4 -> 8; the first more after 105 s, then every 15 s")


def test_functions_are_there_at_once(written: Written) -> None:
    found = spike(written(rung="serverless"), "api")
    assert found.holds_after_seconds == 0
    assert found.at_once == found.at_most < math.inf


def test_databases_and_workers_are_stations_too(written: Written) -> None:
    graph = written(
        traffic="w.traffic(Traffic(concurrent_users=2_000, think_time='10s', peak=3, messages={q: 10}))",
        more=MAILS.format(", max_tasks=4"), api=service("min_tasks=6, cpu=1, max_tasks=20"),
        in_prod='sizes={db: {"max_acu": 4}}',
    )  # fmt: skip
    database, worker = spike(graph, "db"), spike(graph, "mailer")
    assert (database.load, database.at_most, database.holds_after_seconds) == (600, 800, 60)
    assert (worker.load, worker.at_once, worker.at_most, worker.holds_after_seconds) == (30, 10, 40, 240)


def test_without_traffic_nothing_is_reckoned(written: Written) -> None:
    assert list(readiness(subject(written(traffic="")))) == []


def test_what_dies_with_a_part_is_what_needs_it(written: Written) -> None:
    graph = written(
        extra='cache = w.cache("cache")\nback = w.service("back", app="b:app", health="/health", uses=[db])\n'
        'page = w.site("page", path=".")',
        api=service("min_tasks=2", "back.call, cache"),
        more='w.schedule("tidy", cron="1 3 * * *", handler="a:b", uses=[db])',
        routes='w.route("/api/*", api)\nw.route("/*", page)',
    )  # fmt: skip
    found = blast(graph)
    assert (found["db"].dies, found["db"].waits) == (("/api/*",), ("tidy",))
    assert found["back"].dies == ("/api/*",)
    assert (found["cache"].dies, found["cache"].slower) == ((), ("/api/*",))
    assert found["page"].dies == ("/*",)
    assert set(found["distribution"].dies) == {"/api/*", "/*"}
    assert found["load-balancer"].dies == ("/api/*",)


def test_a_queue_that_is_gone_makes_late_where_an_outbox_keeps_the_message(written: Written) -> None:
    late = blast(written(more=MAILS.format("")))["mails"]
    assert (late.dies, late.waits) == ((), ("mailer",))
    failing = blast(written(more=MAILS.format(""), api=service("min_tasks=2", "")))["mails"]
    assert failing.dies == ("/*",)


@pytest.mark.parametrize(("rung", "part"), [("box", "box"), ("host", "hosts"), ("eks", "cluster")])
def test_what_everything_runs_on_takes_everything(rung: str, part: str, written: Written) -> None:
    found = blast(written(rung=rung))[part]
    assert (found.dies, found.share) == (("/*",), 1.0)


def test_the_share_of_the_traffic_follows_the_mix(written: Written) -> None:
    graph = written(
        extra='shop = w.service("shop", app="s:app", health="/health", uses=[db])',
        routes='w.route("/*", api)\nw.route("/shop/*", shop)',
        traffic="w.traffic(Traffic(concurrent_users=100, routes={'/shop/buy': 0.25, '/about': 0.75}))",
    )
    found = blast(graph)
    assert (found["shop"].share, found["api"].share, found["db"].share) == (0.25, 0.75, 1.0)


def test_a_way_out_takes_those_who_need_it(written: Written) -> None:
    graph = written(extra='pay = w.external("api.stripe.com", port=443)', api=service("min_tasks=2", "db, pay"))
    assert blast(graph)["network"].dies == ("/*",)
    assert "network" not in blast(written())


def test_stores_come_back_as_they_are_built(written: Written) -> None:
    with_reader, alone = recovery(written(), "db"), recovery(written(in_prod='sizes={db: {"readers": 0}}'), "db")
    assert (with_reader.failover_seconds, alone.failover_seconds) == (30, 600)
    standby = recovery(written(rung="host"), "db")
    single = recovery(written(rung="host", in_prod='sizes={db: {"multi_zone": False}}'), "db")
    assert (standby.failover_seconds, single.failover_seconds) == (120, 1_800 + 20 * 60)
    assert (standby.failover_loses, single.failover_loses) == ("nothing", "up to 5 minutes")
    box = recovery(written(rung="box"), "box")
    assert (box.failover_seconds, box.point_seconds) == (900 + 20 * 60, 3_600)


def test_every_kind_of_store_has_a_way_back_or_says_that_it_has_none(written: Written) -> None:
    stores = (
        'cache = w.cache("cache")\nfiles = w.bucket("files")\nraw = w.bucket("raw", versioned=False)\n'
        'visits = w.table("visits", partition_key="id")\nshared = w.files("shared", mount="/mnt")'
    )
    graph = written(
        extra=stores, api=service("min_tasks=2", "db, cache, files, raw, visits, shared"), more=MAILS.format("")
    )
    found = {each.part: each for each in recoveries(subject(graph))}
    assert {name: each.restore_seconds for name, each in found.items()} == {
        "db": 2_400, "cache": None, "files": 0, "raw": None, "visits": 1_800, "shared": 1_800, "mails": None,
    }  # fmt: skip
    assert found["shared"].point_seconds == 86_400
    assert isinstance(subject(graph).design.part("db"), AuroraCluster)
