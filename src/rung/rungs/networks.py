"""The network of a rung: zones, the way out, and the AWS services that are reached without it. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from rung.model.nodes import External, Queue, Table
from rung.parts.network import Connection, ExistingNetwork, Nat, Network
from rung.rungs.overriding import overridden
from rung.rungs.reach import HTTPS_PORT
from rung.rungs.setting import RUNNING, Setting

#: From this availability on, the loss of a zone must not take the way out of the others with it.
PER_ZONE_AVAILABILITY = 0.9995
FLOW_LOG_DAYS, FLOW_LOG_DAYS_OF_PRODUCTION = 30, 365
LONG_LOG_DAYS, LOG_DAYS = 365, 30


def zones_of(setting: Setting) -> int:
    """Three zones where a zone's loss would cost a promise; two where AWS itself asks for two."""
    return 3 if setting.availability >= PER_ZONE_AVAILABILITY else 2


def has_externals(setting: Setting) -> bool:
    """Whether anything of the workload talks to a host outside."""
    return any(isinstance(setting.graph.by_name.get(edge.target), External) for edge in setting.graph.edges)


def nat_of(setting: Setting) -> tuple[Nat, str]:
    """The way out, and why.

    Production that talks to nobody outside has none: five endpoints cost about as much as a gateway in each zone
    (0.01 and 0.045 US dollars an hour in us-east-1, June 2026), and nothing can leave. Where it does talk, one
    gateway for each zone if the promise is 99.95 % or more, else one. Elsewhere an instance (about 3 dollars a
    month): the cheapest that works.
    """
    if setting.environment.existing_vpc is not None:
        return "none", "the way out is the existing VPC's own"
    if setting.environment.nat is not None:
        return setting.environment.nat, "as declared"
    if not setting.production:
        return "instance", "the cheapest way out: a copy may lose it for some minutes"
    if setting.rung == "eks":
        mode: Nat = "per_zone" if setting.availability >= PER_ZONE_AVAILABILITY else "single"
        return mode, "machines join through AWS's own addresses, and add-ons come from public registries"
    if not has_externals(setting):
        return "none", "nothing of the workload talks to a host outside: AWS is reached by endpoints"
    if setting.availability >= PER_ZONE_AVAILABILITY:
        return "per_zone", f"{setting.availability:.2%} are promised: a lost zone must not stop the others"
    return "single", "one gateway: no promise of 99.95 % or more pays for one in each zone"


def endpoints_of(setting: Setting, nat: Nat) -> tuple[str, ...]:
    """AWS services that tasks reach without leaving the network. Production uses no other way to AWS."""
    if setting.environment.existing_vpc is not None or (nat != "none" and not setting.production):
        return ()
    if setting.rung == "eks":
        return ()  # it has a way out in any case: endpoints pay above some 210 GB a month each
    names = ["ecr.api", "ecr.dkr", "logs"]
    if setting.routers or any(isinstance(node, Queue) and setting.uses_sqs(node) for node in setting.graph.nodes):
        names.append("sqs")
    names.append("secretsmanager")
    kinds = {node.kind for node in setting.graph.nodes}
    names += [
        service
        for kind, service in (("bus", "events"), ("job", "ecs"))
        if kind in kinds and _is_used(setting, kind)
    ]
    return tuple(names)


def _is_used(setting: Setting, kind: str) -> bool:
    return any(
        edge.verb in ("publish", "run") and setting.graph.by_name[edge.target].kind == kind
        for edge in setting.graph.edges
    )


def network_of(setting: Setting) -> Network:
    """The VPC of an environment, or the one that is there."""
    nat, why = nat_of(setting)
    gateways = ("s3", "dynamodb") if setting.graph.of(Table) else ("s3",)
    days = FLOW_LOG_DAYS_OF_PRODUCTION if setting.production else FLOW_LOG_DAYS
    network = Network(
        name=setting.platform("network"), zones=zones_of(setting), nat=nat, why=why, gateway_endpoints=gateways,
        interface_endpoints=endpoints_of(setting, nat), flow_log_days=days, existing=_existing(setting),
    )  # fmt: skip
    changed = overridden(setting, (network,))[0]
    assert isinstance(changed, Network)
    return changed


def _existing(setting: Setting) -> ExistingNetwork | None:
    vpc = setting.environment.existing_vpc
    if vpc is None:
        return None
    return ExistingNetwork(
        vpc_id=vpc.vpc_id, public_subnet_ids=vpc.public, private_subnet_ids=vpc.private,
        isolated_subnet_ids=vpc.isolated or vpc.private,
    )  # fmt: skip


def platform_connections(setting: Setting, network: Network, tasks: tuple[str, ...]) -> Iterator[Connection]:
    """What every task needs of AWS before it does anything: its image, its log, its secrets."""
    for task in tasks:
        if network.interface_endpoints:
            yield Connection(
                source=task, target="vpc_endpoints", port=HTTPS_PORT, why="image, log, secrets and queues of AWS"
            )
        else:
            yield Connection(
                source=task, target="internet", port=HTTPS_PORT, why="AWS itself, where no endpoint was earned"
            )
        if network.existing is not None:
            continue  # by the same way: which endpoints it has is its owner's matter
        yield Connection(source=task, target="s3", port=HTTPS_PORT, why="the layers of its image are kept in S3")
        if "dynamodb" in network.gateway_endpoints and _uses_table(setting, task):
            yield Connection(source=task, target="dynamodb", port=HTTPS_PORT, why="the tables it uses")


def _uses_table(setting: Setting, task: str) -> bool:
    source = setting.graph.by_name.get(task)
    return isinstance(source, RUNNING) and any(
        isinstance(setting.graph.by_name.get(edge.target), Table) for edge in setting.graph.edges_from(task)
    )
