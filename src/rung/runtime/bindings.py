"""How a process learns what it may use: one environment variable per edge of the graph.

`RUNG_BINDING_<NAME>` (the node's name in capitals, `-` as `_`) holds a JSON object whose `kind` names one of
the types below. `rung dev` writes them here, Terraform writes them there; the application does not differ.
Programs that do not use `rung.runtime` find the plain forms too: `DATABASE_URL`, `REDIS_URL`, `<NAME>_URL`.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, TypeVar, assert_never

import msgspec

from rung.runtime.errors import BindingError


class PostgresBinding(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="postgres"):
    """A database. `pool_size` is this process's share of the server's connections.

    `credentials_secret`: the ARN of a secret with user and password, read when a connection is opened; the URL
    names neither then.
    """

    url: str
    credentials_secret: str | None = None
    pool_size: int = 8
    statement_timeout_seconds: float = 5.0
    #: The role that requests run as: owns nothing, bypasses nothing. None: the role of `url`.
    serving_role: str | None = None
    #: Its rows belong to tenants: a transaction without one is refused.
    tenant_scoped: bool = False
    #: Tenants may be elsewhere: `rung.tenant` in this database says where.
    tenant_map: bool = False


class CacheBinding(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="cache"):
    """A Redis or Valkey.

    `credentials_secret`: the ARN of a secret with user and password (or an `auth_token`). `user` with
    `replication_group`: ElastiCache takes the process's own role for a password.
    """

    url: str
    credentials_secret: str | None = None
    user: str | None = None
    replication_group: str | None = None
    region: str | None = None


class QueueBinding(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="queue"):
    """A queue and the broker that carries it. Lanes come in order of priority, highest first.

    On Postgres, Redis and RabbitMQ: `url`, and `credentials_secret` where the URL names no user: an ARN, or on a
    machine that keeps everything itself a file. `user` with `replication_group`: as of a cache. On SQS: `urls`
    and `dead_letter_urls` by lane, and the `region`. `outbox_url`: the database with the outbox of a broker that
    is in none, if the process uses one; on SQS `url` and `credentials_secret` say it, too.
    """

    adapter: Literal["postgres", "sqs", "redis", "rabbitmq"] = "postgres"
    url: str = ""
    credentials_secret: str | None = None
    user: str | None = None
    replication_group: str | None = None
    outbox_url: str = ""
    outbox_credentials_secret: str | None = None
    urls: Mapping[str, str] = {}
    dead_letter_urls: Mapping[str, str] = {}
    region: str | None = None
    #: How long SQS holds a request that finds nothing, at most 20 s: longer is cheaper, and a drain waits for it.
    long_poll_seconds: int = 20
    lanes: tuple[str, ...] = ("default",)
    #: Tenants take turns within a lane, so that the backlog of one keeps no other waiting. Not on RabbitMQ.
    fair: bool = False
    #: Whose queue it is, on Redis and RabbitMQ: two workloads on one server may have queues of one name.
    workload: str = ""
    #: Every message is delayed by so long, unless it says longer.
    delay_seconds: float = 0.0
    max_receive_count: int = 5
    visibility_timeout_seconds: float = 30.0
    retention_seconds: float = 4 * 86_400.0
    #: After a failure the next attempt waits at most so long; the bound doubles each time, up to the second one.
    retry_delay_seconds: float = 1.0
    retry_delay_max_seconds: float = 900.0


class BusBinding(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="bus"):
    """A bus and who carries its events.

    On Postgres: `url`, and `credentials_secret` where the URL names no user. On EventBridge: the bus's name and
    `region`; `outbox_url` and `credentials_secret` then say where its outbox is, if it has one.
    """

    adapter: Literal["postgres", "eventbridge"] = "postgres"
    url: str = ""
    credentials_secret: str | None = None
    outbox_url: str = ""
    name: str = ""
    #: What events say of where they come from. EventBridge writes its own.
    region: str = "local"
    account: str = "000000000000"
    #: How long events are kept for a replay; 0: for ever, None: not at all.
    archive_days: int | None = None


class WorkflowBinding(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="workflow"):
    """A workflow and the database in which its runs are kept.

    `approval_key`: the file, or the ARN of the secret, with the key that links for approvals are signed with.
    """

    url: str
    credentials_secret: str | None = None
    deadline_seconds: float = 86_400.0
    retention_seconds: float = 30 * 86_400.0
    approval_key: str = ""


class SecretBinding(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="secret"):
    """Where a secret is read from at run time. Its value is never in an environment variable."""

    source: Literal["file", "secretsmanager"] = "file"
    path: str = ""
    arn: str = ""
    region: str | None = None


class ServiceBinding(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="service"):
    """Another service of the workload."""

    url: str


class ExternalBinding(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="external"):
    """A host outside of the workload."""

    host: str
    port: int = 443


class BucketBinding(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="bucket"):
    """Objects by key. On S3: the bucket's `name` and `region`. In a file: its `path`, and the `url` of the gateway
    that answers links to objects."""

    adapter: Literal["s3", "file"] = "s3"
    name: str = ""
    region: str | None = None
    path: str = ""
    url: str = ""
    #: Whether this process may list: S3 tells "there is none" from "you may not" to nobody else.
    lists: bool = True


class TableBinding(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="table"):
    """Items by key. On DynamoDB: the table's `name` and `region`. In a file: its `path`."""

    adapter: Literal["dynamodb", "file"] = "dynamodb"
    name: str = ""
    region: str | None = None
    path: str = ""
    partition_key: str
    sort_key: str | None = None
    #: The attribute with the moment, in seconds since 1970, after which an item is gone.
    ttl_attribute: str | None = None


