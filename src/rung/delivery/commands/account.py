"""The account around it: money, secrets, state, zones, and what leaves."""

from __future__ import annotations

from rung.delivery.commands.words import aws
from rung.delivery.names import full_name
from rung.parts.compute import EcsService
from rung.parts.data import AuroraCluster, PostgresInstance, SecretPart
from rung.parts.design import Design
from rung.parts.network import Network

Parts = tuple[str, ...]


def spending(design: Design, _: Parts) -> list[str]:
    """Which service costs what this month."""
    return [
        (
            "aws ce get-cost-and-usage --granularity MONTHLY --metrics UnblendedCost "
            "--time-period Start=$(date +%Y-%m-01),End=$(date -d tomorrow +%F) --group-by Type=DIMENSION,Key=SERVICE "
            "--query 'ResultsByTime[0].Groups[].[Keys[0],Metrics.UnblendedCost.Amount]' --output table"
        ),
        f"make stop ENV={design.environment}  # refuses production",
    ]


def secrets(design: Design, _: Parts) -> list[str]:
    """Who read it, then a new value. The value is typed, never part of a command line."""
    lines = []
    for secret in design.of(SecretPart):
        name = full_name(design, secret.name)
        lines.append(f"# {secret.name}: used by what {name} is granted to (rung explain-access {secret.name})")
        lines.append(aws(
            design, "cloudtrail lookup-events --max-results 20 "
            f"--lookup-attributes AttributeKey=ResourceName,AttributeValue={name} "
            "--query 'Events[].[EventTime,EventName,Username]' --output table",
        ))  # fmt: skip
        lines.append(aws(
            design, f"secretsmanager put-secret-value --secret-id {name} --secret-string file:///dev/stdin"
        ))  # fmt: skip
    return lines


def state(design: Design, _: Parts) -> list[str]:
    """Whether the lock is somebody's, and which versions of the state there are."""
    folder = f"infra/{design.environment}"
    return [
        f"cat {folder}/terraform.tf  # bucket and key of the state",
        f"terraform -chdir={folder} init && terraform -chdir={folder} plan -lock-timeout=60s",
        f"terraform -chdir={folder} force-unlock LOCK_ID  # only when its owner has ended: the message names it",
        aws(design, 's3api list-object-versions --bucket "$BUCKET" --prefix "$KEY" --max-items 10'),
        aws(design, 's3api get-object --bucket "$BUCKET" --key "$KEY" --version-id "$VERSION" before.tfstate'),
    ]


def egress(design: Design, _: Parts) -> list[str]:
    """Who sends where: the largest flows out of the network in the last hour."""
    query = (
        "filter flowDirection = 'egress' or srcAddr like '10.' | stats sum(bytes) as sent by srcAddr, dstAddr, dstPort"
        " | sort sent desc | limit 20"
    )
    lines = [f"# declared: {each.source} to {each.host}:{each.port}" for each in design.egress]
    for network in design.of(Network):
        group = f"/vpc/{full_name(design, network.name)}"
        started = aws(
            design, f"logs start-query --log-group-name {group} --start-time $(($(date +%s) - 3600)) "
            f'--end-time $(date +%s) --query-string "{query}" --query queryId --output text',
        )  # fmt: skip
        lines += [f"query=$({started})", "sleep 5", aws(design, 'logs get-query-results --query-id "$query"')]
    return lines


def zone(design: Design, _: Parts) -> list[str]:
    """Where everything is, to see whether one zone is the cause."""
    lines = [aws(design, "ec2 describe-availability-zones --query 'AvailabilityZones[].[ZoneName,State]'")]
    clusters = [full_name(design, each.cluster) for each in design.of(EcsService)[:1]]
    for cluster in clusters:
        listed = aws(design, f"ecs list-tasks --cluster {cluster} --query taskArns --output text")
        lines.append(aws(
            design, f"ecs describe-tasks --cluster {cluster} --tasks $({listed}) "
            "--query 'tasks[].[group,availabilityZone,lastStatus]' --output table",
        ))  # fmt: skip
    databases: tuple[AuroraCluster | PostgresInstance, ...] = (
        *design.of(AuroraCluster),
        *design.of(PostgresInstance),
    )
    for part in databases:
        kind = "cluster" if isinstance(part, AuroraCluster) else "instance"
        lines.append(aws(
            design, f"rds describe-events --source-type db-{kind} --duration 60 "
            f"--source-identifier {full_name(design, part.name)}",
        ))  # fmt: skip
    return lines
