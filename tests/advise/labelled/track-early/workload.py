"""Project tracking for small companies: emails every minute, webhooks in and out, the first forty customers."""

from rung import Business, Objectives, Traffic, Workload, rls

track = Workload("track")

db = track.postgres("db", tenancy=rls(), storage=20, pool_size=6)
uploads = track.bucket("uploads")
emails = track.queue("emails")
incoming = track.queue("stripe-events")
outgoing = track.queue("webhooks")
stripe_key = track.secret("stripe-key", rotate_days=90)
smtp = track.external("email-smtp.eu-west-1.amazonaws.com", port=587)
api = track.service(
    "api",
    app="track.api:app",
    health="/health",
    uses=[db, uploads, emails.send, incoming.send, outgoing.send, stripe_key],
)
track.worker(
    "mailer",
    handler="track.mail:send",
    consumes=emails,
    uses=[db, smtp],
    processing_time="300ms",
    acceptable_latency="2 minutes",
    max_tasks=2,
)
track.worker("billing", handler="track.billing:handle", consumes=incoming, uses=[db], max_tasks=2)
track.worker("caller", handler="track.hooks:call", consumes=outgoing, uses=[db], max_tasks=2)
track.schedule("poll-emails", every="1 minute", handler="track.mail:poll", uses=[db, emails.send])
web = track.site("web", path="web")
track.route("/api/*", api)
track.route("/*", web)

track.traffic(Traffic(concurrent_users=60, think_time="15s", peak=3, reads=0.85))
track.objectives(Objectives(availability="99.5%", p99="800ms"))
track.business(
    Business(
        monthly_budget_usd=200,
        monthly_revenue_usd=2_500,
        engineers=1,
        operations_hours=12,
        customers=40,
        growth="5%",
    )
)
track.environment("prod", domain="track.example.com", zone="example.com")
track.notify("pushover:track")
