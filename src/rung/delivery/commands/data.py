"""What keeps data: databases, caches, tables, files, and their backups."""

from __future__ import annotations

from rung.delivery.commands.compute import hosts, machines
from rung.delivery.commands.words import aws, chosen, of_others
from rung.delivery.names import full_name
from rung.parts.compute import Host
from rung.parts.data import (
    AuroraCluster,
    BackupPlan,
    CacheGroup,
    FileSystem,
    PostgresInstance,
    TablePart,
)
from rung.parts.design import Design
from rung.parts.messaging import RabbitBroker, RedisBroker

Parts = tuple[str, ...]
_ACTIVITY = (
    "select pid, usename, state, wait_event_type, now() - query_start as running, left(query, 80) as query "
    "from pg_stat_activity where state <> 'idle' order by query_start limit 20"
)


def database(design: Design, parts: Parts) -> list[str]:
    """Its state and what happened to it in the last hours."""
    lines = []
    for cluster in chosen(design, AuroraCluster, parts):
        name = full_name(design, cluster.name)
        query = "DBClusters[0].[Status,DBClusterMembers[].[DBInstanceIdentifier,IsClusterWriter]]"
        lines += [
            aws(design, f"rds describe-db-clusters --db-cluster-identifier {name} --query {query!r}"),
            aws(design, f"rds describe-events --source-type db-cluster --source-identifier {name} --duration 360"),
        ]
    for instance in chosen(design, PostgresInstance, parts):
        name = full_name(design, instance.name)
        query = "DBInstances[0].[DBInstanceStatus,AllocatedStorage,MultiAZ,PendingModifiedValues]"
        lines += [
            aws(design, f"rds describe-db-instances --db-instance-identifier {name} --query {query!r}"),
            aws(
                design, f"rds describe-events --source-type db-instance --source-identifier {name} --duration 360"
            ),
        ]
    for name in of_others(design, "cluster_identifier", parts):
        query = "DBClusters[0].[Status,DBClusterMembers[].[DBInstanceIdentifier,IsClusterWriter]]"
        lines.append(aws(design, f"rds describe-db-clusters --db-cluster-identifier {name} --query {query!r}"))
    for name in of_others(design, "instance_identifier", parts):
        query = "DBInstances[0].[DBInstanceStatus,AllocatedStorage,MultiAZ,PendingModifiedValues]"
        lines.append(aws(design, f"rds describe-db-instances --db-instance-identifier {name} --query {query!r}"))
    return lines or _in_container(design, "select version(), pg_postmaster_start_time()")


def activity(design: Design, parts: Parts) -> list[str]:
    """What it is busy with. On AWS: the waits of Database Insights; on a box: the sessions themselves."""
    lines = []
    databases: tuple[AuroraCluster | PostgresInstance, ...] = (
        *chosen(design, AuroraCluster, parts), *chosen(design, PostgresInstance, parts)
    )  # fmt: skip
    for part in databases:
        kind = "cluster" if isinstance(part, AuroraCluster) else "instance"
        group = f"/aws/rds/{kind}/{full_name(design, part.name)}/postgresql"
        lines.append(f"# as a person who may: {_ACTIVITY}")
        lines.append(aws(design, f"logs tail {group} --since 30m --format short"))
    return lines or _in_container(design, _ACTIVITY)


def failover(design: Design, parts: Parts) -> list[str]:
    """Make another instance the writer."""
    lines = [
        aws(design, f"rds failover-db-cluster --db-cluster-identifier {full_name(design, each.name)}")
        for each in chosen(design, AuroraCluster, parts)
    ]
    lines += [
        aws(
            design,
            f"rds reboot-db-instance --force-failover --db-instance-identifier {full_name(design, each.name)}",
        )
        for each in chosen(design, PostgresInstance, parts)
        if each.multi_zone
    ]
    return lines


