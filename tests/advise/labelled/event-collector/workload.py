"""Clicks of other companies' visitors: collected, enriched by place and browser, kept for dashboards."""

from rung import Business, Objectives, Traffic, Workload

events = Workload("events")

raw = events.bucket("raw", archive_days=30, expire_days=400)
counts = events.table("counts", partition_key="site", sort_key="hour")
clicks = events.queue("clicks")
places = events.queue("to-place")
browsers = events.queue("to-classify")
collect = events.service(
    "collect", app="events.collect:app", health="/health", min_tasks=2, uses=[clicks.send], deadline="5s"
)
events.worker(
    "split",
    handler="events.split:handle",
    consumes=clicks,
    uses=[raw, places.send, browsers.send],
    acceptable_latency="2 minutes",
    processing_time="20ms",
)
events.worker(
    "place",
    handler="events.place:handle",
    consumes=places,
    uses=[counts],
    acceptable_latency="2 minutes",
    processing_time="20ms",
)
events.worker(
    "browser",
    handler="events.browser:handle",
    consumes=browsers,
    uses=[counts],
    acceptable_latency="2 minutes",
    processing_time="20ms",
)
dashboard = events.site("dashboard", path="dashboard")
events.route("/collect", collect)
events.route("/*", dashboard)

events.traffic(
    Traffic(
        concurrent_users=170,
        think_time="10s",
        peak=20,
        peak_duration="5 minutes",
        reads=0.05,
        messages={clicks: 17.0, places: 17.0, browsers: 17.0},
    )
)
events.objectives(Objectives(availability="99.9%", p99="500ms"))
events.business(
    Business(
        monthly_budget_usd=600,
        monthly_revenue_usd=12_000,
        engineers=3,
        operations_hours=20,
        customers=50,
        compliance=["gdpr"],
    )
)
events.environment("prod", domain="events.example.com", zone="example.com")
events.notify("slack:#events")
