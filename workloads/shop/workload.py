"""The shop's infrastructure: what runs, what it uses, how much traffic it expects. The code is in shop/."""

from rung import Business, Objectives, OfficeHours, Traffic, Workload

shop = Workload("shop", repository="example/shop")

db = shop.postgres("db", migrations="migrations", pool_size=13, max_connections=200)
cache = shop.cache("cache")
orders = shop.queue("orders", lanes=("payment", "fulfilment", "analytics"), max_receive_count=5)
session_key = shop.secret("session-key", rotate_days=90)
admin_key = shop.secret("admin-key", rotate_days=90)

api = shop.service(
    "api", app="shop.api:app", health="/health", uses=[db, cache, orders.send, session_key, admin_key]
)
fulfil = shop.worker(
    "fulfil",
    handler="shop.fulfilment:handle",
    consumes=orders,
    uses=[db, orders.send],
    acceptable_latency="30s",
    processing_time="20ms",
)
shop.schedule("expire-carts", every="1 minute", handler="shop.carts:expire", uses=[db], deadline="50s")
shop.schedule(
    "expire-reservations",
    every="1 minute",
    handler="shop.order_book:expire_reservations",
    uses=[db, orders.send],
    deadline="50s",
)
shop.job("seed", handler="shop.seed:run", uses=[db, cache], on_first_start=True)

web = shop.site("web", path="web")
shop.route("/api/*", api)
shop.route("/*", web)

shop.traffic(
    Traffic(
        concurrent_users=10_000,
        think_time="10s",
        peak=10,
        peak_duration="60s",
        reads=0.95,
        routes={"/api/products": 0.40, "/api/products/*": 0.45, "/api/cart": 0.10, "/api/checkout": 0.05},
    )
)
shop.objectives(
    Objectives(
        availability="99.95%",
        p99="100ms",
        routes={"/api/products": "25ms", "/api/checkout": "200ms"},
        critical=["/api/checkout", "/api/cart", "/api/flash/"],
    )
)
shop.business(Business(monthly_budget_usd=2_000, monthly_revenue_usd=40_000, engineers=4))
shop.environment("dev", rung="box", scale=0.1)
shop.environment(
    "staging",
    scale=0.25,
    domain="staging.shop.example.com",
    zone="example.com",
    office_hours=OfficeHours(start="07:00", stop="20:00", timezone="Europe/Berlin"),
    stop_when_idle="4 hours",
)
shop.environment(
    "prod",
    rung="fargate",
    region="eu-west-1",
    domain="shop.example.com",
    zone="example.com",
    overrides={api: {"min_tasks": 3, "max_tasks": 20, "cpu": 1}, db: {"max_connections": 400}},
)
shop.notify("email:oncall@example.com")
