"""Online bookings of a chain of fitness studios, run for them by an agency."""

from rung import Business, Objectives, Traffic, Workload

studio = Workload("studio")

db = studio.postgres("db", storage=20)
photos = studio.bucket("photos")
mails = studio.queue("mails")
app = studio.service("app", app="studio.app:app", health="/health", min_tasks=2, uses=[db, photos, mails.send])
studio.worker(
    "mailer",
    handler="studio.mail:send",
    consumes=mails,
    uses=[db],
    acceptable_latency="5 minutes",
    processing_time="300ms",
    max_tasks=2,
)
web = studio.site("web", path="web")
studio.route("/api/*", app)
studio.route("/*", web)

studio.traffic(Traffic(concurrent_users=80, think_time="20s", peak=3, reads=0.9))
studio.objectives(Objectives(availability="99.9%", p99="500ms"))
studio.business(Business(monthly_budget_usd=250, monthly_revenue_usd=9_000, engineers=1, operations_hours=10))
studio.environment("prod", domain="studio.example.com", zone="example.com")
studio.notify("email:agency@example.com")
