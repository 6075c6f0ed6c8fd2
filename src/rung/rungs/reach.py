"""Who may open a connection to what: exactly the graph's edges, and what the platform itself needs. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from rung.model.edges import Edge
from rung.model.nodes import Cache, External, Files, Node, Postgres, Queue, Service
from rung.parts.access import DatabaseGrant
from rung.parts.network import Connection, Egress
from rung.rungs.brokers import broker_of, broker_part, port_of_broker
from rung.rungs.setting import Setting

PartOf = Callable[[str], str]

POSTGRES_PORT = 5432
CACHE_PORT = 6379
FILES_PORT = 2049
HTTPS_PORT = 443
HTTP_PORT = 80
#: The port on which an ASGI application listens in its container.
SERVICE_PORT = 8000

#: What a verb on a database allows, on the tables of the application.
PRIVILEGES: dict[str, tuple[str, ...]] = {"read": ("SELECT",), "write": ("INSERT", "UPDATE", "DELETE")}
#: What a process needs of the tables in which queues, schedules and runs of workflows are kept.
QUEUE_PRIVILEGES = ("SELECT", "INSERT", "UPDATE", "DELETE")
QUEUE_SCHEMA = "rung"


def connections_of(setting: Setting, part_of: PartOf) -> tuple[Connection, ...]:
    """A connection for each edge that is reached by network. Two edges with one way have one connection."""
    found: dict[object, Connection] = {}
    for edge in setting.whole.edges:
        source = setting.process(edge.source)
        target = setting.graph.by_name.get(edge.target)
        place = _place(setting, target) if source is not None and target is not None else None
        if place is not None:
            part, port = place
            connection = Connection(
                source=part_of(edge.source), target=part_of(part), port=port, edge=edge,
                why=f"{edge.source} uses {edge.target} ({edge.verb})",
            )  # fmt: skip
            if connection.source != connection.target:
                found.setdefault((connection.source, connection.target, port), connection)
    return tuple(found.values())


def _place(setting: Setting, target: Node) -> tuple[str, int] | None:
    """The node whose part must be reached for `target`, and its port; None when AWS's own API is the way."""
    match target:
        case Postgres():
            return target.name, database_port(setting, target.name)
        case _ if setting.is_carried(target):
            carrier = setting.carrier()
            return (carrier.name, database_port(setting, carrier.name)) if carrier else None
        case Queue() if (broker := broker_of(target)) is not None:
            return broker_part(setting, broker), port_of_broker(setting, broker)
        case Cache():
            there = setting.existing_cache(target.name)
            return target.name, there.port if there else CACHE_PORT
        case Files():
            return target.name, FILES_PORT
        case Service():
            return target.name, port_of(target)
        case _:
            return None


def database_port(setting: Setting, database: str) -> int:
    """The port that a database listens on."""
    place = setting.existing_database(database)
    return place.port if place else POSTGRES_PORT


def port_of(service: Service) -> int:
    """The port that a service listens on."""
    return service.port or SERVICE_PORT


def egress_of(setting: Setting, part_of: PartOf) -> tuple[Egress, ...]:
    """The declared hosts outside, for each process that connects to them."""
    found: dict[object, Egress] = {}
    for edge in setting.whole.edges:
        target = setting.graph.by_name.get(edge.target)
        if isinstance(target, External) and setting.process(edge.source) is not None:
            egress = Egress(
                source=part_of(edge.source), host=target.host, port=target.port or HTTPS_PORT, edge=edge
            )
            found.setdefault((egress.source, egress.host, egress.port), egress)
    return tuple(found.values())


def grants_of(setting: Setting) -> tuple[DatabaseGrant, ...]:
    """What each process may do in each database, as a role of its own. The principal is the process."""
    found: dict[object, DatabaseGrant] = {}
    for edge in setting.whole.edges:
        source = setting.process(edge.source)
        target = setting.graph.by_name.get(edge.target)
        if source is not None and target is not None:
            for grant in _grants(setting, edge, target):
                found.setdefault((grant.principal, grant.database, grant.schema, grant.privileges), grant)
    return tuple(found.values())


def _grants(setting: Setting, edge: Edge, target: Node) -> Iterable[DatabaseGrant]:
    role = role_of(setting, edge.source)
    if isinstance(target, Postgres):
        yield DatabaseGrant(
            principal=edge.source, database=target.name, role=role, privileges=PRIVILEGES[edge.verb], edge=edge
        )
    carrier = setting.carrier()
    if setting.is_carried(target) and carrier is not None:
        yield DatabaseGrant(
            principal=edge.source, database=carrier.name, role=role, schema=QUEUE_SCHEMA,
            privileges=QUEUE_PRIVILEGES, edge=edge,
        )  # fmt: skip
    outbox = setting.outbox(edge.source)
    if isinstance(target, Queue) and broker_of(target) is not None and outbox is not None:
        yield DatabaseGrant(
            principal=edge.source, database=outbox.name, role=role, schema=QUEUE_SCHEMA,
            privileges=QUEUE_PRIVILEGES, edge=edge,
        )  # fmt: skip


def role_of(setting: Setting, process: str) -> str:
    """The database role of a process: `shop_expire_carts`. PostgreSQL cuts names after 63 bytes."""
    return f"{setting.graph.name}_{process}".replace("-", "_")[:63]
