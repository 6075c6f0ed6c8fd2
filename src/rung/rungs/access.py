"""Who may do what on AWS: from the verbs of the graph's edges to statements of identity policies. Pure.

One table: what a verb on a kind of node needs. The actions are those that the clients of `rung.runtime` call,
no `service:*`, and no wildcard resource where AWS accepts a name. The key rules follow the AWS CDK's grants
(aws-cdk, `aws-sqs/lib/queue-base.ts` and its kin): who sends to an encrypted queue needs `kms:GenerateDataKey`
and `kms:Decrypt`, who receives needs `kms:Decrypt`; both only through the service that holds the data.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cache

from rung.model.edges import Edge
from rung.model.nodes import (
    Bucket,
    Bus,
    Cache,
    Files,
    Job,
    Node,
    Postgres,
    Queue,
    Rule,
    Schedule,
    Secret,
    Service,
    Table,
    Worker,
    Workflow,
)
from rung.parts.access import Condition, Statement
from rung.parts.values import Reference
from rung.rungs.brokers import broker_of, broker_part, login_part
from rung.rungs.routers import Router, deliveries_part
from rung.rungs.setting import Setting, approval_part, credentials_part

PrincipalOf = Callable[[str], str]
Process = Service | Worker | Schedule | Job | Workflow | Router


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """What one verb needs: actions on resources, under conditions. `part` distinguishes several of one edge."""

    actions: tuple[str, ...]
    resources: tuple[Reference | str, ...]
    conditions: tuple[Condition, ...] = ()
    part: str = ""


QUEUE_SEND = ("sqs:GetQueueAttributes", "sqs:SendMessage")
#: Who consumes also sends: what is handed back (a retry, a drain, a delay that goes on) is a copy.
QUEUE_CONSUME = (
    "sqs:ChangeMessageVisibility", "sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage",
    "sqs:SendMessage",
)  # fmt: skip
#: `statistics()` counts dead letters too.
QUEUE_COUNT = ("sqs:GetQueueAttributes",)
#: A handler may refuse a message for good: it is sent to the dead-letter queue with the reason, then deleted.
QUEUE_DEAD_LETTER = ("sqs:GetQueueAttributes", "sqs:SendMessage")
#: The process's own role is the cache's password.
CACHE_CONNECT = ("elasticache:Connect",)
SECRET_READ = ("secretsmanager:GetSecretValue",)
BUCKET_ON_OBJECTS: dict[str, tuple[str, ...]] = {
    "read": ("s3:GetObject",),
    "write": ("s3:AbortMultipartUpload", "s3:PutObject"),
    "delete": ("s3:DeleteObject",),
}
BUCKET_ON_ITSELF: dict[str, tuple[str, ...]] = {"list": ("s3:ListBucket",)}
TABLE: dict[str, tuple[str, ...]] = {
    "read": ("dynamodb:BatchGetItem", "dynamodb:ConditionCheckItem", "dynamodb:GetItem"),
    "write": (
        "dynamodb:BatchWriteItem", "dynamodb:DeleteItem", "dynamodb:PutItem", "dynamodb:UpdateItem",
    ),
}  # fmt: skip
#: An index is queried and scanned; items are fetched by key from the table alone.
TABLE_QUERY = ("dynamodb:Query", "dynamodb:Scan")
FILES: dict[str, tuple[str, ...]] = {
    "read": ("elasticfilesystem:ClientMount",),
    "write": ("elasticfilesystem:ClientMount", "elasticfilesystem:ClientWrite"),
}
BUS_PUBLISH = ("events:PutEvents",)
DECRYPT = ("kms:Decrypt",)
ENCRYPT = ("kms:Decrypt", "kms:GenerateDataKey")


def statements_of(setting: Setting, principal_of: PrincipalOf) -> tuple[Statement, ...]:
    """What the graph's edges need, for the role of whichever part runs the edge's source.

    What two edges need in the same words is granted once, and bears the first edge's name.
    """
    found: dict[object, Statement] = {}
    for edge in setting.whole.edges:
        source = setting.process(edge.source)
        target = setting.graph.by_name.get(edge.target)
        if source is not None and target is not None:
            for need in needs_of(setting, edge, source, target):
                statement = _statement(edge, need, principal_of(edge.source))
                key = (statement.principal, statement.actions, statement.resources, statement.conditions)
                found.setdefault(key, statement)
    return with_unique_sids(found.values())


def needs_of(setting: Setting, edge: Edge, source: Process, target: Node) -> Iterator[Need]:  # noqa: C901 - a table
    """What one edge needs of IAM. Stores that are reached by network and password need their secret."""
    match target:
        case Postgres() | Cache() | Queue() | Files() | Bus() if setting.rung == "box":
            return  # a container, a table, a folder of the machine
        case Queue() if setting.uses_sqs(target):
            yield from _queue(setting, edge, source, target)
        case Queue() if (broker := broker_of(target)) is not None:
            if broker == "redis":
                yield Need(actions=CACHE_CONNECT, resources=_login_to(broker_part(setting, broker)))
            else:
                yield from _secret(setting, Reference(part=login_part(setting), output="arn"))
        case Queue():
            carrier = setting.carrier()
            if carrier is not None:
                yield from _credentials(setting, carrier.name, source.name)
        case Postgres():
            yield from _credentials(setting, target.name, source.name)
        case Workflow():
            yield from _workflow(setting, source)
        case Cache() if there := setting.existing_cache(target.name):
            if there.credentials is not None:
                yield Need(actions=SECRET_READ, resources=(there.credentials,))
                yield from _foreign_key(setting, there.key_arn, DECRYPT, "secretsmanager")
        case Cache():
            yield Need(actions=CACHE_CONNECT, resources=_login_to(target.name))
        case Secret():
            yield from _secret(setting, Reference(part=target.name, output="arn"))
        case Bucket():
            yield from _bucket(setting, edge, target)
        case Table():
            yield from _table(setting, edge, target)
        case Files():
            yield _files(edge, target)
        case Rule():
            yield from _deliveries(setting, target)
        case Bus():
            yield Need(actions=BUS_PUBLISH, resources=(Reference(part=target.name, output="arn"),))
        case Job() if edge.verb == "run":
            yield from _job(setting, target)
        case _:
            return


def with_unique_sids(statements: Iterable[Statement]) -> tuple[Statement, ...]:
    """The same statements; where two of one role have one Sid, the later ones are numbered."""
    used: set[tuple[str, str]] = set()
    result = []
    for statement in statements:
        sid, count = statement.sid, 1
        while (statement.principal, sid) in used:
            count += 1
            sid = f"{statement.sid}{count}"
        used.add((statement.principal, sid))
        result.append(statement if count == 1 else replace(statement, sid=sid))
    return tuple(result)


def through(setting: Setting, service: str) -> tuple[Condition, ...]:
    """A key may be used by way of one service only: a stolen role cannot decrypt what it took elsewhere."""
    value = f"{service}.{setting.region}.amazonaws.com"
    return (Condition(operator="StringEquals", key="kms:ViaService", values=(value,)),)


def data_key(setting: Setting) -> Reference:
    """The key that encrypts data."""
    return Reference(part=setting.platform("keys"), output="data_key_arn")


def _statement(edge: Edge, need: Need, principal: str) -> Statement:
    return Statement(
        principal=principal, sid=sid_of(edge.source, edge.verb, edge.target, need.part), actions=need.actions,
        resources=need.resources, conditions=need.conditions, edge=edge,
    )  # fmt: skip


@cache
def sid_of(*words: str) -> str:
    """`ApiSendOrders`: letters and digits alone, as AWS wants."""
    return "".join(piece.capitalize() for word in words for piece in word.replace(".", "-").split("-"))


def _key(setting: Setting, actions: tuple[str, ...], service: str) -> Need:
    return Need(
        actions=actions, resources=(data_key(setting),), conditions=through(setting, service), part="key"
    )  # fmt: skip


def _foreign_key(setting: Setting, key: str | None, actions: tuple[str, ...], service: str) -> Iterator[Need]:
    """The key of something that exists already; AWS's own keys need no grant."""
    if key is not None:
        conditions = through(setting, service)
        yield Need(actions=actions, resources=(key,), conditions=conditions, part="key")


