"""Sustainability: work that nobody needs, on machines that use more than they must."""

from __future__ import annotations

import math
from collections.abc import Iterator

from rung.model.measured import FULL
from rung.model.nodes import Service, Worker
from rung.parts.compute import EcsJob, EcsService, Host, HostGroup
from rung.parts.functions import LambdaFunction
from rung.parts.kubernetes import KubernetesJob, KubernetesService, NodePool
from rung.review.advice import Found, Rule
from rung.review.cures import OverrideField, SizePart
from rung.review.subject import Subject

#: Tasks beyond what the peak needs: fewer than this are prudence.
SPARE = 2
#: A worker that is busy for less than this share of an ordinary hour can be started when a message comes.
IDLE = 0.01
#: How long a first message may wait for a task to be started.
START_SECONDS = 240.0
LONGEST_LOG_DAYS_OF_A_COPY = 90
LOGGING = (EcsService, EcsJob, Host, HostGroup, KubernetesService, KubernetesJob, LambdaFunction)
BUILT = (*LOGGING, NodePool)


def old_processors(subject: Subject) -> Iterator[Found]:
    """R1481: processors that take more power for the same work."""
    parts = [
        part for part in subject.design.parts
        if isinstance(part, BUILT) and part.architecture == "x86_64"
    ]  # fmt: skip
    if parts:
        yield Found(
            node=parts[0].node, message="processors that take more power for the same work",
            evidence=f'architecture="x86_64": {", ".join(part.name for part in parts)}',
            changes=tuple(SizePart(part=part.name, field="architecture", value="arm64") for part in parts),
            note="AWS says up to 60 % less energy for the same work on Graviton "
            "(https://docs.aws.amazon.com/wellarchitected/latest/machine-learning-lens/mlsus-12.html)",
        )  # fmt: skip


def idle_tasks(subject: Subject) -> Iterator[Found]:
    """R1482: more tasks at all times than the peak needs."""
    for front in subject.fronts:
        if not isinstance(front.part, EcsService | KubernetesService) or not subject.peak:
            continue
        needed = math.ceil(subject.peak * front.share / (front.each * FULL))
        prudent = max(needed + SPARE, 2 * needed)
        node = subject.graph.by_name.get(front.node)
        declared = node.min_tasks if isinstance(node, Service) else 0
        if front.least > prudent and declared > prudent:
            enough = max(2, needed + 1) if subject.production else max(1, needed)
            yield Found(
                node=front.node, message=f'"{front.part.name}" always runs more tasks than its peak needs',
                evidence=f"{front.least} tasks at least; {needed} serve the {subject.peak * front.share:,.0f} "
                f"requests/s of the peak",
                changes=(OverrideField(node=front.node, field="min_tasks", value=enough),),
            )  # fmt: skip


def idle_workers(subject: Subject) -> Iterator[Found]:
    """R1483: a worker that waits all day."""
    parts = {part.node: part for part in subject.design.of(EcsService)}
    for worker in subject.graph.of(Worker):
        rate, takes = subject.messages_per_second(worker.consumes), worker.processing_time_seconds
        part = parts.get(worker.name)
        if rate is None or takes is None or part is None or part.min_tasks < 1:
            continue
        patient = (worker.acceptable_latency_seconds or START_SECONDS) >= START_SECONDS
        busy = rate * takes / worker.concurrency
        if busy < IDLE and patient:
            yield Found(
                node=worker.name, message=f'"{worker.name}" waits all day',
                evidence=f"{rate * 3_600:,.1f} messages an hour, {takes:g} s each: busy {busy:.2%} of the time",
                changes=(OverrideField(node=worker.name, field="min_tasks", value=0),),
                note="a task is started when a message comes",
            )  # fmt: skip


def logs_of_a_copy(subject: Subject) -> Iterator[Found]:
    """R1484: logs of a copy that are kept like a customer's."""
    long = [
        part for part in subject.design.parts
        if isinstance(part, LOGGING) and part.log_days > LONGEST_LOG_DAYS_OF_A_COPY
    ]  # fmt: skip
    if long and not subject.production:
        yield Found(
            node=long[0].node, message="logs of a copy are kept like a customer's",
            evidence=f"{', '.join(f'{part.name} {part.log_days} days' for part in long)}",
            changes=tuple(SizePart(part=part.name, field="log_days", value=30) for part in long),
        )  # fmt: skip


RULES = (
    Rule(
        code="R1481", pillar="sustainability", title="processors that take more power for the same work",
        likelihood="often", harm="slight", find=old_processors,
        effect="about a fifth more is paid, and more power drawn, for each request",
    ),
    Rule(
        code="R1482", pillar="sustainability", title="more tasks always run than the peak needs",
        likelihood="often", harm="slight", find=idle_tasks,
        effect="machines run, and are paid, for visitors who never come",
    ),
    Rule(
        code="R1483", pillar="sustainability", title="a worker waits all day", likelihood="often",
        harm="slight", find=idle_workers, effect="a task runs for a month to do some minutes of work",
    ),
    Rule(
        code="R1484", pillar="sustainability", title="logs of a copy are kept like a customer's",
        likelihood="often", harm="slight", find=logs_of_a_copy,
        effect="what nobody will read is stored, encrypted and replicated",
    ),
)  # fmt: skip
