"""The network of functions: only where something must be reached inside of one. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from rung.model.nodes import Bucket, Bus, External, Job, Postgres, Queue, Secret, Table
from rung.parts.network import Connection, Nat, Network
from rung.rungs.functions import inside, long_tasks
from rung.rungs.networks import PER_ZONE_AVAILABILITY, network_of
from rung.rungs.overriding import overridden
from rung.rungs.reach import HTTPS_PORT
from rung.rungs.setting import Setting, migration_part


def function_network(setting: Setting) -> Network | None:
    """The VPC, None where no function and no task needs one: without it there is nothing to pay by the hour."""
    if not inside(setting) and not long_tasks(setting):
        return None
    usual = network_of(setting)
    if usual.existing is not None:
        return usual
    nat, why = nat_of(setting)
    endpoints = endpoints_of(setting) if setting.production or nat == "none" else ()
    changed = Network(
        name=usual.name, cidr=usual.cidr, zones=usual.zones, nat=nat, interface_endpoints=endpoints,
        gateway_endpoints=usual.gateway_endpoints, flow_log_days=usual.flow_log_days, why=why,
    )  # fmt: skip
    found = overridden(setting, (changed,))[0]
    assert isinstance(found, Network)
    return found


def nat_of(setting: Setting) -> tuple[Nat, str]:
    """The way out of the VPC. Functions outside of it reach the internet by themselves and need none."""
    if setting.environment.nat is not None:
        return setting.environment.nat, "as declared"
    names = [name for name in inside(setting) if _uses(setting, name, External)]
    if not names:
        reason = "no function inside talks to a host outside"
        needed = endpoints_of(setting)
        if setting.production or not needed:
            return "none", f"{reason}: AWS is reached by endpoints"
        return "instance", f"{reason}; it costs less than {len(needed)} endpoints in two zones"
    talking = f"{', '.join(names)} must reach a database and a host outside"
    if not setting.production:
        return "instance", f"{talking}; the cheapest way out"
    if setting.availability >= PER_ZONE_AVAILABILITY:
        return "per_zone", f"{talking}; {setting.availability:.2%} are promised"
    return "single", talking


def endpoints_of(setting: Setting) -> tuple[str, ...]:
    """AWS services that functions inside ask by themselves; images, logs and queues reach them without."""
    found = dict.fromkeys(service for name in inside(setting) for service in _services(setting, name))
    return tuple(sorted(found))


def _services(setting: Setting, name: str) -> Iterator[str]:
    if any(setting.reaches(name, each.name) for each in setting.graph.of(Postgres)) or setting.outbox(name):
        yield "secretsmanager"
    if any(migration_part(each.name) == name for each in setting.graph.of(Postgres)):
        yield "secretsmanager"
    for edge in setting.graph.edges_from(name):
        match setting.graph.by_name.get(edge.target):
            case Secret():
                yield "secretsmanager"
            case Queue() as queue if edge.verb == "send" and setting.uses_sqs(queue):
                yield "sqs"
            case Bus():
                yield "events"
            case Job() as job if edge.verb == "run":
                yield "lambda" if setting.starts_function(job) else "ecs"
            case _:
                continue


def function_connections(setting: Setting, network: Network | None) -> Iterator[Connection]:
    """What functions and tasks inside of the network need beyond the edges of the graph."""
    if network is None:
        return
    for name in inside(setting):
        if network.interface_endpoints:
            yield Connection(source=name, target="vpc_endpoints", port=HTTPS_PORT, why="secrets and queues of AWS")
        elif network.nat != "none" and any(_services(setting, name)):
            yield Connection(source=name, target="internet", port=HTTPS_PORT, why="AWS itself, by the way out")
        yield from _gateways(setting, name, network)
    for name in long_tasks(setting):
        why = "its image, log and secrets: it runs in a public subnet, with an address for as long as it runs"
        yield Connection(source=name, target="internet", port=HTTPS_PORT, why=why)
        yield Connection(source=name, target="s3", port=HTTPS_PORT, why="the layers of its image are kept in S3")
        if "dynamodb" in network.gateway_endpoints and _uses(setting, name, Table):
            yield Connection(source=name, target="dynamodb", port=HTTPS_PORT, why="the tables it uses")


def _gateways(setting: Setting, name: str, network: Network) -> Iterator[Connection]:
    if _uses(setting, name, Bucket):
        yield Connection(source=name, target="s3", port=HTTPS_PORT, why="the objects it uses")
    if "dynamodb" in network.gateway_endpoints and _uses(setting, name, Table):
        yield Connection(source=name, target="dynamodb", port=HTTPS_PORT, why="the tables it uses")


def _uses(setting: Setting, name: str, kind: type[Bucket | Table | External]) -> bool:
    return any(isinstance(setting.graph.by_name.get(edge.target), kind) for edge in setting.graph.edges_from(name))
