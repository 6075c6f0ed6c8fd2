"""What functions cannot hold, and what nodes of a cluster need: findings R0817 to R0822, before placing. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from rung.errors import Finding
from rung.model.checks.report import label, problem
from rung.model.nodes import Files, Node, Queue, Schedule, Service, Worker
from rung.parts.functions import MIB_PER_VCPU
from rung.rungs.batches import LONGEST_SECONDS, MARGIN_SECONDS, MOST_MIB
from rung.rungs.clock import needs_scheduler
from rung.rungs.entrance import has_distribution
from rung.rungs.routers import Router
from rung.rungs.setting import FUNCTIONS_BESIDE, Setting

#: An HTTP API waits so long for a function, and nobody can raise it (AWS, "Quotas for HTTP APIs").
LONGEST_ANSWER_SECONDS = 30
#: Lambda mounts file systems below this folder alone, one for each function (AWS, "File system access").
MOUNT_FOLDER = "/mnt/"


def function_refusals(setting: Setting) -> Iterator[Finding]:
    """Everything of the workload that is no function."""
    if setting.rung == "eks":
        yield from _no_way_out(setting)
    if setting.rung in FUNCTIONS_BESIDE:
        yield from _beside(setting)
    if setting.rung != "serverless":
        return
    for node in setting.graph.nodes:
        match node:
            case Service():
                yield from _service(setting, node)
            case Worker():
                yield from _worker(setting, node)
            case Schedule() if needs_scheduler(node):
                yield _refused(
                    setting, "R0819", node, f"{label(node)} keeps time itself, and a function cannot",
                    found=f"every {node.every_seconds:g} s; EventBridge starts at most once a minute",
                    effect="it would run once a minute at most",
                    advice='write every="1 minute", and let one run do the work of a minute',
                )  # fmt: skip
            case _:
                continue
    for process in setting.processes:
        if not isinstance(process, Router):
            yield from _mounts(setting, process)
    yield from _routes(setting)
    yield from _firewall(setting)


def _beside(setting: Setting) -> Iterator[Finding]:
    """The workers that ask for a function, and cannot be one."""
    for node in setting.graph.of(Worker):
        if not setting.is_function(node.name):
            continue
        yield from _worker(setting, node)
        yield from _mounts(setting, node)
        called = [edge.target for edge in setting.graph.edges_from(node.name) if edge.verb == "call"]
        if setting.rung == "host" and called:
            yield _refused(
                setting, "R0820", node, f"{label(node)} calls what is inside of the machines",
                found=f"a function that calls {', '.join(called)}; only their own proxy has an address there",
                effect="the call would find nobody",
                advice="send to a queue, whose worker calls it; or let it run on the machines",
            )  # fmt: skip


def _refused(
    setting: Setting, code: str, node: Node, message: str, *, found: str, effect: str, advice: str
) -> Finding:
    able, where = "the rungs fargate and eks can: rung='fargate'", "the rung serverless"
    if setting.rung in FUNCTIONS_BESIDE:
        able, where = 'drop compute="lambda": the rung can run it like the others', 'compute="lambda"'
    return problem(
        setting.graph, code, node.name, f"{message} ({where})", found=found, effect=effect,
        advice=f"{advice}; {able}", related=(setting.environment.name,),
    )  # fmt: skip


def _service(setting: Setting, node: Service) -> Iterator[Finding]:
    if node.deadline_seconds > LONGEST_ANSWER_SECONDS:
        yield _refused(
            setting, "R0817", node, f"{label(node)} may take longer than an HTTP API waits",
            found=f"deadline {node.deadline_seconds:g} s; {LONGEST_ANSWER_SECONDS} s are the most there",
            effect="the visitor is told 503 while the function still runs, and is paid for",
            advice=f'write deadline="{LONGEST_ANSWER_SECONDS}s", and hand what takes longer to a worker',
        )  # fmt: skip
    yield from _size(setting, node)
    callers = setting.graph.edges_to(node.name, "call")
    if callers:
        names = ", ".join(dict.fromkeys(edge.source for edge in callers))
        yield _refused(
            setting, "R0820", node, f"{label(node)} is called by name, and a function has none",
            found=f"called by {names}; inside of a network, a function has no address",
            effect="the call would find nobody",
            advice="call the code in the same process, or send to a queue whose worker does it",
        )  # fmt: skip


def _worker(setting: Setting, node: Worker) -> Iterator[Finding]:
    queue = setting.graph.by_name.get(node.consumes)
    if node.deadline_seconds > LONGEST_SECONDS - MARGIN_SECONDS:
        yield _refused(
            setting, "R0817", node, f"{label(node)} may take longer than a function runs",
            found=f"deadline {node.deadline_seconds:g} s; Lambda ends a function after {LONGEST_SECONDS} s",
            effect="it would be cut off in the middle, and the message tried again, and again",
            advice="split the work into messages of minutes, or let it run as a job(...), which may take hours",
        )  # fmt: skip
    if node.handler is None:
        yield _refused(
            setting, "R0819", node, f"{label(node)} asks its queue itself, and a function cannot",
            found=f"command={' '.join(node.command or ())!r}: a program that waits for messages and never ends",
            effect="it would be ended every quarter of an hour, and paid for every second",
            advice='name the function that handles one message: handler="package.module:handle"',
        )  # fmt: skip
    elif isinstance(queue, Queue) and setting.in_postgres(queue):
        yield _refused(
            setting, "R0819", node, f"nobody starts {label(node)}: its queue is a table",
            found=f'the queue "{queue.name}" has broker={queue.broker!r}; SQS starts functions, Postgres does not',
            effect="its messages would wait for ever",
            advice='drop broker=, or write broker="sqs"',
        )  # fmt: skip
    yield from _size(setting, node)


def _size(setting: Setting, node: Service | Worker) -> Iterator[Finding]:
    cpu = node.cpu or 0.0
    memory = max(node.memory_mib or 0, 0 if isinstance(node, Service) else cpu * MIB_PER_VCPU)
    if memory > MOST_MIB:
        asked = f"memory={node.memory_mib:,} MiB" if node.memory_mib else f"cpu={cpu:g}"
        yield _refused(
            setting, "R0821", node, f"{label(node)} is too large for a function",
            found=f"{asked}; {MOST_MIB:,} MiB are the most, and give {MOST_MIB / MIB_PER_VCPU:.1f} vCPU",
            effect="AWS refuses to create it",
            advice="a function serves one request at a time: ask for what one needs",
        )  # fmt: skip


def _mounts(setting: Setting, node: Node) -> Iterator[Finding]:
    targets = dict.fromkeys(edge.target for edge in setting.graph.edges_from(node.name))
    files = [each for each in map(setting.graph.by_name.get, targets) if isinstance(each, Files)]
    outside = [each for each in files if not each.mount.startswith(MOUNT_FOLDER)]
    if len(files) > 1 or outside:
        listed = ", ".join(f'"{each.name}" at {each.mount}' for each in files)
        yield _refused(
            setting, "R0821", node, f"{label(node)} mounts what a function cannot",
            found=f"{listed}; Lambda mounts one file system, below {MOUNT_FOLDER}",
            effect="AWS refuses to create it",
            advice=f'keep objects in a bucket(...); or mount="{MOUNT_FOLDER}…", one for each process',
        )  # fmt: skip


def _routes(setting: Setting) -> Iterator[Finding]:
    for route in setting.routes:
        if not isinstance(setting.graph.by_name.get(route.target), Service):
            continue
        if route.sticky:
            yield _refused(
                setting, "R0818", route, f"{label(route)} keeps visitors at one process; a function keeps nobody",
                found=f"sticky=True on {route.path}: a WebSocket, a stream, or state in memory",
                effect="every request may reach another environment, and a connection cannot stay open",
                advice="keep state in a cache or a table and drop sticky=True; WebSockets need a process",
            )  # fmt: skip
        if route.host is not None:
            yield _refused(
                setting, "R0820", route, f"{label(route)} is chosen by its host, and an HTTP API chooses by path",
                found=f"host={route.host!r} on {route.path}", effect="other hosts would reach it too",
                advice="give the path a prefix of its own",
            )  # fmt: skip


def _firewall(setting: Setting) -> Iterator[Finding]:
    environment = setting.environment
    if environment.firewall and environment.distribution is False and not has_distribution(setting):
        yield problem(
            setting.graph, "R0805", environment.name, "a firewall cannot stand before an HTTP API",
            found="firewall=True, distribution=False: AWS WAF guards CloudFront, not HTTP APIs",
            effect="it would see no request", advice="drop distribution=False, or drop firewall=True",
        )  # fmt: skip


def _no_way_out(setting: Setting) -> Iterator[Finding]:
    if setting.environment.nat == "none":
        yield problem(
            setting.graph, "R0822", setting.environment.name, "the machines of the cluster have no way out",
            found='nat="none" on the rung eks: machines join through EKS, EC2 and STS, and pull images of add-ons',
            effect="no machine would ever join the cluster",
            advice='drop nat=, or write nat="single"; rung="fargate" lives without one',
        )  # fmt: skip
