"""A workload with workers that fan out in Lambda, for tests of designs and of what is written for them."""

from __future__ import annotations

from typing import Any

from rung import Traffic, Workload


def tea(rung: str, **worker: Any) -> Workload:
    """Two workers: `thumbs` uses nothing inside of the network, `mailer` a database."""
    work = Workload("tea")
    db, pictures = work.postgres("db", migrations="migrations"), work.bucket("pictures")
    uploads, mails = work.queue("uploads", lanes=("urgent", "bulk")), work.queue("mails")
    pay = work.external("api.example.com")
    api = work.service("api", app="tea.api:app", health="/health", uses=[db, uploads.send, mails.send])
    fan = {"max_tasks": 100, "deadline": "30s", "processing_time": "2s", "compute": "lambda", **worker}
    work.worker("thumbs", handler="tea.thumbs:make", consumes=uploads, uses=[pictures.read, pay], **fan)
    mailer = work.worker("mailer", handler="tea.mail:send", consumes=mails, uses=[db.read])
    work.route("/*", api)
    work.notify("email:oncall@example.com")
    work.traffic(Traffic(concurrent_users=100, think_time="10s"))
    named = {"domain": "tea.example.com", "zone": "example.com"}
    work.environment("prod", rung=rung, overrides={mailer: {"compute": "lambda"}}, **named)
    work.environment("dev", rung=rung)
    return work
