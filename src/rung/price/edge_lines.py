"""What the network, the edge and messages cost."""

from __future__ import annotations

from collections.abc import Iterator
from typing import assert_never

from rung.parts.compute import EcsService
from rung.parts.edge import Certificate, Distribution, Firewall, LoadBalancer, SitePart
from rung.parts.functions import LambdaFunction
from rung.parts.kubernetes import KubernetesService
from rung.parts.messaging import EventBus, EventRule, RabbitBroker, RedisBroker, SqsQueue
from rung.parts.network import Network
from rung.price.book import HOURS_PER_MONTH
from rung.price.charging import Charging, Line
from rung.price.usage import KIB_PER_GIB, SECONDS_PER_MONTH, Quantity

#: One LCU-hour holds the largest of these (AWS, Elastic Load Balancing pricing).
LCU_NEW_CONNECTIONS_PER_SECOND = 25.0
LCU_ACTIVE_CONNECTIONS_PER_MINUTE = 3_000.0
LCU_GIB_PER_HOUR = 1.0
LCU_GIB_PER_HOUR_TO_FUNCTIONS = 0.4
LCU_RULES_PER_SECOND = 1_000.0
FREE_RULES = 10
#: How long a keep-alive connection of a browser is used; CloudFront's own to an origin are shared by visitors.
REQUESTS_PER_CONNECTION = 6.0
REQUESTS_PER_ORIGIN_CONNECTION = 50.0
#: A connection counts as active for as long as the load balancer keeps it.
CONNECTION_SECONDS = 60.0
LONG_POLL_SECONDS = 20.0
#: What RabbitMQ keeps on the disk of one node.
WAITING_GIB = 1.0
#: Lambda waits at each queue with so many connections (AWS, "Using Lambda with Amazon SQS").
POLLERS = 5

EdgePart = (
    Network
    | LoadBalancer
    | Firewall
    | Distribution
    | SitePart
    | SqsQueue
    | RedisBroker
    | RabbitBroker
    | EventBus
    | EventRule
    | Certificate
)


def lines_of(part: EdgePart, charging: Charging) -> Iterator[Line]:
    """The lines of one part."""
    match part:
        case Network():
            yield from network(part, charging)
        case LoadBalancer():
            yield from load_balancer(part, charging)
        case Firewall():
            yield from firewall(part, charging)
        case Distribution():
            yield from distribution(part, charging)
        case SitePart():
            yield from site(part, charging)
        case SqsQueue():
            yield from sqs_queue(part, charging)
        case RedisBroker():
            yield from redis_broker(part, charging)
        case RabbitBroker():
            yield from rabbit_broker(part, charging)
        case EventBus():
            yield from event_bus(part, charging)
        case EventRule() | Certificate():
            return
        case _:
            assert_never(part)


def network(part: Network, charging: Charging) -> Iterator[Line]:
    """NAT by the hour and the GiB, endpoints by zone, addresses, and what crosses zones."""
    if part.existing is None:
        yield from _nat(part, charging)
        yield from _endpoints(part, charging)
    usage, given = charging.usage, charging.usage.assumptions
    crossing = usage.gib(given.response_kib + given.request_kib) * given.database_share * (1 - 1 / part.zones)
    yield charging.line(
        part.name, part.node, "between zones", ("data-transfer", "between-zones", ""), 2 * crossing,
        f"queries and answers, {1 - 1 / part.zones:.0%} of them to another zone, both directions billed",
        depends="use",
    )  # fmt: skip
    if part.flow_log_days:
        gib = usage.requests.value / requests_per_connection(charging) * 4 * 0.1 / KIB_PER_GIB
        because = "four records of 0.1 KiB for a connection"
        yield charging.line(
            part.name, part.node, "flow logs", ("cloudwatch", "log-ingest", ""), gib, because, depends="use"
        )


