"""A startup's five services on ECS with t4g.small machines, two x86 databases, Valkey and a load balancer."""

from rung import Business, Objectives, Traffic, Workload

shop = Workload("chat-shop")

db = shop.postgres("db", storage=50)
cache = shop.cache("cache", memory=512)
jobs = shop.queue("jobs", lanes=("urgent", "normal"))
llm_key = shop.secret("llm-key", rotate_days=90)
llm = shop.external("api.openai.com", port=443)

backend = shop.service(
    "backend", command="node server.js", port=6000, health="/health", uses=[db, cache, jobs.send]
)
frontend = shop.service("frontend", command="node front.js", port=5000, health="/health", uses=[backend.call])
chatbot = shop.service(
    "chatbot", command="python -m chatbot", port=8000, health="/health", uses=[llm, llm_key, cache]
)
admin = shop.service("chatbot-admin", command="python -m admin", port=8001, health="/health", uses=[db])
shop.worker(
    "ai-worker", command="python -m worker", consumes=jobs, uses=[db, llm, llm_key], acceptable_latency="5 minutes"
)
shop.route("/api/*", backend)
shop.route("/admin/*", admin)
shop.route("/chat/*", chatbot)
shop.route("/*", frontend)

shop.traffic(Traffic(concurrent_users=50, think_time="10s", peak=5, reads=0.9))
shop.objectives(Objectives(availability="99.9%", p99="1s"))
shop.business(Business(monthly_budget_usd=500, monthly_revenue_usd=1_500, customers=30))
shop.notify("email:oncall@example.com")
shop.environment(
    "prod", rung="host", region="eu-west-1", nat="single", firewall=True, distribution=False,
    domain="shop.example.com", zone="example.com",
    sizes={
        "hosts": {"instance_type": "t4g.small", "min_hosts": 3, "max_hosts": 10},
        db: {"instance_class": "db.t3.large", "multi_zone": True, "storage_gib": 50},
    },
)  # fmt: skip
