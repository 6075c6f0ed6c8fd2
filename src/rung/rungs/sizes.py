"""How large: rules that turn traffic, promises and connection limits into sizes, each with its source. Pure.

What the workload file says wins. Where it says nothing, traffic decides (Little's law: what is under way is the
rate times the time one takes); where there is no traffic either, a safe minimum.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from rung.model.measured import FULL, Behaviour
from rung.model.nodes import Job, Queue, Schedule, Service, Worker, Workflow
from rung.parts.functions import MIB_PER_VCPU
from rung.rungs.batches import batch_of
from rung.rungs.setting import Setting

#: What a request costs: the same values that bills, forecasts and reviews read.
BEHAVIOUR = Behaviour()
REQUESTS_PER_VCPU_SECOND = BEHAVIOUR.requests_per_vcpu
_REQUEST_SECONDS = BEHAVIOUR.function_request_ms / 1_000
#: The CPU load that target tracking holds, in percent: the rest serves while new tasks start (about a minute).
CPU_TARGET = BEHAVIOUR.cpu_target * 100
MEMORY_TARGET = 75.0
SCALE_OUT_COOLDOWN_SECONDS = 60
SCALE_IN_COOLDOWN_SECONDS = 300

#: What a process gets that nobody sized. A Python service with its pools needs 200 to 400 MiB.
SERVICE_VCPU, WORKER_VCPU, TASK_VCPU = 0.5, 0.5, 0.25
#: More tasks are better than larger ones beyond this: one that is lost takes its share with it.
LARGEST_SERVICE_VCPU = 4.0
#: Memory for each vCPU when nobody says, MiB; the least that Fargate takes with 1 vCPU.
MEMORY_MIB_PER_VCPU = 2_048

#: Fargate's sizes: vCPU -> least memory, most memory, step, in MiB. Source: AWS, "Task size" of the ECS developer
#: guide ("Amazon ECS task definition parameters for Fargate"); 0.25 vCPU takes 512, 1,024 or 2,048 MiB.
FARGATE_SIZES: dict[float, tuple[int, int, int]] = {
    0.25: (512, 2_048, 512),
    0.5: (1_024, 4_096, 1_024),
    1.0: (2_048, 8_192, 1_024),
    2.0: (4_096, 16_384, 1_024),
    4.0: (8_192, 30_720, 1_024),
    8.0: (16_384, 61_440, 4_096),
    16.0: (32_768, 122_880, 8_192),
}

#: PostgreSQL's default on RDS and Aurora: LEAST({DBInstanceClassMemory/9531392}, 5000). Source: AWS, "Quotas and
#: constraints" of the RDS user guide, and "Maximum connections for Aurora Serverless v2" of Aurora's.
BYTES_PER_CONNECTION = 9_531_392
MOST_CONNECTIONS = 5_000
#: With a minimum of 0 or 0.5 ACU, Aurora Serverless v2 allows no more than this, whatever the maximum.
MOST_CONNECTIONS_OF_SMALL_MINIMUM = 2_000
GIB = 1_073_741_824
#: One Aurora capacity unit has about 2 GiB of memory.
GIB_PER_ACU = 2.0
#: Aurora capacities worth naming: each doubles what the database can do.
ACU_STEPS = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0)
#: The share of a server's connections that pools may take (the check R0173 holds it too).
USABLE_CONNECTIONS = 0.8
#: What a process that runs one handler at a time opens.
SINGLE_CONNECTIONS = 2
#: What a process opens that starts or runs workflows: three for runs, one to listen.
WORKFLOW_CONNECTIONS = 4
#: A workflow's processes: runs rest in the database and not in a process, so that few carry many.
MOST_WORKFLOW_TASKS = 4

#: Memory of a function that nobody sized, MiB: more than a Python service needs, for more than half of a vCPU.
FUNCTION_MIB, LEAST_FUNCTION_MIB = 1_024, 128
#: Requests do not arrive evenly: environments beyond the mean (Little's law gives the mean alone).
ENVIRONMENTS_HEADROOM = 1.5
LEAST_ENVIRONMENTS = 10
LEAST_SHARE = 0.1
#: What Lambda takes as a limit of batches of one queue at once (AWS, "Using Lambda with Amazon SQS").
LEAST_BATCHES, MOST_BATCHES = 2, 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """vCPU and MiB of one task, and the sentence that says why."""

    cpu: float
    memory_mib: int
    why: str


def peak_requests(setting: Setting) -> float:
    """Requests in a second for which this environment is sized; 0 when the workload does not say.

    Production for its peak; a copy for ordinary load, since nobody's sale begins there.
    """
    traffic = setting.graph.traffic
    if not traffic or not traffic.think_time_seconds:
        return 0.0
    peak = traffic.peak if setting.production else 1.0
    return traffic.requests_per_second() * peak * setting.environment.scale


def ordinary_requests(setting: Setting) -> float:
    """Requests in a second at ordinary load."""
    traffic = setting.graph.traffic
    return peak_requests(setting) / (traffic.peak if traffic and setting.production else 1.0)


def service_size(setting: Setting, service: Service) -> Size:
    """A service's task: as declared, else so that `max_tasks` of them serve the peak, else a safe minimum."""
    if service.cpu is not None or service.memory_mib is not None:
        return _fitting(service.cpu or SERVICE_VCPU, service.memory_mib, "as declared")
    peak = peak_requests(setting) * setting.shares[service.name] if service.name in setting.routed else 0.0
    tasks = setting.scaled(service.max_tasks)
    wanted = peak / (REQUESTS_PER_VCPU_SECOND * FULL * max(1, tasks))
    cpu = min(LARGEST_SERVICE_VCPU, max(SERVICE_VCPU, wanted))
    why = f"{tasks} task{'' if tasks == 1 else 's'} for {peak:,.0f} requests/s" if peak else "a safe minimum"
    return _fitting(cpu, None, why)


