"""What AWS Config costs where the account has it: each recorded change is an item, and rules look at each.

The account has one recorder, whoever made it: an environment names it with `usage={"config_recorded": 1}`, and its
bill shows what its own changes cost there. Most of them are network interfaces: each task on Fargate has one, made
and removed with it, so that what is often started and stopped is dear here and nowhere else. Resources that are
recorded: AWS, "Supported resource types for AWS Config",
https://docs.aws.amazon.com/config/latest/developerguide/resource-config-reference.html
"""

from __future__ import annotations

from collections.abc import Iterator

from rung.parts.compute import EcsJob, EcsService, HostGroup, ScheduledTask
from rung.parts.functions import LambdaFunction
from rung.parts.instances import vcpus_of
from rung.price.book import HOURS_PER_MONTH
from rung.price.charging import Charging, Line
from rung.price.compute_lines import task_hours_of
from rung.price.usage import SECONDS_PER_MONTH

PART, NODE = "aws-config", "@workload"
DAYS_PER_MONTH = HOURS_PER_MONTH / 24
#: Days of a month on which an environment with office hours starts.
OFFICE_DAYS = 22
#: An interface, made and removed; a machine with its disk and its interface.
ITEMS_PER_TASK, ITEMS_PER_MACHINE = 2, 6
#: A new definition of its task, and the service that takes it; a job has the former alone.
ITEMS_PER_DEPLOYED_SERVICE, ITEMS_PER_DEPLOYED_JOB, ITEMS_PER_DEPLOYED_FUNCTION = 2, 1, 1


def config_lines(charging: Charging) -> Iterator[Line]:
    """Items and evaluations of a month; nothing where the environment does not say that changes are recorded."""
    given = charging.usage.assumptions
    if given.config_recorded <= 0:
        return
    reasons = [(items, why) for items, why in _changes(charging) if items > 0]
    because = "; ".join(f"{items:,.0f} of {why}" for items, why in reasons) or "nothing changes"
    if given.config_recorded != 1:
        because += f"; {given.config_recorded:.0%} of them are recorded"
    items = sum(items for items, _ in reasons) * given.config_recorded
    key = ("config", "configuration-item", "continuous")
    yield charging.line(PART, NODE, "configuration items", key, items, because, depends="use")
    key = ("config", "rule-evaluation", "")
    because = f"{given.config_rules:g} rules look at each of {items:,.0f} items"
    yield charging.line(PART, NODE, "rule evaluations", key, items * given.config_rules, because, depends="use")


def _changes(charging: Charging) -> Iterator[tuple[float, str]]:
    """Items of a month, and what makes them."""
    deploys = charging.usage.assumptions.deploys_per_month
    services, groups = charging.design.of(EcsService), charging.design.of(HostGroup)
    jobs, functions = charging.design.of(EcsJob), charging.design.of(LambdaFunction)
    running = sum(task_hours_of(part, charging).value for part in services) / HOURS_PER_MONTH
    definitions = (
        ITEMS_PER_DEPLOYED_SERVICE * len(services) + ITEMS_PER_DEPLOYED_JOB * len(jobs)
        + ITEMS_PER_DEPLOYED_FUNCTION * len(functions)
    )  # fmt: skip
    yield deploys * definitions, f"{deploys:g} deployments with {definitions} definitions and services each"
    yield deploys * running * ITEMS_PER_TASK, f"interfaces of {running:,.1f} tasks that each deployment replaces"
    started = sum(_starts_of_service(part, charging) for part in services)
    yield started * ITEMS_PER_TASK, f"interfaces of {started:,.0f} tasks that scaling starts"
    runs = sum(_runs(job, charging) for job in jobs)
    yield runs * ITEMS_PER_TASK, f"interfaces of {runs:,.0f} runs of jobs"
    machines = sum(_starts_of_group(group, charging) for group in groups)
    yield machines * ITEMS_PER_MACHINE, f"{machines:,.0f} machines that scaling starts, with disk and interface"


def _starts_of_service(part: EcsService, charging: Charging) -> float:
    hours = task_hours_of(part, charging).hours
    usage = charging.usage
    web = part.role == "web"
    share = usage.share_of(part.node) if web else 1.0
    cpu = part.container.cpu
    beyond = (
        usage.spike_tasks(cpu, part.min_tasks, part.max_tasks, share) if web else part.max_tasks - part.min_tasks
    )
    return _starts(hours, beyond, part.min_tasks, charging)


def _starts_of_group(part: HostGroup, charging: Charging) -> float:
    cores = vcpus_of(part.instance_type)
    hours = charging.while_on(charging.usage.task_hours(cores, part.min_hosts, part.max_hosts)).hours
    beyond = charging.usage.spike_tasks(cores, part.min_hosts, part.max_hosts)
    return _starts(hours, beyond, part.min_hosts, charging)


def _starts(hours: tuple[float, ...], beyond: float, least: int, charging: Charging) -> float:
    """How often one is started in a month: as the day's load rises, at spikes, and on mornings of office hours."""
    usage = charging.usage
    rises = sum(max(0.0, then - now) for now, then in zip(hours, (*hours[1:], *hours[:1]), strict=True))
    spikes = usage.assumptions.spikes_per_month * beyond if usage.peak_rate > usage.busy_rate else 0.0
    mornings = OFFICE_DAYS * least if charging.on_share < 1 else 0
    return rises * DAYS_PER_MONTH + spikes + mornings


def _runs(job: EcsJob, charging: Charging) -> float:
    clocks = [each for each in charging.design.of(ScheduledTask) if each.job == job.name]
    deployed = charging.usage.assumptions.deploys_per_month if job.on_deploy else 0.0
    return sum(SECONDS_PER_MONTH / each.every_seconds for each in clocks) + deployed
