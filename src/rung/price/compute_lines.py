"""What running costs: tasks, machines, their disks and addresses, images, schedules."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import assert_never

from rung.parts.compute import (
    Cluster,
    Container,
    EcsJob,
    EcsService,
    Host,
    HostGroup,
    OfficeHours,
    Registry,
    ScheduledTask,
)
from rung.parts.instances import vcpus_of
from rung.parts.network import Network
from rung.price.book import HOURS_PER_MONTH
from rung.price.charging import Charging, Line
from rung.price.credits import machine_credits
from rung.price.usage import KIB_PER_GIB, SECONDS_PER_MONTH, Quantity

GIB_MIB = 1_024
#: Fargate bills from the pull of the image on, a minute at least.
JOB_SECONDS_MIN = 60.0
JOB_START_SECONDS = 25.0
#: How long a worker that scales from zero stays after its last message.
LINGER_SECONDS = 300.0

ComputePart = EcsService | EcsJob | ScheduledTask | Cluster | Registry | Host | HostGroup | OfficeHours


def lines_of(part: ComputePart, charging: Charging) -> Iterator[Line]:
    """The lines of one part."""
    match part:
        case EcsService():
            yield from ecs_service(part, charging)
        case EcsJob():
            yield from ecs_job(part, charging)
        case ScheduledTask():
            yield from scheduled_task(part, charging)
        case Cluster():
            yield from cluster(part, charging)
        case Registry():
            yield from registry(part, charging)
        case Host():
            yield from host(part, charging)
        case HostGroup():
            yield from host_group(part, charging)
        case OfficeHours():
            yield from office_hours(part, charging)
        case _:
            assert_never(part)


def ecs_service(part: EcsService, charging: Charging) -> Iterator[Line]:
    """Tasks over the day: vCPU-hours and GB-hours, what is above the base on Spot; the log."""
    hours = task_hours_of(part, charging)
    base = min(hours.value, part.on_demand_base * HOURS_PER_MONTH * charging.on_share)
    spot = (hours.value - base) * part.spot_share
    on_demand = replace(hours, value=hours.value - spot, hours=_on_demand(part, hours.hours))
    yield from _fargate(part, part.container, charging, on_demand, spot=False)
    if spot:
        because = f"{part.spot_share:.0%} of what is above {part.on_demand_base} tasks"
        yield from _fargate(part, part.container, charging, replace(hours, value=spot, because=because), spot=True)
    yield from _log(part, charging)
    yield from _address(part, charging, hours)


def task_hours_of(part: EcsService, charging: Charging) -> Quantity:
    """How long the tasks of a service run in a month."""
    if part.role != "web":
        return charging.while_on(_worker_hours(part, charging))
    share = charging.usage.share_of(part.node)
    return charging.while_on(charging.usage.task_hours(part.container.cpu, part.min_tasks, part.max_tasks, share))


def ecs_job(part: EcsJob, charging: Charging) -> Iterator[Line]:
    """What starts it decides how often it runs: a schedule, or every deployment."""
    scheduled = [each for each in charging.design.of(ScheduledTask) if each.job == part.name]
    runs = 0.0 + sum(SECONDS_PER_MONTH / each.every_seconds for each in scheduled)
    runs += charging.usage.assumptions.deploys_per_month if part.on_deploy else 0.0
    seconds = max(JOB_SECONDS_MIN, JOB_START_SECONDS)
    because = f"{runs:,.0f} runs of {seconds:g} s, the least that is billed"
    hours = Quantity(value=runs * seconds / 3_600, unit="task-hour", because=because)
    yield from _fargate(part, part.container, charging, hours, spot=False)


def scheduled_task(part: ScheduledTask, charging: Charging) -> Iterator[Line]:
    """Invocations of EventBridge Scheduler."""
    runs = SECONDS_PER_MONTH / part.every_seconds
    key = ("eventbridge", "scheduler-invocations", "")
    yield charging.line(part.name, part.node, "schedule invocations", key, runs / 1e6, part.expression)


def registry(part: Registry, charging: Charging) -> Iterator[Line]:
    """Images that are kept; layers that did not change are stored once, about a tenth of each image is new."""
    each = charging.usage.assumptions.image_gib
    quantity = each + 0.1 * each * (part.keep_images - 1)
    because = f"{part.keep_images} images of {each:g} GiB that share nine tenths of their layers"
    yield charging.line(part.name, part.node, "images", ("ecr", "storage", ""), quantity, because)


def cluster(part: Cluster, charging: Charging) -> Iterator[Line]:
    """Container Insights are custom metrics: some eight for each service, and some for the cluster."""
    if not part.container_insights:
        return
    services = len(charging.design.of(EcsService))
    quantity = 8.0 * services + 6.0
    key = ("cloudwatch", "custom-metric", "")
    yield charging.line(part.name, part.node, "container insights", key, quantity, f"{services} services, 8 each")


def host(part: Host, charging: Charging) -> Iterator[Line]:
    """One machine by the hour, its disks, its address."""
    key = ("ec2", part.instance_type, "on-demand")
    yield charging.line(
        part.name, part.node, part.instance_type, key, HOURS_PER_MONTH, "one machine, always on",
        hours=charging.always(),
    )  # fmt: skip
    yield from machine_credits(part, charging, HOURS_PER_MONTH)
    disks = part.root_gib + part.data_gib
    because = f"{part.root_gib} GiB for the system, {part.data_gib} GiB for data"
    yield charging.line(part.name, part.node, "disks", ("ebs", "gp3-storage", ""), disks, because)
    yield _ipv4(part.name, part.node, charging, HOURS_PER_MONTH, "its elastic address")
    yield from _internet_out(part, charging)
    if part.domain:
        because = "one look-up for each visit; records that point to AWS's own services are free"
        queries = ("route-53", "queries", "")
        yield charging.line(
            part.name, part.node, "DNS queries", queries, charging.usage.visits / 1e6, because, depends="use"
        )


def host_group(part: HostGroup, charging: Charging) -> Iterator[Line]:
    """Machines over the day, as their CPU asks for, and their disks."""
    cores = vcpus_of(part.instance_type)
    hours = charging.while_on(charging.usage.task_hours(cores, part.min_hosts, part.max_hosts))
    key = ("ec2", part.instance_type, "on-demand")
    yield charging.line(
        part.name, part.node, part.instance_type, key, hours.value, hours.because, depends="use", hours=hours.hours
    )
    yield from machine_credits(part, charging, hours.value)
    disks = part.root_gib * hours.value / HOURS_PER_MONTH
    because = f"{part.root_gib} GiB on each machine"
    yield charging.line(part.name, part.node, "disks", ("ebs", "gp3-storage", ""), disks, because)
    yield from _log(part, charging)


def office_hours(part: OfficeHours, charging: Charging) -> Iterator[Line]:
    """It costs next to nothing; what it saves is in the other lines."""
    key = ("eventbridge", "scheduler-invocations", "")
    yield charging.line(part.name, part.node, "start and stop", key, 44 / 1e6, "twice on 22 working days")


def _worker_hours(part: EcsService, charging: Charging) -> Quantity:
    """Workers hold their minimum; what a day's messages ask beyond that is seldom more than a spike."""
    value = part.min_tasks * HOURS_PER_MONTH
    if part.min_tasks == 0:
        return _from_zero(charging)
    spikes = charging.usage.assumptions.spikes_per_month * (part.max_tasks - part.min_tasks) * 0.5
    extra = spikes if charging.usage.peak_rate > charging.usage.busy_rate else 0.0
    because = f"{part.min_tasks} tasks always, up to {part.max_tasks} for half an hour at each spike"
    always = charging.always(float(part.min_tasks))
    return Quantity(value=value + extra, unit="task-hour", because=because, hours=always)


