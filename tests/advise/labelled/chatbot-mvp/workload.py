"""Chatbots for small shops, four weeks old: ten of them pay 50 dollars each."""

from rung import Business, Traffic, Workload, rls

chatbot = Workload("chatbot")

db = chatbot.postgres("db", tenancy=rls())
cache = chatbot.cache("cache")
llm_key = chatbot.secret("llm-key", rotate_days=90)
llm = chatbot.external("api.openai.com", port=443)
backend = chatbot.service("backend", app="chatbot.api:app", health="/health", uses=[db, cache, llm, llm_key])
frontend = chatbot.site("frontend", path="frontend")
chatbot.route("/api/*", backend)
chatbot.route("/*", frontend)

chatbot.traffic(Traffic(concurrent_users=20, think_time="15s", peak=3, reads=0.8))
chatbot.business(
    Business(monthly_budget_usd=50, monthly_revenue_usd=500, engineers=1, operations_hours=8, customers=10)
)
chatbot.environment("prod", domain="chatbot.example.com", zone="example.com")
chatbot.notify("email:ahmed@example.com")
