"""AI assistants on the sites of four hundred companies: widget, hub, retrieval, ingestion, streams of answers."""

from rung import Business, Objectives, Traffic, Workload, rls

assistants = Workload("assistants")

db = assistants.postgres("db", tenancy=rls(), storage=200, pool_size=5, max_connections=600, extensions=["vector"])
cache = assistants.cache("cache", memory=4096)
documents = assistants.bucket("documents")
ingestion = assistants.queue("ingestion", lanes=("live", "bulk"))
hooks = assistants.queue("hooks")
llm_key = assistants.secret("llm-key", rotate_days=60)
llm = assistants.external("api.openai.com", port=443)
answers = assistants.service(
    "answers",
    app="assistants.answers:app",
    health="/health",
    port=8001,
    min_tasks=2,
    max_tasks=16,
    cpu=1,
    uses=[db, cache, llm, llm_key],
)
hub = assistants.service(
    "hub",
    app="assistants.hub:app",
    health="/health",
    min_tasks=2,
    max_tasks=12,
    cpu=1,
    uses=[db, cache, answers, ingestion.send, hooks.send],
)
admin = assistants.service(
    "admin",
    app="assistants.admin:app",
    health="/health",
    min_tasks=2,
    max_tasks=3,
    uses=[db, documents, ingestion.send],
)
assistants.worker(
    "ingest",
    handler="assistants.ingest:handle",
    consumes=ingestion,
    uses=[db, documents, llm, llm_key],
    acceptable_latency="5 minutes",
    processing_time="1s",
    max_tasks=10,
)
assistants.worker("caller", handler="assistants.hooks:call", consumes=hooks, uses=[db], max_tasks=6)
assistants.schedule("usage", every="5 minutes", handler="assistants.usage:count", uses=[db])
widget = assistants.site("widget", path="widget")
assistants.route("/api/*", hub, sticky=True)
assistants.route("/admin/*", admin)
assistants.route("/*", widget)

assistants.traffic(
    Traffic(
        concurrent_users=4_000,
        think_time="10s",
        peak=5,
        peak_duration="30 minutes",
        reads=0.7,
        messages={ingestion: 5.0, hooks: 20.0},
    )
)
assistants.objectives(Objectives(availability="99.9%", p99="800ms"))
assistants.business(
    Business(
        monthly_budget_usd=8_000,
        monthly_revenue_usd=80_000,
        engineers=6,
        operations_hours=80,
        customers=400,
        growth="12%",
        compliance=["soc2", "gdpr"],
    )
)
assistants.environment("prod", domain="assistants.example.com", zone="example.com")
assistants.notify("pagerduty:assistants")