def _from_zero(charging: Charging) -> Quantity:
    """One task while messages come, and for as long after the last as it takes to scale in."""
    rate = sum(_queue_messages(charging)) / SECONDS_PER_MONTH
    share = 1 - math.exp(-rate * LINGER_SECONDS)
    because = (
        f"no task while nothing waits, {share:.0%} of the time one: each message keeps it {LINGER_SECONDS:g} s"
    )
    return Quantity(value=share * HOURS_PER_MONTH, unit="task-hour", because=because)


def _on_demand(part: EcsService, running: tuple[float, ...]) -> tuple[float, ...]:
    """Of the tasks in each hour, those that are not on Spot."""
    base = part.on_demand_base
    return tuple(min(count, base) + max(0.0, count - base) * (1 - part.spot_share) for count in running)


def _fargate(
    part: EcsService | EcsJob, container: Container, charging: Charging, hours: Quantity, *, spot: bool
) -> Iterator[Line]:
    mode = part.architecture + ("-spot" if spot else "")
    label = " on Spot" if spot else ""
    memory = container.memory_mib / GIB_MIB
    for item, usage, each in (("vCPU", "vcpu", container.cpu), ("memory", "memory", memory)):
        yield charging.line(
            part.name, part.node, f"{item}{label}", ("fargate", usage, mode), hours.value * each,
            f"{hours.because}; {each:g} each", depends="use",
            hours=() if spot else tuple(count * each for count in hours.hours),
        )  # fmt: skip


