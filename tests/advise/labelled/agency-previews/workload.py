"""A client's site as the agency shows it before it goes live: four people look at it for a week."""

from rung import Business, Objectives, Traffic, Workload

client = Workload("client")

db = client.postgres("db")
app = client.service("app", app="client.app:app", health="/health", uses=[db])
web = client.site("web", path="web")
client.route("/api/*", app)
client.route("/*", web)

client.traffic(Traffic(concurrent_users=40, think_time="15s", peak=3))
client.objectives(Objectives(availability="99.5%"))
client.business(Business(monthly_budget_usd=150, monthly_revenue_usd=5_000, engineers=4, operations_hours=10))
client.environment("qa", scale=0.1, stop_when_idle="4 hours", domain="qa.client.example.com", zone="example.com")
client.environment("prod", domain="client.example.com", zone="example.com")
client.notify("email:agency@example.com")
