"""What queues become where SQS carries them: one queue with its dead-letter queue for each lane. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterator

from rung.model.nodes import Queue, Rule, Worker
from rung.parts.messaging import EventRule, SqsQueue
from rung.rungs.batches import timeout_of
from rung.rungs.routers import DELIVERY_SECONDS, MARGIN_SECONDS, deliveries_part
from rung.rungs.setting import Setting

#: What SQS takes: 12 hours of visibility timeout, 1 minute to 14 days of retention, 15 minutes of delay.
MOST_VISIBILITY_SECONDS, MOST_DELAY_SECONDS = 43_200, 900
LEAST_RETENTION_SECONDS, MOST_RETENTION_SECONDS = 60, 1_209_600
#: The relay counts attempts itself, by the rule; what SQS counts is only for what kills its process each time.
MOST_RECEIVES = 1_000
#: Nobody said how long a message may wait.
ACCEPTABLE_AGE_SECONDS = 300


def queue_parts(setting: Setting, queue: Queue) -> Iterator[SqsQueue]:
    """A part for each lane; none where Postgres carries the queue."""
    if not setting.uses_sqs(queue):
        return
    first = next(setting.queue_parts(queue))
    rules = tuple(edge.source for edge in setting.graph.edges_to(queue.name, "deliver"))
    for lane, part in setting.queue_parts(queue):
        yield SqsQueue(
            name=part, node=queue.name, lane=lane, max_receive_count=queue.max_receive_count,
            visibility_timeout_seconds=visibility_of(setting, queue),
            retention_seconds=_within(queue.retention_seconds, LEAST_RETENTION_SECONDS, MOST_RETENTION_SECONDS),
            delay_seconds=_within(queue.delay_seconds, 0, MOST_DELAY_SECONDS),
            acceptable_age_seconds=_acceptable_age(setting, queue, lane),
            rules=rules if part == first[1] else (), existing=queue.existing,
            why=f"the lane {lane}" if len(queue.lanes) > 1 else "",
        )  # fmt: skip


def rules_of(setting: Setting, rule: Rule) -> Iterator[EventRule | SqsQueue]:
    """A rule that hears a bus and delivers somewhere; a queue is reached by its first lane.

    What EventBridge does not reach is behind a queue of the rule's own, which holds events as they are.
    """
    heard = any(edge.source == rule.bus for edge in setting.graph.edges_to(rule.name, "deliver"))
    targets = {edge.target for edge in setting.graph.edges_from(rule.name)}
    if not heard or rule.target not in targets:
        return
    relayed = setting.is_relayed(rule)
    if relayed:
        yield _deliveries(setting, rule)
    yield EventRule(
        name=rule.name, node=rule.name, bus=rule.bus, pattern=rule.pattern,
        transform=None if relayed else rule.transform,
        max_attempts=rule.max_attempts, max_age_seconds=math.ceil(rule.max_age_seconds),
        target=deliveries_part(rule.name) if relayed else _delivery(setting, rule.target),
        dead_letter=None if rule.dead_letter not in targets else _delivery(setting, rule.dead_letter),
    )  # fmt: skip


def _deliveries(setting: Setting, rule: Rule) -> SqsQueue:
    """Kept as long as SQS keeps anything: what is too old when the relay is back goes to the dead letters."""
    return SqsQueue(
        name=deliveries_part(rule.name), node=rule.name, lane=rule.name, rules=(rule.name,),
        max_receive_count=MOST_RECEIVES, visibility_timeout_seconds=math.ceil(DELIVERY_SECONDS + MARGIN_SECONDS),
        retention_seconds=MOST_RETENTION_SECONDS,
        why=f"from EventBridge to what brings it to {rule.target}",
    )  # fmt: skip


def _delivery(setting: Setting, name: str) -> str:
    node = setting.graph.by_name.get(name)
    return next(setting.queue_parts(node))[1] if isinstance(node, Queue) else name


def consumers_of(setting: Setting, queue: Queue, lane: str) -> tuple[Worker, ...]:
    """The workers that take messages of a lane."""
    return tuple(
        worker
        for worker in setting.graph.of(Worker)
        if worker.consumes == queue.name and (not worker.lanes or lane in worker.lanes)
    )


def visibility_of(setting: Setting, queue: Queue) -> int:
    """As declared. The worker extends it while it works, so it need not outlast the longest message.

    Nobody extends it for a function: it is hidden six times as long as a batch may take (AWS, "Using Lambda with
    Amazon SQS"), so that what Lambda holds back at its limit is not handed out twice.
    """
    wanted = queue.visibility_timeout_seconds
    for each in setting.graph.of(Worker):
        if each.consumes == queue.name and setting.is_function(each.name):
            wanted = max(wanted, 6.0 * timeout_of(each))
    return _within(wanted, 1, MOST_VISIBILITY_SECONDS)


def _acceptable_age(setting: Setting, queue: Queue, lane: str) -> int:
    """Twice what the strictest consumer accepts: scaling out takes a minute, and that is no alarm yet."""
    wanted = [
        worker.acceptable_latency_seconds
        for worker in consumers_of(setting, queue, lane)
        if worker.acceptable_latency_seconds is not None
    ]
    return max(60, math.ceil(min(wanted) * 2)) if wanted else ACCEPTABLE_AGE_SECONDS


def _within(seconds: float, least: int, most: int) -> int:
    return max(least, min(most, math.ceil(seconds)))
