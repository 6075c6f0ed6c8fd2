"""The core of a payment company: card data, audits, twenty-two services, a promise of four nines."""

from rung import Business, Objectives, Traffic, Workload

payments = Workload("payments")

db = payments.postgres("db", pool_size=3, max_connections=1200, storage=600, backup_days=35)
cache = payments.cache("cache", memory=4096)
postings = payments.queue("postings")
notices = payments.queue("notices-out")
hsm = payments.secret("hsm-key", rotate_days=30)
archive = payments.bucket("archive", archive_days=90)
NAMES = (
    "accounts",
    "acquirers",
    "alerts",
    "audit",
    "authorise",
    "balances",
    "cards",
    "chargebacks",
    "clearing",
    "consents",
    "fees",
    "fraud",
    "identity",
    "ledger",
    "limits",
    "merchants",
    "notices",
    "payouts",
    "rates",
    "reports",
    "settlement",
    "tokens",
)
for name in NAMES:
    service = payments.service(
        name,
        app=f"payments.{name}:app",
        health="/health",
        min_tasks=2,
        max_tasks=8,
        cpu=1,
        uses=[db, cache, postings.send, notices.send, hsm],
    )
    payments.route(f"/{name}/*", service)
payments.worker(
    "poster",
    handler="payments.post:handle",
    consumes=postings,
    uses=[db, archive],
    max_tasks=10,
    processing_time="20ms",
    acceptable_latency="30s",
)
payments.worker(
    "notifier",
    handler="payments.notify:handle",
    consumes=notices,
    uses=[db],
    max_tasks=10,
    processing_time="50ms",
    acceptable_latency="60s",
)

payments.traffic(
    Traffic(
        concurrent_users=20_000,
        think_time="10s",
        peak=3,
        peak_duration="30 minutes",
        reads=0.6,
        messages={postings: 300.0, notices: 100.0},
    )
)
payments.objectives(Objectives(availability="99.99%", p99="250ms"))
payments.business(
    Business(
        monthly_budget_usd=30_000,
        monthly_revenue_usd=1_200_000,
        engineers=18,
        operations_hours=450,
        compliance=["pci", "soc2", "gdpr"],
    )
)
payments.environment("prod", domain="payments.example.com", zone="example.com")
payments.notify("pagerduty:payments")