def worker_size(worker: Worker) -> Size:
    """A worker's task: as declared, else a safe minimum; the number of tasks follows the backlog."""
    declared = worker.cpu is not None or worker.memory_mib is not None
    return _fitting(worker.cpu or WORKER_VCPU, worker.memory_mib, "as declared" if declared else "a safe minimum")


def workflow_size() -> Size:
    """A workflow's process waits for its steps most of the time: as large as a worker that nobody sized."""
    return _fitting(WORKER_VCPU, None, "a safe minimum")


def router_size() -> Size:
    """The relay of a bus waits for others all the time."""
    return _fitting(TASK_VCPU, None, "a safe minimum")


def task_size(node: Schedule | Job) -> Size:
    """What runs and ends."""
    cpu = node.cpu if isinstance(node, Job) else None
    memory = node.memory_mib if isinstance(node, Job) else None
    return _fitting(cpu or TASK_VCPU, memory, "as declared" if cpu or memory else "a safe minimum")


def fewest_tasks(setting: Setting, service: Service, cpu: float, part: float = 1.0) -> int:
    """Enough for a part of ordinary load at the CPU target, no fewer than declared and no more than the most."""
    ordinary = ordinary_requests(setting) * setting.shares[service.name] if service.name in setting.routed else 0.0
    needed = math.ceil(part * ordinary / (REQUESTS_PER_VCPU_SECOND * cpu * CPU_TARGET / 100))
    most = setting.scaled(service.max_tasks)
    return min(most, max(setting.scaled(service.min_tasks), needed))


def connections_wanted(setting: Setting, database: str, pool_size: int) -> int:
    """The connections that every process together may open to a database, all of them scaled out."""
    users = dict.fromkeys(edge.source for edge in setting.graph.edges_to(database))
    wanted = 0
    for node in (setting.graph.by_name[name] for name in users):
        if isinstance(node, Service | Worker) and setting.is_function(node.name):
            wanted += environments_of(setting, node)
        elif isinstance(node, Service | Worker):
            wanted += setting.scaled(node.max_tasks) * pool_size
        elif isinstance(node, Workflow):
            wanted += setting.scaled(MOST_WORKFLOW_TASKS) * pool_size
        else:
            wanted += SINGLE_CONNECTIONS
    return wanted + _connections_of_runs(setting, database)


