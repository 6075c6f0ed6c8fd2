"""Reports on four years of sales for sixty retail clients: few people, long queries, a large database."""

from rung import Business, Objectives, Traffic, Workload, rls

reports = Workload("reports")

db = reports.postgres("db", tenancy=rls(), storage=400, statement_timeout="30s", backup_days=14)
deliveries = reports.bucket("deliveries", archive_days=90)
imports = reports.queue("imports", visibility_timeout="5 minutes")
app = reports.service("app", app="reports.app:app", health="/health", uses=[db, deliveries, imports.send])
reports.worker(
    "loader",
    handler="reports.load:handle",
    consumes=imports,
    uses=[db, deliveries],
    max_tasks=2,
    acceptable_latency="1 hour",
    processing_time="20s",
    deadline="2 minutes",
)
reports.schedule("nightly", cron="30 2 * * *", handler="reports.rollup:run", uses=[db], deadline="2 hours")
web = reports.site("web", path="web")
reports.route("/api/*", app)
reports.route("/*", web)

reports.traffic(Traffic(concurrent_users=40, think_time="20s", peak=3, reads=0.98, messages={imports: 0.02}))
reports.objectives(Objectives(availability="99.5%", p99="5s"))
reports.business(
    Business(
        monthly_budget_usd=600,
        monthly_revenue_usd=6_000,
        engineers=2,
        operations_hours=16,
        customers=60,
        compliance=["gdpr"],
    )
)
reports.environment("prod", domain="reports.example.com", zone="example.com")
reports.notify("email:data@example.com")
