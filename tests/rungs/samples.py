"""Small workloads: one with a workflow, one with a bus whose rules lead everywhere.

A file of their own: the golden root of the second names its lines.
"""

from __future__ import annotations

from rung import Transform, Workload
from rung.model.graph import Graph


def durable() -> Graph:
    """A workflow, a service that starts it and uses its database, and a worker that does nothing but start it."""
    work = Workload("studio")
    db = work.postgres("db", migrations="migrations")
    mails = work.queue("mails")
    onboarding = work.workflow("onboarding", handler="studio.onboarding:run", uses=[db, mails.send])
    api = work.service("api", app="studio.api:app", health="/health", uses=[db.read, onboarding.start])
    work.worker("clerk", handler="studio.mail:take", consumes=mails, uses=[onboarding.start])
    work.route("/*", api)
    work.environment("dev")
    work.environment("prod", domain="studio.example.com", zone="example.com")
    work.notify("email:oncall@example.com")
    return work.freeze()


def eventful() -> Graph:
    """A bus with a rule to each kind of target that the router calls itself, and one to a queue."""
    work = Workload("market")
    db = work.postgres("db", migrations="migrations")
    events = work.bus("events", archive="30 days")
    mails, undelivered = work.queue("mails"), work.queue("undelivered")
    flow = work.workflow("flow", handler="market.flow:run", uses=[db])
    api = work.service("api", app="market.api:app", health="/health", uses=[db, events])
    outside = work.external("hooks.example.com")
    paid = {"detail-type": ["paid"]}
    work.rule("to-mails", bus=events, pattern=paid, target=mails, dead_letter=undelivered)
    work.rule("to-flow", bus=events, pattern=paid, target=flow, transform=Transform(path="$.detail"))
    work.rule("to-api", bus=events, pattern=paid, target=api, path="/events", deadline="2s")
    work.rule("to-outside", bus=events, pattern=paid, target=outside, path="/in")
    work.worker("mailer", handler="market.mail:send", consumes=mails)
    work.worker("undertaker", handler="market.mail:bury", consumes=undelivered)
    work.route("/*", api)
    work.environment("dev")
    work.environment("prod", domain="market.example.com", zone="example.com")
    work.notify("email:oncall@example.com")
    return work.freeze()
