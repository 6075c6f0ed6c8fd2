"""Blocks for what carries messages and events."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from rung.parts.messaging import EventBus, EventRule, RabbitBroker, RedisBroker, SqsQueue
from rung.terraform.hcl import Block, Expression
from rung.terraform.names import output, workload_line
from rung.terraform.setting import ACCOUNT, Setting, literals

#: The input fields of an EventBridge target, and the variables of the module that they are.
INPUTS = {
    "InputPathsMap": "input_paths", "InputTemplate": "input_template", "Input": "input", "InputPath": "input_path",
}  # fmt: skip


def queue(setting: Setting, part: SqsQueue) -> Iterator[Block]:
    """A queue with its lanes, where the first of them stands; or one queue of SQS."""
    if part.name not in setting.homes:
        yield sqs_queue(setting, part)
        return
    lanes = [each for each in setting.sharing(part) if isinstance(each, SqsQueue)]
    if not lanes:
        return
    name = setting.homes[part.name].block
    arguments: dict[str, Expression] = {
        "lanes": [each.lane for each in lanes],
        "key_arn": setting.data_key,
        "senders": {each.lane: _senders(each) for each in lanes if each.rules},
        **literals(part, "lane", "acceptable_age_seconds", "rules"),
    }
    note = f"{name} carries messages in {len(lanes)} lanes{workload_line(setting.design, part.node)}"
    yield setting.call(name, "queue", note, arguments)


def sqs_queue(setting: Setting, part: SqsQueue) -> Block:
    """One queue and its dead-letter queue."""
    arguments: dict[str, Expression] = {
        "key_arn": setting.data_key,
        "senders": _senders(part),
        **literals(part, "lane", "acceptable_age_seconds", "rules"),
    }
    return setting.module(part, "sqs_queue", f"{part.name} carries messages", arguments)


def _senders(part: SqsQueue) -> list[Expression]:
    return [{"service": "events.amazonaws.com", "source_arn": output(rule, "arn")} for rule in part.rules]


def redis_broker(setting: Setting, part: RedisBroker) -> Block:
    """One replication group of Valkey that keeps what it has."""
    arguments = {**setting.inside, **literals(part, "queues"), "eviction": "noeviction"}
    words = f"{part.name} carries the messages of {' and '.join(part.queues)}"
    return setting.module(part, "cache_group", words, arguments)


def rabbit_broker(setting: Setting, part: RabbitBroker) -> Block:
    """One broker of Amazon MQ, which reads its password from the secret itself."""
    arguments: dict[str, Expression] = {
        "vpc_id": setting.vpc, "subnet_ids": setting.inside["subnet_ids"],
        "login_secret_arn": setting.output(part.login, "arn"), "engine_version": part.version,
        **literals(part, "version", "login", "queues", "acceptable_messages"),
    }  # fmt: skip
    words = f"{part.name} carries the messages of {' and '.join(part.queues)}"
    return setting.module(part, "rabbitmq_broker", words, arguments)


def event_bus(setting: Setting, part: EventBus) -> Block:
    """One bus with its archive."""
    arguments = {"account_id": ACCOUNT, **literals(part)}
    return setting.module(part, "event_bus", f"{part.name} carries events", arguments)


def _input(part: EventRule) -> dict[str, Expression]:
    """What the target gets, as the module's variables."""
    given: dict[str, Any] = json.loads(part.transform or "{}")
    names = {
        "InputPathsMap": "input_paths",
        "InputTemplate": "input_template",
        "Input": "input",
        "InputPath": "input_path",
    }
    return {names[name]: value for name, value in given.items()}


def event_rule(setting: Setting, part: EventRule) -> Block:
    """One rule and its target. What cannot be delivered goes to its queue, or to one of the module's own."""
    arguments = {
        "bus_name": setting.output(part.bus, "name"),
        "target_arn": setting.output(part.target, "arn"),
        "key_arn": None if part.dead_letter else setting.data_key,
        "own_dead_letters": part.dead_letter is None,
        "dead_letter_arn": setting.output(part.dead_letter, "arn") if part.dead_letter else None,
        **_input(part),
        **literals(part, "bus", "target", "transform", "dead_letter"),
    }
    return setting.module(
        part, "event_rule", f"{part.name} leads events of {part.bus} to {part.target}", arguments
    )
