"""A shop: catalogue, carts, checkout; flash sales bring ten times its people within a minute."""

from rung import Business, Objectives, Traffic, Workload

shop = Workload("black-friday")

db = shop.postgres("db", pool_size=8, max_connections=400, storage=100)
cache = shop.cache("cache", memory=2048)
orders = shop.queue("orders", lanes=("payment", "fulfilment", "analytics"))
card_key = shop.secret("card-key", rotate_days=90)
card = shop.external("api.stripe.com", port=443)
api = shop.service(
    "api",
    app="shop.api:app",
    health="/health",
    min_tasks=3,
    max_tasks=30,
    cpu=1,
    uses=[db, cache, orders.send, card, card_key],
)
shop.worker(
    "fulfil",
    handler="shop.fulfilment:handle",
    consumes=orders,
    uses=[db],
    acceptable_latency="60s",
    processing_time="20ms",
    max_tasks=6,
)
shop.schedule("expire-carts", every="1 minute", handler="shop.carts:expire", uses=[db], deadline="50s")
web = shop.site("web", path="web")
shop.route("/api/*", api)
shop.route("/*", web)

shop.traffic(Traffic(concurrent_users=10_000, think_time="10s", peak=10, peak_duration="10 minutes", reads=0.95))
shop.objectives(Objectives(availability="99.95%", p99="100ms"))
shop.business(
    Business(
        monthly_budget_usd=5_000,
        monthly_revenue_usd=150_000,
        engineers=4,
        operations_hours=60,
        compliance=["pci", "gdpr"],
    )
)
shop.environment("prod", domain="shop.example.com", zone="example.com")
shop.notify("pagerduty:shop")
