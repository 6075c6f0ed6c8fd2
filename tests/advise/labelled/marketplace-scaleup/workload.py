"""A marketplace after its second round: two dozen services, four teams, a steady day."""

from rung import Business, Objectives, Traffic, Workload

market = Workload("market")

db = market.postgres("db", pool_size=3, max_connections=2000, storage=800)
cache = market.cache("cache", memory=8192)
events = market.queue("events")
mails = market.queue("mails")
pictures = market.bucket("pictures")
NAMES = (
    "accounts",
    "addresses",
    "auctions",
    "baskets",
    "campaigns",
    "catalogue",
    "checkout",
    "comments",
    "disputes",
    "fees",
    "fraud",
    "images",
    "inbox",
    "listings",
    "locations",
    "offers",
    "payouts",
    "prices",
    "profiles",
    "ratings",
    "search",
    "sellers",
    "shipping",
    "taxes",
)
for name in NAMES:
    service = market.service(
        name,
        app=f"market.{name}:app",
        health="/health",
        min_tasks=2,
        max_tasks=12,
        cpu=1,
        uses=[db, cache, events.send, mails.send],
    )
    market.route(f"/{name}/*", service)
market.worker(
    "indexer",
    handler="market.index:handle",
    consumes=events,
    uses=[db],
    max_tasks=12,
    processing_time="20ms",
    acceptable_latency="60s",
)
market.worker(
    "mailer",
    handler="market.mail:handle",
    consumes=mails,
    uses=[db, pictures],
    max_tasks=12,
    processing_time="20ms",
    acceptable_latency="5 minutes",
)

market.traffic(
    Traffic(
        concurrent_users=80_000,
        think_time="10s",
        peak=2,
        peak_duration="30 minutes",
        reads=0.9,
        messages={events: 400.0, mails: 40.0},
    )
)
market.objectives(Objectives(availability="99.95%", p99="250ms"))
market.business(
    Business(
        monthly_budget_usd=40_000,
        monthly_revenue_usd=1_500_000,
        engineers=16,
        operations_hours=400,
        growth="4%",
        compliance=["gdpr", "soc2"],
    )
)
market.environment("prod", domain="market.example.com", zone="example.com")
market.notify("pagerduty:market")