def _login_to(part: str) -> tuple[Reference, ...]:
    """A Valkey and its user: who may connect is allowed on both."""
    return tuple(Reference(part=part, output=output) for output in ("arn", "user_arn"))


def _queue(setting: Setting, edge: Edge, source: Process, queue: Queue) -> Iterator[Need]:
    lanes = source.lanes if isinstance(source, Worker) and edge.verb == "consume" else ()
    arns = tuple(Reference(part=part, output="arn") for _, part in setting.queue_parts(queue, lanes))
    dead_parts = (part for _, part in setting.dead_letter_parts(queue, lanes))
    dead = tuple(Reference(part=part, output="dead_letter_arn") for part in dead_parts)
    sends = edge.verb == "send"
    yield Need(actions=QUEUE_SEND if sends else QUEUE_CONSUME, resources=arns)
    if dead:
        actions = QUEUE_COUNT if sends else QUEUE_DEAD_LETTER
        yield Need(actions=actions, resources=dead, part="dead-letters")
    there = setting.existing_lanes(queue)
    if not there:
        yield _key(setting, ENCRYPT, "sqs")
    for key in dict.fromkeys(place.key_arn for place in there.values()):
        yield from _foreign_key(setting, key, ENCRYPT, "sqs")


def _deliveries(setting: Setting, rule: Rule) -> Iterator[Need]:
    """The queue between EventBridge and the relay."""
    part = deliveries_part(rule.name)
    yield Need(actions=QUEUE_CONSUME, resources=(Reference(part=part, output="arn"),))
    dead = Reference(part=part, output="dead_letter_arn")
    yield Need(actions=QUEUE_DEAD_LETTER, resources=(dead,), part="dead-letters")
    yield _key(setting, ENCRYPT, "sqs")


