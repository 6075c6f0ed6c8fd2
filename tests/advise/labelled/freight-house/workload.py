"""Freight booking of a logistics group whose teams all deploy to Kubernetes."""

from rung import Business, Objectives, Traffic, Workload

freight = Workload("freight")

db = freight.postgres("db", pool_size=4, max_connections=500, storage=400)
cache = freight.cache("cache", memory=2048)
events = freight.queue("events")
invoices = freight.queue("invoices")
documents = freight.bucket("documents", archive_days=365)
services = [
    freight.service(
        name,
        app=f"freight.{name}:app",
        health="/health",
        min_tasks=2,
        max_tasks=6,
        uses=[db, cache, events.send, invoices.send],
    )
    for name in (
        "booking",
        "quotes",
        "tracking",
        "customs",
        "carriers",
        "billing",
        "accounts",
        "search",
        "partners",
    )
]
freight.worker(
    "follower",
    handler="freight.follow:handle",
    consumes=events,
    uses=[db],
    max_tasks=6,
    processing_time="50ms",
    acceptable_latency="60s",
)
freight.worker("invoicer", handler="freight.invoice:handle", consumes=invoices, uses=[db, documents], max_tasks=4)
freight.schedule("rates", cron="15 3 * * *", handler="freight.rates:load", uses=[db])
for service in services:
    freight.route(f"/{service.name}/*", service)

freight.traffic(Traffic(concurrent_users=6_000, think_time="15s", peak=3, peak_duration="30 minutes", reads=0.8))
freight.objectives(Objectives(availability="99.95%", p99="300ms"))
freight.business(
    Business(
        monthly_budget_usd=15_000,
        monthly_revenue_usd=400_000,
        engineers=12,
        operations_hours=200,
        platform="kubernetes",
        compliance=["iso27001"],
    )
)
freight.environment("prod", domain="freight.example.com", zone="example.com")
freight.notify("pagerduty:freight")
