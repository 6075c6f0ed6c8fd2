"""Invoices for craftsmen: a small product on a cluster that a founder once set up."""

from rung import Business, Objectives, Traffic, Workload, rls

invoices = Workload("invoices")

db = invoices.postgres("db", tenancy=rls(), storage=50, pool_size=6)
cache = invoices.cache("cache")
prints = invoices.queue("prints")
pdfs = invoices.bucket("pdfs", archive_days=365)
api = invoices.service("api", app="invoices.api:app", health="/health", min_tasks=2, uses=[db, cache, prints.send])
portal = invoices.service(
    "portal", app="invoices.portal:app", health="/health", min_tasks=2, max_tasks=3, uses=[db]
)
invoices.worker(
    "printer",
    handler="invoices.prints:handle",
    consumes=prints,
    uses=[db, pdfs],
    acceptable_latency="2 minutes",
    processing_time="2s",
)
web = invoices.site("web", path="web")
invoices.route("/api/*", api)
invoices.route("/portal/*", portal)
invoices.route("/*", web)

invoices.traffic(
    Traffic(
        concurrent_users=400, think_time="12s", peak=5, peak_duration="1 hour", reads=0.85, messages={prints: 0.5}
    )
)
invoices.objectives(Objectives(availability="99.9%", p99="400ms"))
invoices.business(
    Business(
        monthly_budget_usd=900,
        monthly_revenue_usd=14_000,
        engineers=3,
        operations_hours=30,
        customers=450,
        growth="4%",
        compliance=["gdpr"],
    )
)
invoices.environment("prod", rung="eks", domain="invoices.example.com", zone="example.com")
invoices.notify("slack:#alarms")
