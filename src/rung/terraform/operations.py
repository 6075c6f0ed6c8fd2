"""Blocks for what watches, tells somebody, and keeps the money in sight."""

from __future__ import annotations

from collections.abc import Iterator

from rung.parts.design import Design, Part
from rung.parts.operations import Alarm, Budget, Dashboard, Notification, Objective, Recipient, UptimeCheck
from rung.terraform.alarms import table
from rung.terraform.hcl import Block, Expression, Text
from rung.terraform.names import environment_name, full_name, output
from rung.terraform.setting import ACCOUNT, EDGE_PROVIDER, REGION, WATCH, Setting


def watch(setting: Setting) -> Iterator[Block]:
    """One block: who is told, what is watched, what is promised, what a month may cost. None without alarms."""
    design = setting.design
    alarms, told = design.of(Alarm), design.of(Notification)
    if not alarms or not told:
        return
    rows, kinds = table(alarms)
    budget = next(iter(design.of(Budget)), None)
    arguments: dict[str, Expression] = {
        "name": environment_name(design), "account_id": ACCOUNT, "region": REGION, "key_arn": setting.log_key,
        "own_key": setting.log_key is None,
        **_recipients(told[0].recipients),
        "runbooks_url": setting.runbooks_url,
        "monthly_usd": budget.monthly_usd if budget else None,
        "cost_tags": {"Workload": design.workload, "Environment": design.environment} if budget else {},
        "availability": {each.name: _objective(each) for each in design.of(Objective)},
        "alarms": rows, "kinds": kinds, "parts": _called(design),
    }  # fmt: skip
    note = "What is watched and who is told: the runbook of an alarm has the name of its kind"
    yield setting.call(WATCH, "watch", note, arguments)


def _objective(part: Objective) -> Expression:
    return {"share": part.availability, "load_balancer_suffix": output(part.load_balancer, "arn_suffix")}


def _called(design: Design) -> dict[str, Expression]:
    """What topics, dashboard and budget are called, where a node has the usual name."""
    named: dict[str, tuple[tuple[Part, ...], str]] = {
        "topics": (design.of(Notification), "alarms"),
        "dashboard": (design.of(Dashboard), "overview"),
        "budget": (design.of(Budget), "budget"),
    }
    return {name: parts[0].name for name, (parts, usual) in named.items() if parts and parts[0].name != usual}


def uptime_check(setting: Setting, part: UptimeCheck) -> Block:
    """The check from outside. Its metric is in us-east-1, and an alarm tells topics of its own region alone."""
    arguments = {**_called_for(setting, part), "domain": part.domain, "path": part.path}
    words = f"https://{part.domain}{part.path} is asked from outside"
    return setting.module(part, "uptime_check", words, arguments, providers=EDGE_PROVIDER)


def asked(setting: Setting, part: UptimeCheck) -> Expression:
    """The same as one argument of the block that has the domain."""
    given = {"name": full_name(setting.design, part.name), "path": part.path, **_called_for(setting, part)}
    return {name: value for name, value in given.items() if value not in ([], {}, "/")}


def _called_for(setting: Setting, part: UptimeCheck) -> dict[str, Expression]:
    """Whom it tells, and what they should do."""
    recipients = [each for told in setting.design.of(Notification) for each in told.recipients]
    url = _runbook(setting, part.runbook)
    return {"account_id": ACCOUNT, "runbook_url": url, **_recipients(tuple(recipients))}


def _runbook(setting: Setting, slug: str) -> Expression:
    return Text((setting.runbooks_url, f"/{slug}.md"))


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
