"""What watches, tells somebody, keeps the money in sight, and lets the pipeline in."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from rung.parts.values import Reference

#: What to do when something rings: the file below runbooks/ without `.md`, and its title.
RUNBOOKS = MappingProxyType(
    {
        "backup-missing": "A backup did not run",
        "broker-backlog": "More messages wait at a broker than workers take",
        "broker-connections-high": "A broker of queues has more connections than it should",
        "broker-cpu-high": "A broker of queues is at the end of its CPU",
        "broker-disk-low": "A broker's disk is nearly full",
        "broker-memory-high": "A broker of queues is nearly full",
        "cache-cpu-high": "The cache is at the end of its CPU",
        "cache-memory-high": "The cache is full",
        "certificate-expiring": "A certificate expires within a month",
        "database-capacity-high": "The database is at its largest capacity",
        "database-connections-high": "The database runs out of connections",
        "database-cpu-high": "The database is at the end of its CPU",
        "database-replica-behind": "A reader is behind its writer",
        "database-slow": "The database reads or writes slowly",
        "database-storage-low": "The database's disk is nearly full",
        "database-transaction-ids": "The database runs out of transaction ids",
        "dead-letters": "Messages could not be handled",
        "error-budget-burning": "The error budget is burning",
        "events-not-delivered": "A rule cannot deliver events",
        "file-system-busy": "The shared file system is at its limit",
        "host-cpu-high": "A host is at the end of its CPU",
        "host-disk-full": "A host's disk is nearly full",
        "host-memory-high": "A host is at the end of its memory",
        "host-unreachable": "A host does not answer",
        "load-balancer-errors": "The load balancer answers with errors of its own",
        "messages-waiting": "Messages wait too long",
        "no-healthy-targets": "Nothing healthy is behind the load balancer",
        "runs-failing": "Runs of a workflow fail",
        "runs-waiting": "Runs of a workflow are due, and nobody takes them",
        "schedule-failing": "A schedule cannot start its task",
        "schedule-silent": "A schedule has not run",
        "service-errors": "A service answers with errors",
        "service-slow": "A service is slow",
        "site-unreachable": "The site does not answer from outside",
        "spending-too-much": "The month will cost more than its budget",
        "table-throttled": "A table refuses requests",
        "task-cpu-high": "Tasks are at the end of their CPU",
        "task-memory-high": "Tasks are at the end of their memory",
        "tasks-missing": "Fewer tasks run than should",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipient:
    """Where alarms go: the address as the workload file gives it, `email:…`, `slack:…`, `pagerduty:…`."""

    address: str
    node: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification:
    """The topic that alarms publish to, and who listens."""

    kind: Literal["notification"] = "notification"
    name: str = "alarms"
    node: str = "@workload"
    why: str = ""
    recipients: tuple[Recipient, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """A CloudWatch metric of a part. A dimension's value is text, or an output of a part."""

    namespace: str
    name: str
    statistic: str
    dimensions: tuple[tuple[str, Reference | str], ...] = ()
    id: str = "m1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """One alarm with its runbook. `runbook` is the file's name without `.md` under runbooks/.

    `expression` None: the only metric itself; else metric math over the ids of `metrics`. Missing data is no
    alarm unless `missing` says that silence is the failure (a backup that did not run).
    """

    kind: Literal["alarm"] = "alarm"
    name: str
    node: str
    why: str = ""
    part: str
    metrics: tuple[Metric, ...]
    expression: str | None = None
    comparison: Literal[">", ">=", "<", "<="] = ">"
    threshold: float
    period_seconds: int = 60
    periods: int = 3
    periods_to_alarm: int = 2
    missing: Literal["notBreaching", "breaching", "missing", "ignore"] = "notBreaching"
    severity: Literal["page", "ticket"] = "page"
    runbook: str
    #: A deployment is rolled back while it rings.
    rolls_back: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Objective:
    """A service-level objective: burn-rate alarms of two windows each (Google, SRE workbook, chapter 5).

    `load_balancer` is the part whose answers are counted: a load balancer, or an HTTP API.
    """

    kind: Literal["objective"] = "objective"
    name: str
    node: str = "@objectives"
    why: str = ""
    availability: float
    load_balancer: str
    runbook: str = "error-budget-burning"


@dataclass(frozen=True, slots=True, kw_only=True)
class Dashboard:
    """One page with the four signals of every part."""

    kind: Literal["dashboard"] = "dashboard"
    name: str = "overview"
    node: str = "@workload"
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """A monthly limit in US dollars; told at 50, 80 and 100 % and when the forecast passes it."""

    kind: Literal["budget"] = "budget"
    name: str = "budget"
    node: str = "@business"
    why: str = ""
    monthly_usd: float
    runbook: str = "spending-too-much"


@dataclass(frozen=True, slots=True, kw_only=True)
class UptimeCheck:
    """Route 53 asks `https://domain/path` from outside, every 30 seconds."""

    kind: Literal["uptime_check"] = "uptime_check"
    name: str = "uptime"
    node: str = "@workload"
    why: str = ""
    domain: str
    path: str
    runbook: str = "site-unreachable"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeployIdentity:
    """What GitHub Actions may assume: a role that plans (pull requests) and one that applies (the environment).

    `repository` is `owner/name`; the ids are there for repositories whose tokens carry immutable subjects.
    """

    kind: Literal["deploy_identity"] = "deploy_identity"
    name: str = "deploy"
    node: str = "@workload"
    why: str = ""
    repository: str
    owner_id: str | None = None
    repository_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """Customer-managed keys: one for data, one for logs and topics."""

    kind: Literal["keys"] = "keys"
    name: str = "keys"
    node: str = "@workload"
    why: str = ""
