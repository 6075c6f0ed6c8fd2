"""What exists already and is used instead of made: how it is reached, in one environment. Inert, frozen records.

Security groups named here get one rule for each process that the graph lets in, and lose it with the edge.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ExistingDatabase:
    """A PostgreSQL server that somebody else owns.

    `credentials` is the ARN of a secret with `username` and `password` of a role that may create roles: with it
    the migration job makes a role for each process, as in a database of ours. `key_arn`: the KMS key of that
    secret, when it is not AWS's own. `database` None: the workload's name.

    CloudWatch knows it by its identifier: `instance` on RDS, or `cluster` on Aurora. With both None it is read
    from an address of RDS. `max_connections`: how many its server allows; None: nobody is told that they run out.
    """

    node: str = ""
    host: str
    credentials: str
    security_group: str
    port: int = 5432
    database: str | None = None
    key_arn: str | None = None
    instance: str | None = None
    cluster: str | None = None
    max_connections: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ExistingCache:
    """A Redis or Valkey that somebody else owns.

    `credentials`: the ARN of a secret with `username` and `password`, or with `auth_token`; None: it asks for
    none. CloudWatch knows its `nodes` by its `replication_group`; None: read from an address of ElastiCache.
    """

    node: str = ""
    host: str
    security_group: str
    port: int = 6379
    tls: bool = True
    credentials: str | None = None
    key_arn: str | None = None
    replication_group: str | None = None
    nodes: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class ExistingFiles:
    """A file system on EFS that somebody else owns, by its id: `fs-...`. `security_group`: of its mount targets.

    An access point is made on it, which shows `directory` as its root, to one user of that number; or
    `access_point`, `fsap-...`, names one that is there.
    """

    node: str = ""
    id: str
    security_group: str
    access_point: str | None = None
    directory: str | None = None
    user_id: int = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ExistingQueue:
    """One lane of a queue on SQS that somebody else owns, and its dead-letter queue, by ARN.

    `key_arn`: the KMS key that encrypts both, when SQS's own does not. `lane` None: the only one.
    """

    node: str = ""
    arn: str
    lane: str | None = None
    dead_letter_arn: str | None = None
    key_arn: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ExistingLoadBalancer:
    """An application load balancer that others use too, by the ARN of the listener that takes our rules.

    Our rules match the environment's domain and nothing else. Their priorities begin at `first_priority`, behind
    those that the owner has written by hand. `internal`: it has private addresses alone, and CloudFront may stand
    in front of it.
    """

    listener_arn: str
    internal: bool = False
    https: bool = True
    first_priority: int = 10_000


Existing = ExistingDatabase | ExistingCache | ExistingQueue | ExistingFiles
