"""A multi-tenant SaaS as its owner describes it: Fargate, Aurora Serverless, CloudFront, WAF, NAT, endpoints."""

from rung import Business, Objectives, Traffic, Workload

track = Workload("track")

db = track.postgres("db")
files = track.files("files", mount="/var/files")
objects = track.bucket("objects")
emails = track.queue("emails")
webhooks = track.queue("webhooks")
stripe_key = track.secret("stripe-key")
mail_key = track.secret("mail-key")
stripe = track.external("api.stripe.com", port=443)
mail = track.external("smtp.example.com", port=465)

web = track.service(
    "web", app="track.web:app", health="/health", min_tasks=2,
    uses=[db, files, objects, emails.send, webhooks.send, stripe, stripe_key],
)  # fmt: skip
track.worker(
    "mailer", handler="track.mail:send", consumes=emails, uses=[db, mail, mail_key], acceptable_latency="1 minute"
)
track.worker(
    "webhooks-out", handler="track.webhooks:handle", consumes=webhooks, uses=[db, stripe, stripe_key],
    acceptable_latency="1 minute",
)  # fmt: skip
track.schedule(
    "pending-emails", every="1 minute", handler="track.mail:poll", uses=[db, emails.send], deadline="50s"
)
app = track.site("app", path="app")
track.route("/api/*", web)
track.route("/*", app)

track.traffic(Traffic(concurrent_users=20, think_time="20s", peak=3, reads=0.9))
track.objectives(Objectives(availability="99.9%", p99="500ms"))
track.business(Business(monthly_budget_usd=300, monthly_revenue_usd=3_000))
track.notify("pushover:user")
track.environment(
    "prod", rung="fargate", region="us-east-1", nat="single", firewall=True, distribution=True,
    domain="track.example.com", zone="example.com",
    sizes={"network": {"interface_endpoints": ["ecr.api", "ecr.dkr"]}},
)  # fmt: skip