def _log(part: EcsService | HostGroup, charging: Charging) -> Iterator[Line]:
    """Ingest, and what is kept of it; compressed, about a sixth is stored."""
    given = charging.usage.assumptions
    web = isinstance(part, HostGroup) or part.role == "web"
    services = max(1, sum(each.role == "web" for each in charging.design.of(EcsService)))
    count = charging.usage.requests.value / services if web else sum(_queue_messages(charging))
    each = given.log_kib_per_request if web else given.log_kib_per_message
    gib = count * each / KIB_PER_GIB
    because = f"{count:,.0f} {'requests' if web else 'messages'}, {each:g} KiB each"
    yield charging.line(
        part.name, part.node, "log ingest", ("cloudwatch", "log-ingest", ""), gib, because, depends="use"
    )
    days = part.log_days if isinstance(part, EcsService) else 30
    kept = gib * days / 30 / 6
    yield charging.line(
        part.name, part.node, "log storage", ("cloudwatch", "log-storage", ""), kept,
        f"{days} days, compressed to a sixth", depends="use",
    )  # fmt: skip


def _queue_messages(charging: Charging) -> Iterator[float]:
    return (charging.usage.messages_per_month(name) for name, _ in charging.usage.messages)


def _address(part: EcsService, charging: Charging, hours: Quantity) -> Iterator[Line]:
    """Tasks without a NAT need a public address each, and pay for it."""
    networks = charging.design.of(Network)
    if any(network.nat == "none" and "private" not in network.tiers for network in networks):
        yield _ipv4(part.name, part.node, charging, hours.value, "one for each task: there is no NAT")


def _ipv4(part: str, node: str, charging: Charging, hours: float, because: str) -> Line:
    return charging.line(part, node, "public IPv4 address", ("vpc", "public-ipv4", "in-use"), hours, because)


def _internet_out(part: Host, charging: Charging) -> Iterator[Line]:
    given = charging.usage.assumptions
    gib, because = charging.usage.gib(given.response_kib), f"{given.response_kib:g} KiB an answer"
    if part.sites:
        site = charging.usage.site_gib()
        gib, because = gib + site.value, f"{because}; {site.because}"
    key = ("data-transfer", "internet-out", "")
    yield charging.line(part.name, part.node, "bytes to the internet", key, gib, because, depends="use")