def load_balancer(part: LoadBalancer, charging: Charging) -> Iterator[Line]:
    """Hours, and capacity units: the largest of four dimensions, hour by hour."""
    if part.existing is None:
        key = ("load-balancer", "application-hour", "")
        yield charging.line(part.name, part.node, "load balancer", key, HOURS_PER_MONTH, "always on")
    units, because = capacity_units(part, charging)
    key = ("load-balancer", "application-lcu", "")
    yield charging.line(part.name, part.node, "capacity units", key, units, because, depends="use")
    if not part.internal and part.existing is None:
        zones = sum(each.zones for each in charging.design.of(Network))
        key = ("vpc", "public-ipv4", "in-use")
        hours = zones * HOURS_PER_MONTH
        yield charging.line(
            part.name, part.node, "public IPv4 addresses", key, hours, f"one in each of {zones} zones"
        )
    if not is_behind_the_edge(charging):
        gib = charging.usage.gib(charging.usage.assumptions.response_kib)
        because = f"{charging.usage.assumptions.response_kib:g} KiB an answer"
        key = ("data-transfer", "internet-out", "")
        yield charging.line(part.name, part.node, "bytes to the internet", key, gib, because, depends="use")


def capacity_units(part: LoadBalancer, charging: Charging) -> tuple[float, str]:
    """LCU-hours in a month and which dimension decides at the busy hour."""
    usage, given = charging.usage, charging.usage.assumptions
    rules = max(0, len(part.forwards) - FREE_RULES)
    each = requests_per_connection(charging)
    dimensions = {
        "new connections": 1 / each / LCU_NEW_CONNECTIONS_PER_SECOND,
        "active connections": CONNECTION_SECONDS / each / LCU_ACTIVE_CONNECTIONS_PER_MINUTE,
        "bytes": (given.response_kib + given.request_kib) * 3_600 / KIB_PER_GIB / _gib_per_hour(part, charging),
        "rule evaluations": rules / LCU_RULES_PER_SECOND,
    }
    name = max(dimensions, key=lambda each: dimensions[each])
    hours = sum(usage.rate_at(hour) * dimensions[name] for hour in range(24)) * HOURS_PER_MONTH / 24
    at_busy = usage.busy_rate * dimensions[name]
    return hours, f"{name} decide: {at_busy:.1f} units at the busy hour"


def _gib_per_hour(part: LoadBalancer, charging: Charging) -> float:
    """A function takes JSON in place of bytes: its unit holds less."""
    functions = {each.name for each in charging.design.of(LambdaFunction)}
    reached = any(forward.target in functions for forward in part.forwards)
    return LCU_GIB_PER_HOUR_TO_FUNCTIONS if reached else LCU_GIB_PER_HOUR


def firewall(part: Firewall, charging: Charging) -> Iterator[Line]:
    """The list, its rules, and every request it looks at."""
    yield charging.line(part.name, part.node, "web ACL", ("waf", "web-acl", ""), 1.0, "one list")
    rules = len(part.managed_groups) + 1 + bool(part.blocked_countries)
    because = f"{len(part.managed_groups)} managed groups, the rate limit" + (
        ", countries" if part.blocked_countries else ""
    )
    yield charging.line(part.name, part.node, "rules", ("waf", "rule", ""), rules, because)
    requests = edge_requests(charging) if part.scope == "CLOUDFRONT" else charging.usage.requests
    yield charging.line(
        part.name, part.node, "requests", ("waf", "requests", ""), requests.value / 1e6, requests.because,
        depends="use",
    )  # fmt: skip


def distribution(part: Distribution, charging: Charging) -> Iterator[Line]:
    """Bytes and requests at the edge, for the API and for the site; what comes from AWS's own origins is free."""
    usage, given = charging.usage, charging.usage.assumptions
    gib, why = 0.0, []
    if is_behind_the_edge(charging):
        gib, why = usage.gib(given.response_kib), [f"{given.response_kib:g} KiB an answer"]
    if charging.design.of(SitePart):
        site = usage.site_gib()
        gib, why = gib + site.value, [*why, site.because]
    yield charging.line(
        part.name, part.node, "bytes out", ("cloudfront", "data-out", "us-and-europe"), gib, "; ".join(why),
        depends="use",
    )  # fmt: skip
    area = "europe" if charging.design.region.startswith("eu-") else "north-america"
    requests = edge_requests(charging)
    yield charging.line(
        part.name, part.node, "requests", ("cloudfront", "https-requests", area), requests.value / 1e4,
        requests.because, depends="use",
    )  # fmt: skip
    yield from _at_the_edge(part, charging)


