"""Machines of the rungs box and host, from a workload with everything that they can hold."""

from __future__ import annotations

from pathlib import Path

import pytest

from rung.compose import files
from rung.model.graph import Graph
from rung.model.read import load_workload
from rung.parts.design import Design
from rung.rungs import place

WORKLOAD = """\
from rung import Workload

shop = Workload("shop")
db = shop.postgres("db", migrations="migrations", extensions=["vector"], version="17")
cache = shop.cache("cache", memory=128)
orders = shop.queue("orders")
key = shop.secret("session-key")
uploads = shop.files("uploads", mount="/uploads")
api = shop.service("api", app="shop.api:app", health="/health", uses=[db, cache, orders.send, key, uploads])
admin = shop.service("admin", command="gunicorn shop.admin", port=9000, health="/ok", uses=[db.read])
shop.worker("mail", handler="shop.mail:handle", consumes=orders, uses=[db], min_tasks=2)
shop.schedule("clean", every="1 minute", handler="shop.clean:run", uses=[db])
shop.job("seed", handler="shop.seed:run", uses=[db])
web = shop.site("web", path="web")
shop.route("/api/*", api)
shop.route("/*", web)
shop.route("/*", admin, host="admin.example.com")
shop.environment("dev", rung="box", domain="dev.example.com", zone="example.com")
shop.environment("staging", rung="host", domain="staging.example.com", zone="example.com")
shop.notify("email:oncall@example.com")
"""


@pytest.fixture(scope="session")
def graph(tmp_path_factory: pytest.TempPathFactory) -> Graph:
    """The workload."""
    folder = tmp_path_factory.mktemp("workload")
    (folder / "web").mkdir()
    (folder / "migrations").mkdir()
    (folder / "workload.py").write_text(WORKLOAD)
    return load_workload(folder / "workload.py")


@pytest.fixture(scope="session")
def box(graph: Graph) -> Design:
    """It on a box."""
    return place(graph, "dev")


@pytest.fixture(scope="session")
def host(graph: Graph) -> Design:
    """It on machines behind a load balancer."""
    return place(graph, "staging")


@pytest.fixture(scope="session")
def machines(graph: Graph, box: Design, host: Design) -> dict[str, dict[str, str]]:
    """The files of each, by rung and name."""
    return {
        design.rung: {Path(name).name: text for name, text in files(design, graph).items()}
        for design in (box, host)
    }
