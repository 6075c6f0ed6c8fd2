"""track's infrastructure: what runs, what it uses, how much traffic it expects. The code is in track/."""

from rung import Business, Objectives, OfficeHours, Traffic, Workload, rls

track = Workload("track", repository="example/track")

db = track.postgres("db", migrations="migrations", tenancy=rls("tenant_id"), pool_size=8, max_connections=200)
cache = track.cache("cache")
mails = track.queue("mails", lanes=("system", "transactional", "campaign"), max_receive_count=8)
stripe_events = track.queue("stripe-events", max_receive_count=10)
deliveries = track.queue("deliveries", max_receive_count=5)
# Who was forgotten: it outlives the database, so that no restored backup brings anybody back.
tombstones = track.bucket("tombstones")
session_key = track.secret("session-key", rotate_days=90)
# What is encrypted or signed with it has to be read for years: links in mails, secrets of second factors.
data_key = track.secret("data-key")
ses_credentials = track.secret("ses-credentials", rotate_days=90)
stripe_key = track.secret("stripe-key", rotate_days=90)
stripe_webhook_key = track.secret("stripe-webhook-key", rotate_days=90)
# Encrypts the keys that webhooks are signed with; two with a space between while it rotates.
webhooks_key = track.secret("webhooks-key", rotate_days=90)
identity_providers = track.secret("identity-providers", rotate_days=90)
# Google's hosts: where it describes itself, redeems codes, and keeps its keys. Another provider: its hosts here.
identity = track.external("accounts.google.com", port=443, name="identity")
identity_tokens = track.external("oauth2.googleapis.com", port=443, name="identity-tokens")
identity_keys = track.external("www.googleapis.com", port=443, name="identity-keys")
stripe = track.external("api.stripe.com", port=443, name="stripe")
sns = track.external("sns.eu-west-1.amazonaws.com", port=443, name="sns")
ses = track.external("email.eu-west-1.amazonaws.com", port=443, name="ses")

api = track.service(
    "api",
    app="track.api.app:app",
    health="/health",
    uses=[
        db, cache, mails.send, stripe_events.send, deliveries.send, session_key, data_key,
        stripe_key, stripe_webhook_key, stripe, identity_providers, identity, identity_tokens, identity_keys, sns,
        tombstones, webhooks_key,
    ],
)  # fmt: skip
# A mail server that shows what it was sent, for `rung dev`. Elsewhere it takes nothing and shows nothing.
inbox = track.service("inbox", app="track.inbox.app:app", health="/health", max_tasks=1, cpu=0.25, memory=512)
sender = track.worker(
    "sender",
    handler="track.mails.sender:handle",
    consumes=mails,
    uses=[db, cache, mails.send, deliveries.send, session_key, data_key, ses_credentials, ses, inbox.call],
    acceptable_latency="30s",
    processing_time="500ms",
    concurrency=8,
)
track.worker(
    "follow-payments",
    handler="track.billing.events:handle",
    consumes=stripe_events,
    uses=[db, mails.send, deliveries.send, stripe_key, stripe],
    acceptable_latency="60s",
    processing_time="200ms",
    max_tasks=2,
)
track.worker(
    "deliver",
    handler="rung.runtime.webhooks.deliver:deliver",
    consumes=deliveries,
    uses=[db, webhooks_key],
    acceptable_latency="60s",
    processing_time="500ms",
    concurrency=100,
    max_tasks=2,
)
track.schedule(
    "poll-pending", every="1 minute", handler="track.mails.poll:run", uses=[db, mails.send], deadline="55s"
)
track.schedule(
    "dunning", every="1 hour", handler="track.billing.dunning:run", uses=[db, mails.send], deadline="50s"
)
track.schedule(
    "forget-again", every="1 hour", handler="track.after_restore:run",
    uses=[db, cache, mails.send, deliveries.send, tombstones, tombstones.list, data_key], deadline="50s",
)  # fmt: skip
track.schedule("sweep", every="1 hour", handler="track.accounts.sessions:sweep", uses=[db], deadline="50s")

web = track.site("web", path="web/dist")
track.route("/api/inbox/*", inbox)
track.route("/api/*", api)
track.route("/*", web)

track.traffic(
    Traffic(
        concurrent_users=200,
        think_time="10s",
        peak=5,
        peak_duration="10 minutes",
        reads=0.8,
        messages={mails: 0.5, stripe_events: 0.01, deliveries: 0.1},
        routes={"/api/organisations/*": 0.9, "/api/session": 0.1},
    )
)
track.objectives(Objectives(availability="99.9%", p99="300ms", critical=["/api/sign-in"]))
# A young product that earns money and pays 250 to 300 dollars a month for more than it needs yet.
track.business(Business(monthly_budget_usd=300, monthly_revenue_usd=4_000, engineers=2))
track.environment("dev", rung="box", scale=0.05)
track.environment(
    "staging",
    scale=0.1,
    domain="staging.track.example.com",
    zone="example.com",
    office_hours=OfficeHours(start="07:00", stop="20:00", timezone="Europe/Berlin"),
    stop_when_idle="4 hours",
)
track.environment(
    "prod",
    rung="fargate",
    region="eu-west-1",
    domain="track.example.com",
    zone="example.com",
    overrides={api: {"min_tasks": 2, "max_tasks": 10}},
)
track.notify("email:oncall@example.com")