def _at_the_edge(part: Distribution, charging: Charging) -> Iterator[Line]:
    """What visitors send to the origin, and the function that finds the page of a site."""
    usage, given = charging.usage, charging.usage.assumptions
    if is_behind_the_edge(charging):
        sent = usage.gib(given.request_kib) * usage.writes
        because = f"{given.request_kib:g} KiB for each write, {usage.writes:.0%} of requests"
        key = ("cloudfront", "data-to-origin", "")
        yield charging.line(part.name, part.node, "bytes to the origin", key, sent, because, depends="use")
    if charging.design.of(SitePart):
        site = usage.site_requests()
        key = ("cloudfront", "function-invocations", "")
        because = f"one for each request of the site: {site.because}"
        yield charging.line(part.name, part.node, "edge functions", key, site.value / 1e6, because, depends="use")


def edge_requests(charging: Charging) -> Quantity:
    """What CloudFront and its firewall see in a month: what users do, and the files of the site they load.

    A cache at the edge spares the origin and not this: every request of a visitor is one.
    """
    usage = charging.usage
    value, why = 0.0, []
    if is_behind_the_edge(charging):
        value, why = usage.requests.value, [usage.requests.because]
    if charging.design.of(SitePart):
        site = usage.site_requests()
        value, why = value + site.value, [*why, site.because]
    return Quantity(value=value, unit="request", because="; ".join(why))


def is_behind_the_edge(charging: Charging) -> bool:
    """Whether visitors reach the load balancer, or the API, through CloudFront."""
    return any(each.load_balancer or each.api for each in charging.design.of(Distribution))


def requests_per_connection(charging: Charging) -> float:
    """How many requests share one connection to the load balancer."""
    return REQUESTS_PER_ORIGIN_CONNECTION if is_behind_the_edge(charging) else REQUESTS_PER_CONNECTION


def site(part: SitePart, charging: Charging) -> Iterator[Line]:
    """Static files in S3."""
    yield charging.line(part.name, part.node, "storage", ("s3", "storage", "standard"), 0.05, "static files")


def sqs_queue(part: SqsQueue, charging: Charging) -> Iterator[Line]:
    """Sends; receives and deletes in batches; and polls that find nothing, one in 20 seconds by each task."""
    # Between a rule and its relay: what the rule takes of the bus's events is not known, so all of them.
    relayed = part.rules == (part.node,)
    events = charging.usage.requests.value * charging.usage.writes
    messages = events if relayed else charging.usage.messages_per_month(part.node)
    lanes = sum(each.node == part.node for each in charging.design.of(SqsQueue))
    pollers = _pollers(part, charging)
    empty = pollers * SECONDS_PER_MONTH / LONG_POLL_SECONDS
    together = max(1.0, charging.usage.assumptions.messages_per_call)
    calls = messages / max(1, lanes) * (1 + 2 / together) + empty
    because = (
        f"{messages / max(1, lanes):,.0f} messages sent, received and deleted {together:g} at a time; "
        f"{pollers} tasks wait for them"
    )
    yield charging.line(
        part.name, part.node, "requests", ("sqs", "requests", "standard"), calls / 1e6, because, depends="use"
    )


def redis_broker(part: RedisBroker, charging: Charging) -> Iterator[Line]:
    """Nodes by the hour: messages are not counted."""
    key = ("elasticache", part.node_type, "valkey")
    hours, because = part.nodes * HOURS_PER_MONTH, f"{part.nodes} node{'s' * (part.nodes > 1)}, always on"
    yield charging.line(part.name, part.node, part.node_type, key, hours, because)


