"""Every action that is granted exists, takes the resource it is granted on, and knows its conditions.

Judged by policy_sentry's copy of AWS's own tables ("Actions, resources, and condition keys for AWS services").
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import pytest
from tests.rungs.conftest import everything

from rung.model.graph import Graph
from rung.parts.access import Statement
from rung.parts.design import Design
from rung.parts.values import Reference
from rung.rungs import place

pytest.importorskip("policy_sentry")
ACCOUNT, REGION = "123456789012", "eu-west-1"
#: What an ARN of each part looks like once it is built, by kind and output.
ARNS = {
    ("sqs_queue", "arn"): "arn:aws:sqs:{0}:{1}:atlas-prod-mails",
    ("sqs_queue", "dead_letter_arn"): "arn:aws:sqs:{0}:{1}:atlas-prod-mails-dead-letters",
    ("secret", "arn"): "arn:aws:secretsmanager:{0}:{1}:secret:atlas-prod-token-AbCdEf",
    ("aurora_cluster", "master_secret_arn"): "arn:aws:secretsmanager:{0}:{1}:secret:rds!cluster-1-AbCdEf",
    ("postgres_instance", "master_secret_arn"): "arn:aws:secretsmanager:{0}:{1}:secret:rds!db-1-AbCdEf",
    ("keys", "data_key_arn"): "arn:aws:kms:{0}:{1}:key/0a1b2c3d",
    ("cache_group", "arn"): "arn:aws:elasticache:{0}:{1}:replicationgroup:atlas-prod-cache",
    ("cache_group", "user_arn"): "arn:aws:elasticache:{0}:{1}:user:atlas-prod-cache",
    ("bucket", "arn"): "arn:aws:s3:::atlas-prod-uploads",
    ("table", "arn"): "arn:aws:dynamodb:{0}:{1}:table/atlas-prod-visits",
    ("file_system", "arn"): "arn:aws:elasticfilesystem:{0}:{1}:file-system/fs-0a1b",
    ("event_bus", "arn"): "arn:aws:events:{0}:{1}:event-bus/atlas-prod-events",
    ("ecs_job", "task_definition_arn"): "arn:aws:ecs:{0}:{1}:task-definition/atlas-prod-render:1",
    ("ecs_job", "task_role_arn"): "arn:aws:iam::{1}:role/atlas-prod-render-task",
    ("ecs_job", "execution_role_arn"): "arn:aws:iam::{1}:role/atlas-prod-render-execution",
    ("registry", "repository_arn"): "arn:aws:ecr:{0}:{1}:repository/atlas-prod-images",
    ("host", "log_group_arn"): "arn:aws:logs:{0}:{1}:log-group:atlas-prod-box",
    ("host_group", "log_group_arn"): "arn:aws:logs:{0}:{1}:log-group:atlas-prod-hosts",
}
#: What stands for the star at the end of a resource.
SAMPLES = {"/*": "/pictures/1.png", "/index/*": "/index/by-date", ":*": ":log-stream:app", "": ""}


@cache
def known(action: str) -> tuple[dict[str, Any], ...]:
    """AWS's rows for one action; none when there is no such action."""
    from policy_sentry.querying.actions import get_action_data

    service, _, name = action.partition(":")
    found = get_action_data(service, name)
    return tuple(found[service]) if found else ()


def designs() -> list[tuple[str, Design]]:
    """Every statement that there is, on each rung."""
    graph: Graph = everything()
    return [
        *((rung, place(graph, "prod", rung=rung)) for rung in ("host", "fargate")),
        ("box", place(everything(small=True), "prod", rung="box")),
    ]


STATEMENTS = [
    pytest.param(design, statement, id=f"{rung}-{statement.principal}-{statement.sid}")
    for rung, design in designs()
    for statement in design.statements
]


def sample(design: Design, resource: Reference | str) -> str:
    """An ARN such as the resource will have."""
    if isinstance(resource, str):
        return resource
    form = ARNS[design.part(resource.part).kind, resource.output]
    return form.format(REGION, ACCOUNT) + SAMPLES[resource.suffix]


def accepts(form: str, arn: str) -> bool:
    """Whether an ARN is of the form `arn:${Partition}:sqs:${Region}:${Account}:${QueueName}`."""
    if form == "*" or arn == "*":
        return form == arn
    pieces = re.split(r"\$\{\w+\}", form)
    names = re.findall(r"\$\{(\w+)\}", form)
    pattern = "".join(
        re.escape(piece) + ((".+" if name == "ObjectName" else "[^:/]+") if name else "")
        for piece, name in zip(pieces, [*names, ""], strict=True)
    )
    return re.fullmatch(pattern, arn) is not None


@pytest.mark.parametrize(("design", "statement"), STATEMENTS)
def test_every_action_exists_and_takes_its_resource(design: Design, statement: Statement) -> None:
    arns = [sample(design, resource) for resource in statement.resources]
    for action in statement.actions:
        rows = known(action)
        assert rows, f"{action} is no action of AWS"
        for arn in arns:
            assert any(accepts(row["resource_arn_format"], arn) for row in rows), f"{action} does not take {arn}"


@pytest.mark.parametrize(("design", "statement"), STATEMENTS)
def test_every_condition_is_known_to_its_action(design: Design, statement: Statement) -> None:
    for condition in statement.conditions:
        for action in statement.actions:
            keys = {key for row in known(action) for key in row["condition_keys"]}
            assert condition.key in keys, f"{action} knows no {condition.key}: the statement would never hold"


@pytest.mark.parametrize(("design", "statement"), STATEMENTS)
def test_every_resource_is_of_use_to_an_action(design: Design, statement: Statement) -> None:
    """A resource that no action of the statement takes grants nothing, and makes a reader wonder."""
    for resource in statement.resources:
        arn = sample(design, resource)
        assert any(accepts(row["resource_arn_format"], arn) for each in statement.actions for row in known(each))