def cache(design: Design, parts: Parts) -> list[str]:
    """Its nodes and what happened to them."""
    lines = []
    groups = [each.name for each in chosen(design, CacheGroup, parts)]
    groups += [each.name for each in chosen(design, RedisBroker, parts)]
    for name in (full_name(design, group) for group in groups):
        query = "ReplicationGroups[0].[Status,NodeGroups[0].NodeGroupMembers[].[CacheClusterId,CurrentRole]]"
        lines += [
            aws(
                design, f"elasticache describe-replication-groups --replication-group-id {name} --query {query!r}"
            ),
            aws(design, f"elasticache describe-events --source-type replication-group --source-identifier {name}"),
            aws(design, f"logs tail /aws/elasticache/{name}/slow --since 30m --format short"),
        ]
    for name in of_others(design, "replication_group_id", parts):
        query = "ReplicationGroups[0].[Status,NodeGroups[0].NodeGroupMembers[].[CacheClusterId,CurrentRole]]"
        lines.append(
            aws(design, f"elasticache describe-replication-groups --replication-group-id {name} --query {query!r}")
        )
    return lines


def broker(design: Design, parts: Parts) -> list[str]:
    """The state of what carries queues."""
    lines = cache(design, parts)
    for found in chosen(design, RabbitBroker, parts):
        named = f"BrokerSummaries[?BrokerName=='{full_name(design, found.name)}'].BrokerId"
        identity = aws(design, f'mq list-brokers --query "{named}" --output text')
        query = "[BrokerState,EngineVersion,HostInstanceType,BrokerInstances[].Endpoints]"
        lines.append(aws(design, f"mq describe-broker --broker-id \"$({identity})\" --query '{query}'"))
    return lines


def table(design: Design, parts: Parts) -> list[str]:
    """A table's state and capacity."""
    return [
        aws(design, f"dynamodb describe-table --table-name {full_name(design, each.name)} "
            "--query 'Table.[TableStatus,BillingModeSummary.BillingMode,ProvisionedThroughput]'")
        for each in chosen(design, TablePart, parts)
    ]  # fmt: skip


def file_system(design: Design, parts: Parts) -> list[str]:
    """A file system's size and mode."""
    return [
        aws(design, "efs describe-file-systems --query "
            f"\"FileSystems[?{_called(design, each)}].[SizeInBytes.Value,ThroughputMode]\"")
        for each in chosen(design, FileSystem, parts)
    ]  # fmt: skip


def _called(design: Design, part: FileSystem) -> str:
    """How it is found: by its name, or by its id where others gave it theirs."""
    return f"FileSystemId=='{part.existing}'" if part.existing else f"Name=='{full_name(design, part.name)}'"


def backup(design: Design, _: Parts) -> list[str]:
    """Which backups there are, and what the last one said."""
    lines = []
    for host in design.of(Host):
        bucket = full_name(design, host.backup_bucket)
        found = f"\"Buckets[?starts_with(Name, '{bucket}')].Name | [0]\""
        lines += [
            f'bucket="$({aws(design, f"s3api list-buckets --query {found} --output text")})"',
            aws(design, 's3 ls --recursive "s3://$bucket/" | tail'),
            *machines(design, ()),
            "systemctl list-timers rung-backup; sudo journalctl --unit rung-backup --since -2d",
        ]
    for plan in design.of(BackupPlan):
        name = full_name(design, plan.name)
        query = "RecoveryPoints[-5:].[ResourceName,CreationDate,Status]"
        lines.append(aws(
            design, f"backup list-recovery-points-by-backup-vault --backup-vault-name {name} --query {query!r}"
        ))  # fmt: skip
    return lines


def restore(design: Design, parts: Parts) -> list[str]:
    """The state of a moment, beside what runs: look at it before anything is switched."""
    lines = []
    for cluster in chosen(design, AuroraCluster, parts):
        name = full_name(design, cluster.name)
        lines.append(aws(
            design, f"rds restore-db-cluster-to-point-in-time --source-db-cluster-identifier {name} "
            f"--db-cluster-identifier {name}-restored --restore-to-time \"$MOMENT\"  # MOMENT=2026-01-31T12:00:00Z",
        ))  # fmt: skip
    for instance in chosen(design, PostgresInstance, parts):
        name = full_name(design, instance.name)
        lines.append(aws(
            design, f"rds restore-db-instance-to-point-in-time --source-db-instance-identifier {name} "
            f"--target-db-instance-identifier {name}-restored --restore-time \"$MOMENT\"  # 2026-01-31T12:00:00Z",
        ))  # fmt: skip
    if lines or not design.of(Host):
        return lines
    return [*machines(design, ()), "sudo rung-restore --list", "sudo rung-restore --newest"]


def _in_container(design: Design, statement: str) -> list[str]:
    if not any(isinstance(host, Host) for host in hosts(design)):
        return []
    return [*machines(design, ()), f'sudo rung-psql --command "{statement}"']
