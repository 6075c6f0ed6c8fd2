"""Project tracking, four years later: eight hundred companies, a promise in the contract."""

from rung import Business, Objectives, Traffic, Workload, rls

track = Workload("track")

db = track.postgres("db", tenancy=rls(), storage=200, pool_size=6, max_connections=400)
cache = track.cache("cache", memory=1024)
uploads = track.bucket("uploads", archive_days=90)
emails = track.queue("emails")
incoming = track.queue("stripe-events")
outgoing = track.queue("webhooks")
stripe_key = track.secret("stripe-key", rotate_days=90)
api = track.service(
    "api",
    app="track.api:app",
    health="/health",
    min_tasks=2,
    max_tasks=12,
    cpu=1,
    uses=[db, cache, uploads, emails.send, incoming.send, outgoing.send, stripe_key],
)
reports = track.service(
    "reports", app="track.reports:app", health="/health", min_tasks=2, max_tasks=4, uses=[db, cache]
)
track.worker(
    "mailer",
    handler="track.mail:send",
    consumes=emails,
    uses=[db],
    processing_time="300ms",
    acceptable_latency="2 minutes",
    max_tasks=6,
)
track.worker("billing", handler="track.billing:handle", consumes=incoming, uses=[db], max_tasks=3)
track.worker("caller", handler="track.hooks:call", consumes=outgoing, uses=[db], max_tasks=6)
track.schedule("poll-emails", every="1 minute", handler="track.mail:poll", uses=[db, emails.send])
web = track.site("web", path="web")
track.route("/api/*", api)
track.route("/reports/*", reports)
track.route("/*", web)

track.traffic(Traffic(concurrent_users=3_000, think_time="12s", peak=4, peak_duration="15 minutes", reads=0.85))
track.objectives(Objectives(availability="99.9%", p99="400ms"))
track.business(
    Business(
        monthly_budget_usd=6_000,
        monthly_revenue_usd=60_000,
        engineers=5,
        operations_hours=60,
        customers=800,
        growth="5%",
        compliance=["gdpr"],
    )
)
track.environment("prod", domain="track.example.com", zone="example.com")
track.notify("pagerduty:track")
