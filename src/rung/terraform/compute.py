"""Blocks for where things run: network, registry, cluster, machines, and the hours in which they do."""

from __future__ import annotations

from collections.abc import Iterator

from rung.parts.compute import Cluster, EcsService, Host, HostGroup, OfficeHours, Registry
from rung.parts.data import AuroraCluster, PostgresInstance
from rung.parts.edge import LoadBalancer
from rung.parts.functions import LambdaFunction
from rung.parts.network import Network
from rung.terraform.hcl import Block, Call, Expression, Raw, Text
from rung.terraform.names import full_name, of_resource, output
from rung.terraform.setting import ACCOUNT, REGION, Setting, literals


def network(setting: Setting, part: Network) -> Block:
    """The VPC, or the names of one that somebody else owns."""
    if part.existing is not None:
        known = part.existing
        given: dict[str, Expression] = {
            "vpc_id": known.vpc_id,
            "public_subnet_ids": list(known.public_subnet_ids),
            "private_subnet_ids": list(known.private_subnet_ids),
            "isolated_subnet_ids": list(known.isolated_subnet_ids),
        }
        return setting.module(part, "existing_network", "The network is there already", given)
    arguments = {"region": REGION, "log_key_arn": setting.log_key, **literals(part)}
    return setting.module(part, "network", f"Three tiers over {part.zones} zones", arguments)


def registry(setting: Setting, part: Registry) -> Block:
    """The repository of the workload's image."""
    functions = bool(setting.design.of(LambdaFunction))
    arguments = {"key_arn": setting.data_key, "functions": functions, **literals(part)}
    return setting.module(part, "registry", "The workload's image", arguments)


def cluster(setting: Setting, part: Cluster) -> Block:
    """The ECS cluster, with a DNS zone where services call one another."""
    arguments = {"log_key_arn": setting.log_key, **literals(part)}
    if part.namespace is not None:
        arguments["vpc_id"] = setting.vpc
    return setting.module(part, "ecs_cluster", "Where tasks run", arguments)


def host(setting: Setting, part: Host) -> Iterator[Block]:
    """The one machine of a box, with its name in the DNS."""
    left_out = (
        "zone", "stacks", "sites", "stored_gib", "backup_bucket", "backup_hours", "backup_days",
        "disk_alarm_percent",
    )  # fmt: skip
    arguments = {
        **_machine(setting, part),
        "subnet_id": _first(setting.subnets("public")),
        **literals(part, *left_out),
    }
    if part.zone is not None:
        arguments |= {"domain": setting.design.domain, "zone_id": Raw("data.aws_route53_zone.domain.zone_id")}
        labels = ("aws_route53_zone", "domain")
        yield Block(kind="data", labels=labels, attributes={"name": part.zone}, note="Where its name is kept")
    yield setting.module(part, "host", "One machine runs everything, databases included", arguments)


def host_group(setting: Setting, part: HostGroup) -> Block:
    """Machines that come and go."""
    leading = [
        each for each in setting.design.of(LoadBalancer) if any(f.target == part.name for f in each.forwards)
    ]
    arguments = {
        **_machine(setting, part),
        "subnet_ids": setting.compute_subnets,
        "target_group_arns": [output(each.name, f'target_group_arns["{part.name}"]') for each in leading],
        **literals(part, "stacks", "port", "health_path", "portainer", "disk_alarm_percent"),
    }
    return setting.module(part, "host_group", "Machines that are replaced, never mended", arguments)


def office_hours(setting: Setting, part: OfficeHours) -> Block:
    """When the environment runs, and what is stopped."""
    design = setting.design
    balancer = setting.load_balancer
    arguments: dict[str, Expression] = {
        "account_id": ACCOUNT, "region": REGION, "log_key_arn": setting.log_key,
        "cluster_name": next((output(each.name, "name") for each in design.of(Cluster)), None),
        "services": {full_name(design, each.name): _woken(each) for each in design.of(EcsService)},
        "host_groups": {full_name(design, each.name): _hosts(each) for each in design.of(HostGroup)},
        "database_clusters": [
            output(each.name, "identifier") for each in design.of(AuroraCluster) if each.min_acu
        ],
        "database_instances": [output(each.name, "identifier") for each in design.of(PostgresInstance)],
        "timezone": part.timezone,
    }  # fmt: skip
    if part.by_clock:
        arguments |= {"start_expression": part.start_cron, "stop_expression": part.stop_cron}
    if part.idle_seconds is not None:
        arguments["idle_hours"] = part.idle_seconds / 3_600
        arguments["load_balancer_suffix"] = output(balancer.name, "arn_suffix") if balancer else None
    return setting.module(part, "office_hours", "Outside of working hours nothing runs", arguments)


def _hosts(group: HostGroup) -> Expression:
    """How many hosts it has while it runs."""
    fewest = max(1, group.min_hosts)
    return {"min_hosts": fewest, "max_hosts": max(fewest, group.max_hosts)}


def _woken(service: EcsService) -> Expression:
    """How many tasks it has while it runs; a worker that waits at none is woken with one."""
    fewest = max(1, service.min_tasks)
    return {"min_tasks": fewest, "max_tasks": max(fewest, service.max_tasks)}


def _machine(setting: Setting, part: Host | HostGroup) -> dict[str, Expression]:
    """Where a machine stands, and what it does when it starts: a template that is told what was built."""
    told = {name: of_resource(reference) for name, reference in setting.late.items()}
    template = Text((Raw("path.module"), f"/{part.name}/user-data.tftpl"))
    return {
        "vpc_id": setting.vpc,
        "key_arn": setting.data_key,
        "log_key_arn": setting.log_key,
        "user_data": Call("templatefile", (template, told)),
    }


def _first(subnets: Expression) -> Expression:
    return Raw(f"{subnets.text}[0]") if isinstance(subnets, Raw) else subnets
