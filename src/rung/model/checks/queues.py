"""Queues: somebody sends, somebody receives, and what fails ends where a person looks."""

from __future__ import annotations

from collections.abc import Iterator

from rung.errors import Finding
from rung.model.checks.report import counted, label, place, problem
from rung.model.durations import render_seconds
from rung.model.graph import Graph
from rung.model.nodes import Queue, Rule, Worker
from rung.near import suggestion

#: The longest delay and retention that each broker has; None: no limit that matters.
DELAY_LIMITS = {"sqs": 900.0}
RETENTION_LIMITS = {"sqs": 14 * 86_400.0}
VISIBILITY_LIMITS = {"sqs": 43_200.0, "rabbitmq": 1_800.0}
#: The fewest attempts at which a worker killed by a deployment does not condemn a healthy message.
FEWEST_RECEIVES = 3


def unused(graph: Graph) -> Iterator[Finding]:
    """R0141: neither sender nor consumer."""
    for queue in graph.of(Queue):
        if not _senders(graph, queue) and not _consumers(graph, queue):
            yield problem(
                graph, "R0141", queue.name, f"{label(queue)} has neither sender nor consumer", severity="warning",
                found="0 senders, 0 consumers", effect="it carries nothing",
                advice="add it to the uses of a sender and a worker(..., consumes=...), or delete the line",
            )  # fmt: skip


def no_consumer(graph: Graph) -> Iterator[Finding]:
    """R0142: messages go in and never come out."""
    for queue in graph.of(Queue):
        senders = _senders(graph, queue)
        if senders and not _consumers(graph, queue) and not _is_dead_letter_queue(graph, queue):
            yield problem(
                graph, "R0142", queue.name, f"{label(queue)} has a sender and no consumer",
                found=f"{counted(graph, 'sender', senders)}, 0 consumers",
                effect=f"messages are deleted unread after {render_seconds(queue.retention_seconds)}",
                advice=f'add a worker(..., consumes={_variable(queue)}), or '
                f'{_variable(queue)}.drained_by("external")',
            )  # fmt: skip


def no_sender(graph: Graph) -> Iterator[Finding]:
    """R0143: a consumer that waits for ever."""
    for queue in graph.of(Queue):
        consumers = _consumers(graph, queue)
        if consumers and not _senders(graph, queue):
            yield problem(
                graph, "R0143", queue.name, f"{label(queue)} has a consumer and no sender", severity="warning",
                found=f"0 senders, {counted(graph, 'consumer', consumers)}",
                effect="nothing has the permission to send to it: the consumer waits for ever",
                advice=f'add {_variable(queue)}.send to the uses of the sender, or say '
                f'{_variable(queue)}.filled_by("external")',
            )  # fmt: skip


def no_dead_letter_queue(graph: Graph) -> Iterator[Finding]:
    """R0144: a message that always fails is tried for ever, or vanishes."""
    for queue in graph.of(Queue):
        consumers = _consumers(graph, queue)
        if consumers and queue.max_receive_count is None:
            yield problem(
                graph, "R0144", queue.name, f"{label(queue)} is consumed and has no dead-letter queue",
                found=f"max_receive_count=None, {counted(graph, 'consumer', consumers)}",
                effect="a message that always fails is tried until it expires, in the way of all others",
                advice="set max_receive_count=5: after that it waits in the DLQ with the reason, until "
                "it is redriven",
            )  # fmt: skip


def turns_elsewhere(graph: Graph) -> Iterator[Finding]:
    """R0187: tenants take turns in a queue whose broker knows no tenants."""
    for queue in graph.of(Queue):
        if queue.fair and queue.broker == "rabbitmq":
            yield problem(
                graph, "R0187", queue.name, f"tenants cannot take turns in {label(queue)}",
                found=f'fair=True, broker="{queue.broker}"',
                effect="the messages of one tenant keep those of all others waiting",
                advice='say broker="postgres", "redis" or "sqs", or give large tenants a lane of their own',
            )  # fmt: skip


def visibility_too_short(graph: Graph) -> Iterator[Finding]:
    """R0145: the message reappears while its handler still works on it."""
    for worker, queue in _consuming(graph):
        if queue.visibility_timeout_seconds <= worker.deadline_seconds:
            yield problem(
                graph, "R0145", queue.name,
                f"the visibility timeout of {label(queue)} is shorter than the deadline of {label(worker)}",
                found=f"visibility timeout {render_seconds(queue.visibility_timeout_seconds)}, "
                f"deadline {render_seconds(worker.deadline_seconds)} ({place(graph, worker.name)})",
                effect="a slow message is handed to a second task while the first still works: the "
                "effect is doubled",
                advice=f'set visibility_timeout="{int(worker.deadline_seconds * 1.2) + 1}s", or a '
                f'shorter deadline',
                related=(worker.name,),
            )  # fmt: skip


def lanes_without_order(graph: Graph) -> Iterator[Finding]:
    """R0146: a set of lanes has no first one."""
    for queue in graph.of(Queue):
        if not queue.lanes_ordered and len(queue.lanes) > 1:
            lanes = ", ".join(f'"{lane}"' for lane in queue.lanes)
            yield problem(
                graph, "R0146", queue.name, f"the lanes of {label(queue)} have no order of priority",
                found=f"a set of {len(queue.lanes)} lanes",
                effect="which of them is served first would depend on chance, and differ from run to run",
                advice=f"write a tuple, the most urgent lane first: lanes=({lanes})",
            )  # fmt: skip


