"""Appointments and letters of forty clinics: health data, two auditors a year."""

from rung import Business, Objectives, Traffic, Workload, schema_per_tenant

clinic = Workload("clinic")

db = clinic.postgres("db", tenancy=schema_per_tenant(), storage=100, backup_days=35)
letters = clinic.bucket("letters")
outbox = clinic.queue("outbox")
seal = clinic.secret("seal-key", rotate_days=30)
api = clinic.service(
    "api", app="clinic.api:app", health="/health", min_tasks=2, uses=[db, letters, outbox.send, seal]
)
patients = clinic.service(
    "patients", app="clinic.patients:app", health="/health", min_tasks=2, uses=[db, outbox.send]
)
clinic.worker(
    "sender",
    handler="clinic.letters:send",
    consumes=outbox,
    uses=[db, letters],
    max_tasks=2,
    acceptable_latency="10 minutes",
    processing_time="1s",
)
clinic.route("/staff/*", api)
clinic.route("/*", patients)

clinic.traffic(Traffic(concurrent_users=300, think_time="20s", peak=3, peak_duration="30 minutes", reads=0.8))
clinic.objectives(Objectives(availability="99.9%", p99="500ms"))
clinic.business(
    Business(
        monthly_budget_usd=1_500,
        monthly_revenue_usd=24_000,
        engineers=3,
        operations_hours=30,
        customers=40,
        compliance=["hipaa", "soc2"],
    )
)
clinic.environment("prod", domain="clinic.example.com", zone="example.com")
clinic.notify("pagerduty:clinic")
