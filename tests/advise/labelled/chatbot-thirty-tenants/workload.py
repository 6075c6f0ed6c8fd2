"""The same chatbots a year later: thirty shops pay, five services have grown, Black Friday hurts."""

from rung import Business, Objectives, Traffic, Workload, rls

chatbot = Workload("chatbot")

db = chatbot.postgres("db", tenancy=rls(), pool_size=5, storage=20)
cache = chatbot.cache("cache", memory=512)
jobs = chatbot.queue("jobs", lanes=("webhook", "analytics"))
llm_key = chatbot.secret("llm-key", rotate_days=90)
llm = chatbot.external("api.openai.com", port=443)
bot = chatbot.service(
    "bot", app="bot.api:app", health="/health", port=8001, max_tasks=3, uses=[db, cache, llm, llm_key]
)
backend = chatbot.service("backend", app="backend.api:app", health="/health", uses=[db, cache, jobs.send, bot])
admin = chatbot.service("admin", app="admin.api:app", health="/health", max_tasks=2, uses=[db])
chatbot.worker(
    "jobber",
    handler="backend.jobs:handle",
    consumes=jobs,
    uses=[db],
    acceptable_latency="60s",
    processing_time="200ms",
    max_tasks=2,
)
frontend = chatbot.site("frontend", path="frontend")
chatbot.route("/api/*", backend)
chatbot.route("/admin/*", admin)
chatbot.route("/*", frontend)

chatbot.traffic(Traffic(concurrent_users=120, think_time="12s", peak=5, peak_duration="2 hours", reads=0.8))
chatbot.objectives(Objectives(availability="99.5%", p99="800ms"))
chatbot.business(
    Business(
        monthly_budget_usd=300,
        monthly_revenue_usd=1_500,
        engineers=2,
        operations_hours=20,
        customers=30,
        growth="8%",
    )
)
chatbot.environment("prod", domain="chatbot.example.com", zone="example.com")
chatbot.notify("slack:#alarms")
