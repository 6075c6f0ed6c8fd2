"""How many messages a function takes at once, and how long it may have for them. Pure."""

from __future__ import annotations

import math

from rung.model.nodes import Worker

#: What Lambda takes: 15 minutes, 10,240 MiB (AWS, "Lambda quotas").
LONGEST_SECONDS, MOST_MIB = 900, 10_240
#: SQS hands Lambda so many messages at once, unless it waits for more.
LARGEST_BATCH = 10
#: A function ends itself a little before Lambda ends it.
MARGIN_SECONDS = 5


def batch_of(node: Worker) -> int:
    """Messages in a batch: so many that the slowest of them end in time."""
    rounds = max(1, int((LONGEST_SECONDS - MARGIN_SECONDS) // node.deadline_seconds))
    return max(1, min(node.batch, LARGEST_BATCH, rounds * node.concurrency))


def timeout_of(node: Worker) -> int:
    """Seconds that a batch may take: its messages, `concurrency` of them at a time, each up to its deadline."""
    rounds = math.ceil(batch_of(node) / node.concurrency)
    return min(LONGEST_SECONDS, math.ceil(node.deadline_seconds * rounds) + MARGIN_SECONDS)
