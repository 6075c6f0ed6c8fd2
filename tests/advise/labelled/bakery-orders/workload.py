"""Pre-orders of a bakery: who wants rolls on Saturday says so by Friday noon."""

from rung import Business, Objectives, Traffic, Workload

bakery = Workload("bakery")

db = bakery.postgres("db")
shop = bakery.service("shop", app="bakery.shop:app", health="/health", uses=[db])
bakery.schedule(
    "friday-list", cron="0 12 * * FRI", timezone="Europe/Paris", handler="bakery.lists:send", uses=[db]
)
web = bakery.site("web", path="web")
bakery.route("/api/*", shop)
bakery.route("/*", web)

bakery.traffic(Traffic(concurrent_users=5, think_time="20s", peak=4, reads=0.9))
bakery.objectives(Objectives(availability="99%"))
bakery.business(Business(monthly_budget_usd=40, monthly_revenue_usd=600, engineers=1, operations_hours=4))
bakery.environment("prod", domain="bakery.example.com", zone="example.com")
bakery.notify("email:agency@example.com")
