"""Quality control of live streams: each second of each stream is looked at. It was built of functions."""

from rung import Business, Objectives, Traffic, Workload

monitor = Workload("monitor")

findings = monitor.table("findings", partition_key="stream", sort_key="second")
pieces = monitor.queue("pieces", visibility_timeout="60s")
intake = monitor.service(
    "intake", app="monitor.intake:app", health="/health", min_tasks=2, max_tasks=12, uses=[pieces.send, findings]
)
monitor.worker(
    "inspect",
    handler="monitor.inspect:handle",
    consumes=pieces,
    uses=[findings],
    acceptable_latency="60s",
    processing_time="250ms",
    concurrency=8,
    cpu=4,
    memory=8192,
    min_tasks=10,
    max_tasks=60,
)
monitor.route("/*", intake)

monitor.traffic(
    Traffic(
        concurrent_users=1_000,
        think_time="1s",
        peak=1.5,
        peak_duration="2 hours",
        reads=0.1,
        messages={pieces: 900.0},
    )
)
monitor.objectives(Objectives(availability="99.9%", p99="500ms"))
monitor.business(
    Business(monthly_budget_usd=12_000, monthly_revenue_usd=150_000, engineers=6, operations_hours=80)
)
monitor.environment("prod", rung="serverless", domain="monitor.example.com", zone="example.com")
monitor.notify("pagerduty:monitor")
