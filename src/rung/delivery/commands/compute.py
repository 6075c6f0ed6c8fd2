"""What runs: tasks on Fargate, containers on machines, and how to go back."""

from __future__ import annotations

from rung.delivery.commands.words import aws, chosen, instance_id
from rung.delivery.names import full_name, line_of, log_group
from rung.delivery.release import release_secret
from rung.parts.compute import Cluster, EcsJob, EcsService, Host, HostGroup, Stack
from rung.parts.design import Design
from rung.parts.functions import LambdaFunction

Parts = tuple[str, ...]


def deployments(design: Design, _: Parts) -> list[str]:
    """What runs, since when, and what ran before."""
    environment = design.environment
    lines = [
        f"scripts/release current {environment}; scripts/release previous {environment}",
        "git log --oneline -5",
    ]
    if design.of(EcsService):
        query = "services[].[serviceName,deployments[0].rolloutState,deployments[0].createdAt,runningCount,desiredCount]"
        lines.append(aws(
            design, f"ecs describe-services --cluster {cluster_of(design)} --services {_services(design)} "
            f"--query {query!r} --output table",
        ))  # fmt: skip
    elif hosts(design):
        lines.append(aws(design, f"secretsmanager list-secret-version-ids --secret-id {release_secret(design)}"))
    return lines


def tasks(design: Design, parts: Parts) -> list[str]:
    """What ECS says about the services, or Docker about the containers."""
    lines = []
    for service in chosen(design, EcsService, parts):
        name = full_name(design, service.name)
        lines.append(
            f"# {service.name}: {service.min_tasks} to {service.max_tasks} tasks, {line_of(design, service)}"
        )
        lines.append(aws(
            design, f"ecs describe-services --cluster {cluster_of(design)} --services {name} "
            "--query 'services[0].events[:10].[createdAt,message]' --output table",
        ))  # fmt: skip
    return lines or on_machine(design, ())


def stopped_tasks(design: Design, parts: Parts) -> list[str]:
    """Why tasks ended. Exit code 137 is a kill, mostly for memory; 143 a stop that was asked for."""
    lines = []
    for service in chosen(design, EcsService, parts):
        name = full_name(design, service.name)
        listed = aws(
            design, f"ecs list-tasks --cluster {cluster_of(design)} --service-name {name} "
            "--desired-status STOPPED --query 'taskArns[:5]' --output text",
        )  # fmt: skip
        query = "tasks[].[stoppedAt,stopCode,stoppedReason,containers[0].exitCode,containers[0].reason]"
        lines.append(aws(
            design, f"ecs describe-tasks --cluster {cluster_of(design)} --tasks $({listed}) "
            f"--query {query!r} --output table",
        ))  # fmt: skip
    if lines or not hosts(design):
        return lines
    stopped = "sudo docker ps --all --filter status=exited --filter status=restarting"
    return [*machines(design, ()), stopped, "sudo dmesg --ctime | grep -i 'out of memory' | tail"]


def logs(design: Design, parts: Parts) -> list[str]:
    """The last half hour's errors of each process, as JSON lines."""
    services = chosen(design, EcsService, parts)
    found = [*(each.name for each in services), *(job.name for job in design.of(EcsJob) if job.name in parts)]
    called = [
        f"/aws/lambda/{full_name(design, each.name)}" for each in design.of(LambdaFunction) if each.name in parts
    ]
    if called:
        return [aws(design, f"logs tail {group} --since 30m --format short") for group in called]
    if design.of(Cluster):
        return [
            aws(design, f"logs tail {log_group(design, name)} --since 30m --format short "
                "--filter-pattern '{ $.level = \"error\" }'")
            for name in found
        ]  # fmt: skip
    return [aws(design, f"logs tail /host/{full_name(design, host.name)} --since 30m --format short")
            for host in hosts(design)]  # fmt: skip


def traces(design: Design, parts: Parts) -> list[str]:
    """Which hop is slow: the slowest requests, with the id that finds all of their lines."""
    query = "fields @timestamp, correlation_id, path, duration_ms | sort duration_ms desc | limit 20"
    groups = " ".join(log_group(design, service.name) for service in chosen(design, EcsService, parts))
    groups = groups or " ".join(f"/host/{full_name(design, host.name)}" for host in hosts(design))
    if not groups:
        return []
    started = aws(
        design, f"logs start-query --log-group-names {groups} --start-time $(($(date +%s) - 1800)) "
        f"--end-time $(date +%s) --query-string '{query}' --query queryId --output text",
    )  # fmt: skip
    return [f"query=$({started})", "sleep 5", aws(design, 'logs get-query-results --query-id "$query"')]


def machines(design: Design, _: Parts) -> list[str]:
    """A shell on a machine, without an open port: through Systems Manager."""
    return [
        aws(design, f"ssm start-session --target {instance_id(design, host.name)}") for host in hosts(design)[:1]
    ]


def on_machine(design: Design, parts: Parts) -> list[str]:
    """What to look at once there."""
    if not hosts(design):
        return []
    names = [stack.name for stack in stacks(design) if not parts or stack.name in parts]
    return [
        *machines(design, ()),
        "sudo docker ps --all --format 'table {{.Names}}\\t{{.Status}}\\t{{.Image}}'",
        "sudo docker stats --no-stream",
        "df --human-readable / /var/lib/rung; free --human",
        f"sudo docker compose --project-directory /opt/{design.workload} logs --since 15m {' '.join(names)}".rstrip(),
    ]


def more_tasks(design: Design, parts: Parts) -> list[str]:
    """More of it now; the workload file is changed after the incident."""
    lines = []
    for service in chosen(design, EcsService, parts):
        name, most = full_name(design, service.name), service.max_tasks * 2
        lines.append(aws(
            design, "application-autoscaling register-scalable-target --service-namespace ecs "
            f"--scalable-dimension ecs:service:DesiredCount --resource-id service/{cluster_of(design)}/{name} "
            f"--min-capacity {service.max_tasks} --max-capacity {most}",
        ))  # fmt: skip
    for group in design.of(HostGroup):
        name = full_name(design, group.name)
        lines.append(aws(
            design, f"autoscaling update-auto-scaling-group --auto-scaling-group-name {name} "
            f"--desired-capacity {group.max_hosts}",
        ))  # fmt: skip
    return lines


def restart(design: Design, parts: Parts) -> list[str]:
    """The same image once more: new tasks, new connections, secrets read anew."""
    lines = [
        aws(design, f"ecs update-service --cluster {cluster_of(design)} --service {full_name(design, each.name)} "
            "--force-new-deployment --query service.serviceName")
        for each in chosen(design, EcsService, parts)
    ]  # fmt: skip
    if lines or not hosts(design):
        return lines
    return [*machines(design, ()), "sudo systemctl restart rung-stack"]


def rollback(design: Design, _: Parts) -> list[str]:
    """Back to the image before, from a desk or from GitHub."""
    return [
        f"make rollback ENV={design.environment}",
        f"gh workflow run rollback.yml --field environment={design.environment}",
    ]


def hosts(design: Design) -> tuple[Host | HostGroup, ...]:
    """The machines of a design."""
    return (*design.of(Host), *design.of(HostGroup))


def stacks(design: Design) -> tuple[Stack, ...]:
    """The containers on its machines."""
    return tuple(stack for host in hosts(design) for stack in host.stacks)


def cluster_of(design: Design) -> str:
    """The name of the cluster in which tasks run."""
    return full_name(design, next(iter(design.of(Cluster)), Cluster()).name)


def _services(design: Design) -> str:
    return " ".join(full_name(design, service.name) for service in design.of(EcsService))
