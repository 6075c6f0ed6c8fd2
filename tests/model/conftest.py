"""The workload of the design document, word for word."""

from __future__ import annotations

import pytest

from rung import Business, Objectives, Traffic, Workload
from rung.model.graph import Graph


@pytest.fixture
def design_example() -> Graph:
    shop = Workload("shop")
    db = shop.postgres("db", migrations="migrations")
    cache = shop.cache("cache")
    orders = shop.queue("orders", lanes=("payment", "fulfilment", "analytics"), max_receive_count=5)
    stripe = shop.secret("stripe-key", rotate_days=90)
    pay = shop.external("api.stripe.com", port=443)
    api = shop.service("api", app="shop.api:app", health="/health", uses=[db, cache, orders.send, stripe, pay])
    shop.worker("fulfil", handler="shop.fulfilment:handle", consumes=orders, uses=[db], acceptable_latency="30s")
    shop.schedule("expire-carts", every="1 minute", handler="shop.carts:expire", uses=[db])
    web = shop.site("web", path="web/dist")
    shop.route("/api/*", api)
    shop.route("/*", web)
    shop.traffic(Traffic(concurrent_users=10_000, think_time="10s", peak=10, reads=0.95, messages={orders: 5}))
    shop.objectives(Objectives(availability="99.95%", p99="100ms", routes={"/api/checkout": "200ms"}))
    shop.business(Business(monthly_budget_usd=2_000, monthly_revenue_usd=40_000, engineers=4))
    shop.notify("email:oncall@example.com")
    return shop.freeze()
