"""A producer that knows nobody, and what listens: a queue's worker, a service, a workflow. A test adds a rule."""

from rung import Workload

bazaar = Workload("bazaar")

db = bazaar.postgres("db", migrations="migrations", pool_size=4)
events = bazaar.bus("events", archive="2 days")
heard = bazaar.queue("heard")
undelivered = bazaar.queue("undelivered")
undelivered.drained_by("external")

shop = bazaar.service("shop", app="bazaar.shop:app", health="/health", uses=[db, events])
listener = bazaar.service("listener", app="bazaar.listener:app", health="/health", uses=[db])
ears = bazaar.worker("ears", handler="bazaar.ears:hear", consumes=heard, uses=[db])
bazaar.rule(
    "calls", bus=events, target=listener, path="/listen/events", dead_letter=undelivered,
    pattern={"detail-type": ["shouted"]},
)  # fmt: skip
welcome = bazaar.workflow("welcome", handler="bazaar.welcome:welcome", uses=[db])
bazaar.rule("greets", bus=events, target=welcome, dead_letter=undelivered, pattern={"detail-type": ["arrived"]})
bazaar.route("/listen/*", listener)
bazaar.route("/*", shop)
bazaar.notify("email:oncall@example.com")
