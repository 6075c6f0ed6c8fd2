"""track's infrastructure: what runs, what it uses, how much traffic it expects. The code is in track/."""

from rung import Workload, rls

track = Workload("track", repository="example/track")

db = track.postgres("db", migrations="migrations", tenancy=rls("tenant_id"), pool_size=10, max_connections=200)
cache = track.cache("cache")
mails = track.queue("mails", lanes=("system", "transactional", "campaign"), max_receive_count=8)
session_key = track.secret("session-key", rotate_days=90)
data_key = track.secret("data-key")

api = track.service(
    "api",
    app="track.api.app:app",
    health="/health",
    uses=[db, cache, mails.send, session_key, data_key],
)
track.schedule("sweep", every="1 hour", handler="track.accounts.sessions:sweep", uses=[db], deadline="50s")
web = track.site("web", path="web/dist")
track.route("/api/*", api)
track.route("/*", web)