Binding = (
    PostgresBinding | CacheBinding | QueueBinding | SecretBinding | ServiceBinding | ExternalBinding
    | BucketBinding | TableBinding | BusBinding | WorkflowBinding
)  # fmt: skip
BindingType = TypeVar("BindingType", bound=Binding)


def variable_name(node_name: str) -> str:
    """The environment variable of the node's binding: `stripe-key` gives `RUNG_BINDING_STRIPE_KEY`."""
    return "RUNG_BINDING_" + node_name.upper().replace("-", "_")


def encode(binding: Binding) -> str:
    """The binding as the value of its environment variable."""
    return msgspec.json.encode(binding).decode()


def binding(name: str, kind: type[BindingType], environment: Mapping[str, str] | None = None) -> BindingType:
    """The binding of node `name`, of the type `kind`.

    Raises BindingError, naming the bindings that there are, when the graph gives this process no such edge.
    """
    variables = os.environ if environment is None else environment
    text = variables.get(variable_name(name))
    if text is None:
        there = sorted(key for key in variables if key.startswith("RUNG_BINDING_"))
        raise BindingError(
            f"this process has no binding {name!r} ({variable_name(name)} is not set); "
            f"it has {', '.join(there) or 'none'}: add the node to uses=[...] of the service, worker or schedule"
        )
    try:
        found = msgspec.json.decode(text, type=Binding)
    except msgspec.MsgspecError as error:
        raise BindingError(f"{variable_name(name)} is not a binding: {error}") from error
    if not isinstance(found, kind):
        raise BindingError(f"{name!r} is a {type(found).__name__}, not a {kind.__name__}")
    return found


def first_of(kind: type[BindingType], environment: Mapping[str, str] | None = None) -> BindingType | None:
    """The first binding of a type that this process has, by name; None without one."""
    variables = os.environ if environment is None else environment
    for name in sorted(variables):
        if name.startswith("RUNG_BINDING_"):
            try:
                found = msgspec.json.decode(variables[name], type=Binding)
            except msgspec.MsgspecError:
                continue
            if isinstance(found, kind):
                return found
    return None


async def read_secrets(environment: Mapping[str, str] | None = None) -> None:
    """Read what the bindings keep in Secrets Manager, all at once, before anybody waits for it.

    The programs that run services, workers and jobs do so at their start: the first call to AWS takes a second on
    a small task, and a request waits one second for a connection. What cannot be read now is read when needed.
    """
    variables = os.environ if environment is None else environment
    arns: set[str] = set()
    for name, text in variables.items():
        if name.startswith("RUNG_BINDING_"):
            try:
                fields = msgspec.json.decode(text, type=dict[str, Any])
            except msgspec.MsgspecError:
                continue
            kept = fields.get("arn") if fields.get("source") == "secretsmanager" else None
            secrets = (kept, fields.get("credentials_secret"), fields.get("outbox_credentials_secret"))
            arns |= {arn for arn in secrets if arn}
    if arns:
        from rung.runtime.aws.secrets import SECRETS

        await asyncio.gather(*(asyncio.to_thread(SECRETS.read, arn) for arn in arns), return_exceptions=True)


def secret(name: str, environment: Mapping[str, str] | None = None) -> str:
    """The value of a secret as it is now, so that a rotated one is seen. Never log it.

    From a file it is read each time; from Secrets Manager at most five minutes ago, and again in the background.
    Raises BindingError (no such edge, no right to read it) or UnavailableError, within six seconds.
    """
    place = binding(name, SecretBinding, environment)
    match place.source:
        case "file":
            try:
                return Path(place.path).read_text().strip()
            except OSError as error:
                raise BindingError(f"the secret {name!r} cannot be read: {error.strerror}") from error
        case "secretsmanager":
            from rung.runtime.aws.secrets import SECRETS

            return SECRETS.read(place.arn, region=place.region).strip()
        case _:
            assert_never(place.source)


def secret_versions(name: str, environment: Mapping[str, str] | None = None) -> tuple[str, ...]:
    """The value of a secret, and the one before it while it is being rotated: for checking what others signed.

    Raises as `secret` does.
    """
    place = binding(name, SecretBinding, environment)
    current = secret(name, environment)
    if place.source != "secretsmanager":
        return (current,)
    from rung.runtime.aws.secrets import SECRETS

    previous = SECRETS.previous(place.arn, region=place.region)
    return (current,) if previous is None or previous.strip() == current else (current, previous.strip())
