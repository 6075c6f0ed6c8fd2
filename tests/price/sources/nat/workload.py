"""An e-commerce backend in three zones of Virginia, with a NAT gateway in each and with one for all."""

from rung import Business, Objectives, Traffic, Workload

store = Workload("store")

db = store.postgres("db")
cache = store.cache("cache")
pay = store.external("api.stripe.com", port=443)
api = store.service("api", app="store.api:app", health="/health", uses=[db, cache, pay])
store.route("/*", api)

store.traffic(Traffic(concurrent_users=10_000, think_time="10s", peak=10, reads=0.95))
store.objectives(Objectives(availability="99.95%", p99="100ms"))
store.business(Business(monthly_budget_usd=5_000))
store.notify("email:oncall@example.com")
for name, nat in (("each", "per_zone"), ("one", "single")):
    store.environment(
        name, production=True, rung="fargate", region="us-east-1", nat=nat, domain="store.example.com",
        zone="example.com", sizes={"network": {"zones": 3}},
    )  # fmt: skip
