"""A small workload with one of everything that `rung dev` runs."""

from rung import Workload

sample = Workload("sample")

db = sample.postgres("db", migrations="migrations")
cache = sample.cache("cache")
jobs = sample.queue("jobs", lanes=("urgent", "default"), max_receive_count=3)
token = sample.secret("api-token", rotate_days=90)

api = sample.service("api", app="sample.api:app", health="/health", uses=[db, cache, jobs.send, token])
plain = sample.service(
    "plain", command="python -m sample.plain --port {port}", health="/", port=8099, uses=[cache]
)
done = sample.worker("done", handler="sample.work:handle", consumes=jobs, uses=[db], max_tasks=3)
sample.schedule("tick", every="1s", deadline="1s", handler="sample.work:tick", uses=[db])
sample.job("seed", handler="sample.work:seed", uses=[db], on_first_start=True)
web = sample.site("web", path="web")
sample.route("/api/*", api)
sample.route("/plain/*", plain)
sample.route("/*", web)
sample.notify("email:oncall@example.com")