def unknown_lane(graph: Graph) -> Iterator[Finding]:
    """R0147: a worker waits on a lane that does not exist."""
    for worker, queue in _consuming(graph):
        for lane in worker.lanes:
            if lane not in queue.lanes:
                yield problem(
                    graph, "R0147", worker.name, f'{label(worker)} consumes the lane "{lane}" that does not exist',
                    found=f"{label(queue)} has {', '.join(queue.lanes)}",
                    effect="it never receives anything from there",
                    advice=f"name a lane of the queue{suggestion(lane, queue.lanes)}", related=(queue.name,),
                )  # fmt: skip


def lane_left_over(graph: Graph) -> Iterator[Finding]:
    """R0148: a lane that no worker consumes."""
    for queue in graph.of(Queue):
        workers = [worker for worker, consumed in _consuming(graph) if consumed is queue]
        if not workers or any(not worker.lanes for worker in workers) or queue.drained_by:
            continue
        covered = {lane for worker in workers for lane in worker.lanes}
        for lane in queue.lanes:
            if lane not in covered:
                yield problem(
                    graph, "R0148", queue.name, f'no worker consumes the lane "{lane}" of {label(queue)}',
                    found=", ".join(f"{worker.name}: {', '.join(worker.lanes)}" for worker in workers),
                    effect=f"messages in it are deleted unread after {render_seconds(queue.retention_seconds)}",
                    advice=f'add "{lane}" to the lanes of a worker, or give one worker no lanes: it '
                    f'then takes all',
                )  # fmt: skip


def beyond_the_broker(graph: Graph) -> Iterator[Finding]:
    """R0149: a delay, retention or visibility timeout that the broker does not have."""
    for queue in graph.of(Queue):
        for parameter, seconds, limits in (
            ("delay", queue.delay_seconds, DELAY_LIMITS),
            ("retry_delay_max", queue.retry_delay_max_seconds, VISIBILITY_LIMITS),
            ("retention", queue.retention_seconds, RETENTION_LIMITS),
            ("visibility_timeout", queue.visibility_timeout_seconds, VISIBILITY_LIMITS),
        ):
            limit = limits.get(queue.broker or "")
            if limit is not None and seconds > limit:
                yield problem(
                    graph, "R0149", queue.name, f"the {parameter} of {label(queue)} is beyond {queue.broker}",
                    found=f"{parameter} {render_seconds(seconds)}, {queue.broker} allows {render_seconds(limit)}",
                    effect="the broker refuses it, or hands the message out too early",
                    advice=f'set {parameter}="{render_seconds(limit)}" or less, or choose broker="postgres"',
                )  # fmt: skip


def expires_before_its_last_retry(graph: Graph) -> Iterator[Finding]:
    """R0150: retention shorter than the longest chain of retries."""
    for queue in graph.of(Queue):
        chain = longest_chain_seconds(queue)
        if _consumers(graph, queue) and queue.retention_seconds < chain:
            yield problem(
                graph, "R0150", queue.name, f"messages in {label(queue)} expire before their last retry",
                found=f"retention {render_seconds(queue.retention_seconds)}, {queue.max_receive_count} "
                f"attempts take "
                f"up to {render_seconds(round(chain))}",
                effect="a message that keeps failing is deleted silently instead of reaching the DLQ",
                advice=f'set retention="{int(chain // 3600) + 1}h" or more, or fewer attempts',
            )  # fmt: skip


def too_few_receives(graph: Graph) -> Iterator[Finding]:
    """R0151: a crash counts as an attempt."""
    for queue in graph.of(Queue):
        count = queue.max_receive_count
        if count is not None and count < FEWEST_RECEIVES and _consumers(graph, queue):
            yield problem(
                graph, "R0151", queue.name,
                f"{label(queue)} gives a message {count} attempt{'' if count == 1 else 's'}",
                severity="warning", found=f"max_receive_count={count}",
                effect="a worker that is killed in the middle uses one up: healthy messages end in the DLQ",
                advice=f"set max_receive_count={FEWEST_RECEIVES} or more; 5 is usual",
            )  # fmt: skip


CHECKS = (
    unused, no_consumer, no_sender, no_dead_letter_queue, turns_elsewhere, visibility_too_short,
    lanes_without_order, unknown_lane, lane_left_over, beyond_the_broker, expires_before_its_last_retry,
    too_few_receives,
)  # fmt: skip


def longest_chain_seconds(queue: Queue) -> float:
    """From sending a message to giving it up, when each attempt takes its full time and each delay is the longest.

    Attempts times visibility timeout, and the exponential delays between them.
    """
    attempts = queue.max_receive_count or 1
    delays = sum(
        min(queue.retry_delay_seconds * 2.0 ** min(attempt, 60), queue.retry_delay_max_seconds)
        for attempt in range(min(attempts, 10_000) - 1)
    )
    return queue.delay_seconds + attempts * queue.visibility_timeout_seconds + delays


def _senders(graph: Graph, queue: Queue) -> list[str]:
    edges = graph.edges_to(queue.name)
    senders = [edge.source for edge in edges if edge.verb in ("send", "deliver")]
    return senders or (["external"] if queue.filled_by else [])


def _consumers(graph: Graph, queue: Queue) -> list[str]:
    consumers = [edge.source for edge in graph.edges_to(queue.name, "consume")]
    return consumers or (["external"] if queue.drained_by else [])


def _consuming(graph: Graph) -> list[tuple[Worker, Queue]]:
    """Each worker with the queue it consumes."""
    queues = {queue.name: queue for queue in graph.of(Queue)}
    return [(worker, queues[worker.consumes]) for worker in graph.of(Worker) if worker.consumes in queues]


def _is_dead_letter_queue(graph: Graph, queue: Queue) -> bool:
    return any(rule.dead_letter == queue.name for rule in graph.of(Rule))


def _variable(queue: Queue) -> str:
    return queue.name.replace("-", "_")
