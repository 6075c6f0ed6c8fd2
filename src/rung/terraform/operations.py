"""Blocks for what watches, tells somebody, and keeps the money in sight."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rung.parts.design import Part
from rung.parts.operations import Budget, Dashboard, Notification, Objective, Recipient, UptimeCheck
from rung.terraform.alarms import BLOCK, RUNBOOKS_URL
from rung.terraform.hcl import Block, Expression, Text
from rung.terraform.names import output
from rung.terraform.setting import ACCOUNT, EDGE_PROVIDER, REGION, Setting, literals


def notification(setting: Setting, part: Notification) -> Block:
    """The topics, and who listens."""
    arguments = {
        "account_id": ACCOUNT, "key_arn": setting.log_key, "own_key": setting.log_key is None,
        **_recipients(part.recipients),
    }  # fmt: skip
    return setting.module(part, "notification", "Who is told when something rings", arguments)


def objective(setting: Setting, part: Objective) -> Block:
    """The burn-rate alarms of one objective."""
    arguments = {
        "load_balancer_suffix": output(part.load_balancer, "arn_suffix"),
        **_told(setting),
        "runbook_url": _runbook(part.runbook),
        **literals(part, "load_balancer", "runbook"),
    }
    return setting.module(
        part, "objective", f"{part.availability:.2%} of the requests of a month succeed", arguments
    )


def dashboard(setting: Setting, part: Dashboard) -> Block:
    """One page that shows what is watched."""
    arguments = {"region": REGION, "groups": output(BLOCK, "graphs"), "alarm_arns": output(BLOCK, "arns")}
    return setting.module(part, "dashboard", "One page with everything that is watched", arguments)


def budget(setting: Setting, part: Budget) -> Block:
    """The month's limit, for what carries this environment's tags."""
    arguments = {
        "topic_arn": _ticket(setting),
        "cost_tags": {"Workload": setting.design.workload, "Environment": setting.design.environment},
        **literals(part, "runbook"),
    }  # fmt: skip
    return setting.module(part, "budget", f"A month may cost {part.monthly_usd:,.0f} US dollars", arguments)


def uptime_check(setting: Setting, part: UptimeCheck) -> Iterator[Block]:
    """The check from outside. Its metric is in us-east-1, and an alarm tells topics of its own region alone."""
    topic = f"{part.name}-alarms"
    recipients = [each for told in setting.design.of(Notification) for each in told.recipients]
    listeners = {"account_id": ACCOUNT, "own_key": True, **_recipients(tuple(recipients))}
    note = "Whoever is told, told from us-east-1 too: there the check is, and its alarm"
    yield setting.call(topic, "notification", note, listeners, providers=EDGE_PROVIDER)
    arguments = {
        "topic_arn": output(topic, "topic_arn"), "runbook_url": _runbook(part.runbook), **literals(part, "runbook")
    }  # fmt: skip
    words = f"https://{part.domain}{part.path} is asked from outside"
    yield setting.module(part, "uptime_check", words, arguments, providers=EDGE_PROVIDER)


def _told(setting: Setting) -> dict[str, Expression]:
    return {"topic_arn": setting.topic, "ticket_topic_arn": _ticket(setting)}


def _ticket(setting: Setting) -> Expression:
    topics: Iterable[Part] = setting.design.of(Notification)
    return next((output(topic.name, "ticket_topic_arn") for topic in topics), None)


def _runbook(slug: str) -> Expression:
    return Text((RUNBOOKS_URL, f"/{slug}.md"))


def _recipients(recipients: tuple[Recipient, ...]) -> dict[str, Expression]:
    """Addresses by kind. What is a secret (a key of PagerDuty) is a name in Secrets Manager, never an address."""
    emails = [each.address.removeprefix("email:") for each in recipients if each.address.startswith("email:")]
    phones = [each.address.removeprefix("sms:") for each in recipients if each.address.startswith("sms:")]
    slack = {}
    for each in recipients:
        kind, _, address = each.address.partition(":")
        team, _, channel = address.partition("/")
        if kind == "slack" and channel:
            slack[channel.lower()] = {"team_id": team, "channel_id": channel}
    return {"emails": emails, "phones": phones, "slack": slack}
