"""Contact forms of static sites: keep each entry, pass it on to a mailbox or a chat."""

from rung import Business, Objectives, Traffic, Workload

forms = Workload("forms")

entries = forms.table("entries", partition_key="form", sort_key="received_at", ttl_attribute="expires_at")
deliveries = forms.queue("deliveries")
chat = forms.external("hooks.slack.com", port=443)
intake = forms.service(
    "intake", app="forms.intake:app", health="/health", uses=[entries, deliveries.send], deadline="5s"
)
forms.worker(
    "deliver",
    handler="forms.deliver:handle",
    consumes=deliveries,
    uses=[entries, chat],
    acceptable_latency="5 minutes",
    processing_time="500ms",
)
forms.route("/*", intake)

forms.traffic(Traffic(concurrent_users=1, think_time="60s", peak=30, reads=0.1))
forms.objectives(Objectives(availability="99.5%"))
forms.business(
    Business(monthly_budget_usd=30, monthly_revenue_usd=400, engineers=1, operations_hours=3, customers=60)
)
forms.environment("prod", domain="forms.example.com", zone="example.com")
forms.notify("email:me@example.com")
