"""The same startup's first weeks: one machine, one compose file with backend, front end, Postgres and Redis."""

from rung import Business, Traffic, Workload

mvp = Workload("mvp")

db = mvp.postgres("db")
cache = mvp.cache("cache", memory=64)
backend = mvp.service("backend", command="node server.js", port=6000, uses=[db, cache], memory=256)
frontend = mvp.service("frontend", command="node front.js", port=3000, memory=256)
mvp.route("/api/*", backend)
mvp.route("/*", frontend)

mvp.traffic(Traffic(concurrent_users=5, think_time="10s", reads=0.9))
mvp.business(Business(monthly_budget_usd=20, monthly_revenue_usd=500, customers=10))
mvp.environment("prod", rung="box", region="eu-west-1", sizes={"box": {"instance_type": "t4g.small"}})
mvp.notify("email:me@example.com")
