"""A recipe collection that one person keeps for fun."""

from rung import Business, Traffic, Workload

recipes = Workload("recipes")

db = recipes.postgres("db")
app = recipes.service("app", app="recipes.app:app", health="/health", uses=[db])
web = recipes.site("web", path="web")
recipes.route("/api/*", app)
recipes.route("/*", web)

recipes.traffic(Traffic(concurrent_users=3, think_time="30s", peak=5, reads=0.97))
recipes.business(Business(monthly_budget_usd=25, monthly_revenue_usd=0, engineers=1, operations_hours=4))
recipes.environment("prod", domain="recipes.example.com", zone="example.com")
recipes.notify("email:me@example.com")
