"""Tickets of a village festival: nothing happens for months, then everybody wants one at noon."""

from rung import Business, Objectives, Traffic, Workload

festival = Workload("festival")

tickets = festival.table("tickets", partition_key="ticket")
mails = festival.queue("mails")
card_key = festival.secret("card-key", rotate_days=90)
card = festival.external("api.stripe.com", port=443)
sale = festival.service(
    "sale",
    app="festival.sale:app",
    health="/health",
    max_tasks=20,
    uses=[tickets, mails.send, card, card_key],
    deadline="10s",
)
festival.worker(
    "mailer",
    handler="festival.mail:send",
    consumes=mails,
    uses=[tickets],
    acceptable_latency="10 minutes",
    processing_time="300ms",
    max_tasks=20,
)
web = festival.site("web", path="web")
festival.route("/api/*", sale)
festival.route("/*", web)

festival.traffic(Traffic(concurrent_users=2, think_time="30s", peak=4_000, peak_duration="20 minutes", reads=0.7))
festival.objectives(Objectives(availability="99.5%", p99="2s"))
festival.business(Business(monthly_budget_usd=80, monthly_revenue_usd=3_000, engineers=1, operations_hours=3))
festival.environment("prod", domain="festival.example.com", zone="example.com")
festival.notify("email:board@example.com")