def _credentials(setting: Setting, database: str, process: str) -> Iterator[Need]:
    yield from _secret(setting, Reference(part=credentials_part(database, process), output="arn"))


def _workflow(setting: Setting, source: Process) -> Iterator[Need]:
    """The database with the runs, and the key of approvals. The tables on a box are reached by a password file."""
    carrier = setting.carrier()
    if carrier is not None and setting.rung != "box":
        yield from _credentials(setting, carrier.name, source.name)
    yield from _secret(setting, Reference(part=approval_part(setting), output="arn"), "approvals")


def _secret(setting: Setting, arn: Reference, part: str = "") -> Iterator[Need]:
    yield Need(actions=SECRET_READ, resources=(arn,), part=part)
    yield _key(setting, DECRYPT, "secretsmanager")


def _bucket(setting: Setting, edge: Edge, bucket: Bucket) -> Iterator[Need]:
    if edge.verb in BUCKET_ON_ITSELF:
        itself = Reference(part=bucket.name, output="arn")
        yield Need(actions=BUCKET_ON_ITSELF[edge.verb], resources=(itself,))
        return
    objects = Reference(part=bucket.name, output="arn", suffix="/*")
    yield Need(actions=BUCKET_ON_OBJECTS[edge.verb], resources=(objects,))
    if edge.verb != "delete":
        yield _key(setting, DECRYPT if edge.verb == "read" else ENCRYPT, "s3")


def _table(setting: Setting, edge: Edge, table: Table) -> Iterator[Need]:
    itself = Reference(part=table.name, output="arn")
    yield Need(actions=TABLE[edge.verb], resources=(itself,))
    if edge.verb == "read":
        indexes = Reference(part=table.name, output="arn", suffix="/index/*")
        yield Need(actions=TABLE_QUERY, resources=(itself, indexes), part="query")
    yield _key(setting, DECRYPT if edge.verb == "read" else ENCRYPT, "dynamodb")


def _files(edge: Edge, files: Files) -> Need:
    point = Reference(part=files.name, output="access_point_arn")
    return Need(
        actions=FILES[edge.verb],
        resources=(Reference(part=files.name, output="arn"),),
        conditions=(Condition(operator="StringEquals", key="elasticfilesystem:AccessPointArn", values=(point,)),),
    )


def _job(setting: Setting, job: Job) -> Iterator[Need]:
    if setting.rung == "eks":
        return  # the cluster's own rights: its role may create a Job, and nothing of AWS
    if setting.starts_function(job):
        yield Need(actions=("lambda:InvokeFunction",), resources=(Reference(part=job.name, output="arn"),))
        return
    cluster = Reference(part=setting.platform("cluster"), output="arn")
    yield Need(
        actions=("ecs:RunTask",),
        resources=(Reference(part=job.name, output="task_definition_arn"),),
        conditions=(Condition(operator="ArnEquals", key="ecs:cluster", values=(cluster,)),),
    )
    yield Need(
        actions=("iam:PassRole",),
        resources=(
            Reference(part=job.name, output="task_role_arn"),
            Reference(part=job.name, output="execution_role_arn"),
        ),
        conditions=(
            Condition(operator="StringEquals", key="iam:PassedToService", values=("ecs-tasks.amazonaws.com",)),
        ),
        part="roles",
    )
