"""Blocks for what carries messages and events."""

from __future__ import annotations

from rung.parts.messaging import EventBus, EventRule, SqsQueue
from rung.terraform.hcl import Block, Expression
from rung.terraform.names import output
from rung.terraform.setting import ACCOUNT, Setting, literals


def sqs_queue(setting: Setting, part: SqsQueue) -> Block:
    """One lane of a queue and its dead-letter queue."""
    arguments: dict[str, Expression] = {
        "key_arn": setting.data_key,
        "senders": [{"service": "events.amazonaws.com", "source_arn": output(rule, "arn")} for rule in part.rules],
        **literals(part, "lane", "acceptable_age_seconds", "rules"),
    }  # fmt: skip
    return setting.module(part, "sqs_queue", f"{part.name} carries messages", arguments)


def event_bus(setting: Setting, part: EventBus) -> Block:
    """One bus with its archive."""
    arguments = {"account_id": ACCOUNT, **literals(part)}
    return setting.module(part, "event_bus", f"{part.name} carries events", arguments)


def event_rule(setting: Setting, part: EventRule) -> Block:
    """One rule and its target. What cannot be delivered goes to its queue, or to one of the module's own."""
    arguments = {
        "bus_name": output(part.bus, "name"),
        "target_arn": output(part.target, "arn"),
        "key_arn": None if part.dead_letter else setting.data_key,
        "own_dead_letters": part.dead_letter is None,
        "dead_letter_arn": output(part.dead_letter, "arn") if part.dead_letter else None,
        **literals(part, "bus", "target", "dead_letter"),
    }
    return setting.module(
        part, "event_rule", f"{part.name} leads events of {part.bus} to {part.target}", arguments
    )
