"""What waits: queues and their dead letters, schedules, events."""

from __future__ import annotations

import json

from rung.delivery.commands.compute import cluster_of, machines
from rung.delivery.commands.words import aws, chosen, of_others
from rung.delivery.names import full_name, log_group
from rung.parts.compute import ScheduledTask
from rung.parts.design import Design
from rung.parts.messaging import EventRule, SqsQueue
from rung.parts.operations import Alarm

Parts = tuple[str, ...]


def queues(design: Design, parts: Parts) -> list[str]:
    """How much waits, how much is under way."""
    names = "ApproximateNumberOfMessages ApproximateNumberOfMessagesNotVisible ApproximateNumberOfMessagesDelayed"
    lines = [
        aws(design, f"sqs get-queue-attributes --attribute-names {names} --queue-url {_url(design, each.name)}")
        for each in chosen(design, SqsQueue, parts)
    ]
    lines += [
        aws(design, f"sqs get-queue-attributes --attribute-names {names} --queue-url {url}")
        for url in of_others(design, "url", parts)
    ]
    return lines or _in_postgres(design)


def dead_letters(design: Design, parts: Parts) -> list[str]:
    """Look at one, mend its reason, then send all of them back."""
    lines = []
    for queue in chosen(design, SqsQueue, parts):
        dead = f"{queue.name}-dlq"
        arn = aws(
            design, f"sqs get-queue-attributes --attribute-names QueueArn --queue-url {_url(design, dead)} "
            "--query Attributes.QueueArn --output text",
        )  # fmt: skip
        lines += [
            aws(design, "sqs receive-message --visibility-timeout 0 --message-attribute-names All "
                f"--queue-url {_url(design, dead)}"),
            f"# once its reason is mended: {aws(design, 'sqs start-message-move-task')} --source-arn \"$({arn})\"",
        ]  # fmt: skip
    for url in of_others(design, "dead_letter_url", parts):
        lines.append(aws(design, "sqs receive-message --visibility-timeout 0 --message-attribute-names All "
                                 f"--queue-url {url}"))  # fmt: skip
    for arn in of_others(design, "dead_letter_arn", parts):
        moves = aws(design, f"sqs start-message-move-task --source-arn {arn}")
        lines.append(f"# once its reason is mended, and its owner agrees: {moves}")
    return lines or _in_postgres(design)


def schedules(design: Design, parts: Parts) -> list[str]:
    """When it should have run, and what its last runs said."""
    lines = []
    for schedule in chosen(design, ScheduledTask, parts):
        name = full_name(design, schedule.name)
        lines += [
            aws(design, f"scheduler list-schedules --group-name {name} --query 'Schedules[].[Name,State]'"),
            aws(design, f"logs tail {log_group(design, schedule.job)} --since 1h --format short"),
        ]
    return lines


def events(design: Design, parts: Parts) -> list[str]:
    """What a rule matches and where it sends it."""
    lines = []
    for rule in chosen(design, EventRule, parts):
        name, bus = full_name(design, rule.name), full_name(design, rule.bus)
        lines += [
            aws(design, f"events describe-rule --name {name} --event-bus-name {bus}"),
            aws(design, f"events list-targets-by-rule --rule {name} --event-bus-name {bus}"),
        ]
    return lines


def runs(design: Design, parts: Parts) -> list[str]:
    """The runs of workflows that failed, asked in a container that has their database; then what else one can do."""
    lines = []
    for alarm in design.of(Alarm):
        if alarm.runbook == "runs-failing" and (not parts or alarm.part in parts):
            lines += _asked(design, alarm.node)
    return lines


def _asked(design: Design, node: str) -> list[str]:
    program = "python -m rung.cli.main workflow"
    found = machines(design, ())
    if found:
        run = f"sudo docker compose --project-directory /opt/{design.workload} exec {node} {program}"
        return [
            *found,
            f"{run} list {node} --state failed",
            f"{run} show {node} RUN",
            f"# {run} resume {node} RUN",
        ]
    name, cluster = full_name(design, node), cluster_of(design)
    network = aws(
        design, f"ecs describe-services --cluster {cluster} --services {name} "
        "--query 'services[0].networkConfiguration' --output json",
    )  # fmt: skip
    words = [*program.split(), "list", node, "--state", "failed"]
    override = json.dumps({"containerOverrides": [{"name": "app", "command": words}]})
    return [
        aws(design, f"ecs run-task --cluster {cluster} --task-definition {name} --launch-type FARGATE "
            f"--network-configuration \"$({network})\" --overrides '{override}'"),
        aws(design, f"logs tail {log_group(design, node)} --since 5m --follow --format short"),
        f"# in the same way: workflow show {node} RUN; workflow resume {node} RUN; workflow cancel {node} RUN",
    ]  # fmt: skip


def _in_postgres(design: Design) -> list[str]:
    """Queues of a box are tables: read with SQL on the machine."""
    found = machines(design, ())
    return [*found, 'sudo rung-psql --command "table rung.queue_statistics"'] if found else []


def _url(design: Design, queue: str) -> str:
    name = full_name(design, queue)
    return f'"$({aws(design, f"sqs get-queue-url --queue-name {name} --query QueueUrl --output text")})"'