def rabbit_broker(part: RabbitBroker, charging: Charging) -> Iterator[Line]:
    """Instances by the hour, and the disk under what waits: each of a cluster has all of it."""
    key = ("amazon-mq", part.instance_type, "rabbitmq")
    because = "three nodes, always on" if part.cluster else "one instance, always on"
    yield charging.line(part.name, part.node, part.instance_type, key, part.nodes * HOURS_PER_MONTH, because)
    waiting = part.nodes * WAITING_GIB
    because = f"{WAITING_GIB:g} GiB of messages on each of {part.nodes}"
    yield charging.line(part.name, part.node, "storage", ("amazon-mq", "storage", "rabbitmq"), waiting, because)


def event_bus(part: EventBus, charging: Charging) -> Iterator[Line]:
    """Events that are published: one for every write."""
    events = charging.usage.requests.value * charging.usage.writes
    key = ("eventbridge", "events", "")
    yield charging.line(part.name, part.node, "events", key, events / 1e6, "one for every write", depends="use")


def _nat(part: Network, charging: Charging) -> Iterator[Line]:
    count = {"none": 0, "instance": 1, "single": 1, "per_zone": part.zones}[part.nat]
    if count == 0:
        return
    if part.nat == "instance":
        key = ("ec2", "t4g.nano", "on-demand")
        yield charging.line(part.name, part.node, "NAT instance", key, HOURS_PER_MONTH, "one small machine")
    else:
        hours = count * HOURS_PER_MONTH
        because = f"{count} of them" if count > 1 else "one for all zones"
        yield charging.line(part.name, part.node, "NAT gateways", ("nat-gateway", "hour", ""), hours, because)
        gib, why = _through_nat(part, charging)
        key = ("nat-gateway", "data-processed", "")
        yield charging.line(part.name, part.node, "NAT bytes", key, gib, why, depends="use")
    hours = count * HOURS_PER_MONTH
    key = ("vpc", "public-ipv4", "in-use")
    yield charging.line(part.name, part.node, "public IPv4 of the NAT", key, hours, f"{count} addresses")


def _through_nat(part: Network, charging: Charging) -> tuple[float, str]:
    """What leaves: calls to hosts outside on writes, and AWS's own services that have no endpoint."""
    usage, given = charging.usage, charging.usage.assumptions
    outside = usage.gib(given.external_kib_per_write) * usage.writes if charging.design.egress else 0.0
    pulls = 0.0
    if "ecr.dkr" not in part.interface_endpoints:
        tasks = sum(each.max_tasks for each in charging.design.of(EcsService))
        pulls = given.image_gib * given.deploys_per_month * tasks * ("s3" not in part.gateway_endpoints)
    logs = 0.0
    if "logs" not in part.interface_endpoints:
        logs = usage.requests.value * given.log_kib_per_request / KIB_PER_GIB
    return outside + pulls + logs, "calls outside, image layers without an S3 endpoint, logs without theirs"


def _endpoints(part: Network, charging: Charging) -> Iterator[Line]:
    count = len(part.interface_endpoints)
    if count == 0:
        return
    hours = count * part.zones * HOURS_PER_MONTH
    because = f"{count} services in {part.zones} zones"
    key = ("vpc", "interface-endpoint-hour", "")
    yield charging.line(part.name, part.node, "interface endpoints", key, hours, because)
    gib = charging.usage.gib(charging.usage.assumptions.log_kib_per_request)
    key = ("vpc", "interface-endpoint-data", "")
    yield charging.line(part.name, part.node, "endpoint bytes", key, gib, "logs, secrets, messages", depends="use")


def _pollers(part: SqsQueue, charging: Charging) -> int:
    consumers = {
        each.principal
        for each in charging.design.statements
        if "sqs:ReceiveMessage" in each.actions
        and any(getattr(r, "part", None) == part.name for r in each.resources)
    }
    tasks = sum(each.min_tasks for each in charging.design.of(EcsService) if each.name in consumers)
    pods = sum(each.min_replicas for each in charging.design.of(KubernetesService) if each.name in consumers)
    functions = sum(each.name in consumers for each in charging.design.of(LambdaFunction))
    return tasks + pods + functions * POLLERS
