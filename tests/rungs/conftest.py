"""The workloads that designs are made of in these tests: shop, and one with every kind of node."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.rungs.samples import durable, eventful

from rung import Workload, load_workload
from rung.model.graph import Graph

WORKLOADS = Path(__file__).parents[2] / "workloads"


@pytest.fixture(scope="session")
def shop() -> Graph:
    return load_workload(WORKLOADS / "shop" / "workload.py")


def everything(*, small: bool = False) -> Graph:
    """One of each: every verb of every kind that the larger rungs can hold; `small`, that a box can."""
    work = Workload("atlas")
    db = work.postgres("db", migrations="migrations", max_connections=400)
    cache = work.cache("cache")
    mails = work.queue("mails", lanes=("urgent", "bulk"))
    uploads = work.bucket("uploads")
    visits = work.table("visits", partition_key="visitor", sort_key="moment")
    shared = work.files("shared", mount="/mnt/shared")
    render = work.job("render", handler="atlas.render:run", uses=[uploads, db.read])
    events = None if small else work.bus("events")
    larger = [] if events is None else [events.publish, render.run]
    token = work.secret("token", rotate_days=30)
    outside = work.external("api.example.com", port=8443)
    back = work.service("back", app="atlas.back:app", health="/health", uses=[db.read, visits.write])
    web = work.service(
        "front", app="atlas.front:app", health="/health",
        uses=[db, cache, mails.send, uploads.delete, uploads.list, uploads.read, visits, shared, *larger,
              token, outside, back.call],
    )  # fmt: skip
    work.worker("mailer", handler="atlas.mail:send", consumes=mails, lanes=("urgent",), uses=[db.read, token])
    work.worker(
        "bulk", handler="atlas.mail:send", consumes=mails, lanes=("bulk",), min_tasks=0, uses=[shared.read]
    )
    if events is not None:
        work.rule("signed-up", bus=events, pattern={"detail-type": ["signed-up"]}, target=mails)
    work.schedule("tidy", cron="30 4 * * MON-FRI", handler="atlas.tidy:run", uses=[db.write])
    work.schedule("tick", every="10s", handler="atlas.tick:run", uses=[cache])
    page = work.site("page", path="page")
    work.route("/api/*", web)
    work.route("/*", page)
    work.environment("dev")
    work.environment("prod", domain="atlas.example.com", zone="example.com")
    work.notify("email:oncall@example.com")
    return work.freeze()


@pytest.fixture(scope="session")
def market() -> Graph:
    return eventful()


def brokered() -> Graph:
    """Queues on Redis and on RabbitMQ, two of each, and processes that have nothing to do with them."""
    work = Workload("post")
    db = work.postgres("db", migrations="migrations")
    cache = work.cache("cache")
    letters = work.queue("letters", lanes=("express", "normal"), broker="redis")
    stamps = work.queue("stamps", broker="redis")
    parcels = work.queue("parcels", broker="rabbitmq")
    pallets = work.queue("pallets", lanes=("cold", "dry"), broker="rabbitmq")
    api = work.service("api", app="post.api:app", health="/health", uses=[letters.send, parcels.send])
    work.service("page", app="post.page:app", health="/health", uses=[db, cache])
    work.worker("carrier", handler="post.carry:handle", consumes=letters, lanes=("express",), uses=[stamps.send])
    work.worker("stamper", handler="post.stamp:handle", consumes=stamps)
    work.worker("driver", handler="post.drive:handle", consumes=parcels, uses=[pallets.send], processing_time="2s",
                acceptable_latency="1 minute")  # fmt: skip
    work.worker("loader", handler="post.load:handle", consumes=pallets)
    work.route("/*", api)
    work.environment("prod", domain="post.example.com", zone="example.com")
    work.notify("email:oncall@example.com")
    return work.freeze()


@pytest.fixture(scope="session")
def studio() -> Graph:
    return durable()


@pytest.fixture(scope="session")
def atlas() -> Graph:
    return everything()


@pytest.fixture(scope="session")
def cottage() -> Graph:
    return everything(small=True)