def _connections_of_runs(setting: Setting, database: str) -> int:
    """What processes that start and run workflows open beside their pools, where the database keeps the runs."""
    carrier = setting.carrier()
    if carrier is None or carrier.name != database:
        return 0
    wanted = 0
    for node in setting.processes:
        if any(edge.verb == "start" for edge in setting.whole.edges_from(node.name)):
            usual = MOST_WORKFLOW_TASKS if isinstance(node, Workflow) else 1
            wanted += setting.scaled(getattr(node, "max_tasks", usual)) * WORKFLOW_CONNECTIONS
    return wanted


def function_memory(node: Service | Worker | Schedule | Job) -> int:
    """MiB of a function: as declared, else for the vCPU that is declared (one request uses one core)."""
    cpu = None if isinstance(node, Schedule) else node.cpu
    memory = None if isinstance(node, Schedule) else node.memory_mib
    if memory is not None:
        return max(LEAST_FUNCTION_MIB, memory)
    most = 1.0 if isinstance(node, Service) else cpu or 0.0
    return max(FUNCTION_MIB, math.ceil(min(cpu or 0.0, most) * MIB_PER_VCPU))


def environments_of(setting: Setting, node: Service | Worker) -> int:
    """The most environments of a function that run at once: one for each request, or each batch, under way."""
    if isinstance(node, Worker):
        queue = setting.graph.by_name.get(node.consumes)
        parts = tuple(setting.queue_parts(queue, node.lanes)) if isinstance(queue, Queue) else ()
        lanes = max(1, len(parts))
        return lanes * batches_of(setting, node, lanes, batch_of(node))
    wanted = peak_requests(setting) * share_of_requests(setting, node) * _REQUEST_SECONDS * ENVIRONMENTS_HEADROOM
    return max(LEAST_ENVIRONMENTS, math.ceil(wanted))


def share_of_requests(setting: Setting, service: Service) -> float:
    """The share of visitors' requests that one service must be ready for: by the mix of routes, a tenth at least.

    Without a mix it may be twice an even share, since services are seldom visited alike.
    """
    if service.name not in setting.routed:
        return 0.0
    traffic, share = setting.graph.traffic, setting.shares[service.name]
    return max(LEAST_SHARE, share) if traffic and traffic.routes else min(1.0, 2 * share)


def batches_of(setting: Setting, worker: Worker, lanes: int, batch: int) -> int:
    """Batches of one lane under way at once, so that as many messages are as in the most tasks of the worker."""
    messages = max(1, setting.scaled(worker.max_tasks)) * worker.concurrency
    return min(MOST_BATCHES, max(LEAST_BATCHES, math.ceil(messages / batch / lanes)))


def connections_of_memory(gib: float) -> int:
    """How many connections PostgreSQL allows on so much memory."""
    return min(MOST_CONNECTIONS, int(gib * GIB // BYTES_PER_CONNECTION))


def connections_of_acu(min_acu: float, max_acu: float) -> int:
    """How many connections an Aurora Serverless v2 cluster allows between two capacities."""
    most = MOST_CONNECTIONS_OF_SMALL_MINIMUM if min_acu <= 0.5 else MOST_CONNECTIONS
    return min(most, connections_of_memory(max_acu * GIB_PER_ACU))


def _fitting(cpu: float, memory_mib: int | None, why: str) -> Size:
    """The smallest of Fargate's sizes that has both."""
    memory = memory_mib or 0
    for vcpu, (least, most, step) in FARGATE_SIZES.items():
        if vcpu >= cpu and most >= memory:
            steps = max(0, math.ceil((memory - least) / step))
            fitted = least + steps * step
            # 0.25 vCPU takes 512, 1,024 and 2,048 MiB: three quarters of a way are not for sale.
            return Size(cpu=vcpu, memory_mib=2_048 if (vcpu, fitted) == (0.25, 1_536) else fitted, why=why)
    largest = max(FARGATE_SIZES)
    return Size(cpu=largest, memory_mib=FARGATE_SIZES[largest][1], why=why)
