"""How each process is started in its container: the command, and the environment with one binding for each edge.

The commands are those of `rung dev` with a port and a host that a load balancer can reach. Bindings name secrets
by their ARN and never hold one.
"""

from __future__ import annotations

from rung.model.edges import Use
from rung.model.graph import bindings_of
from rung.model.nodes import (
    Bucket,
    Bus,
    Cache,
    External,
    Files,
    Job,
    Node,
    Postgres,
    Queue,
    Schedule,
    Search,
    Secret,
    Service,
    Table,
    Worker,
    Workflow,
)
from rung.parts.compute import Mount, Variable
from rung.parts.values import Document, Reference, Sequence, Value
from rung.rungs import boxed
from rung.rungs.boxed import Running, bound, pool_share, workers_of
from rung.rungs.brokers import NEVER_DEAD, broker_of, fields_of, place_on_aws
from rung.rungs.clock import needs_scheduler
from rung.rungs.existing import database_name
from rung.rungs.messages import visibility_of
from rung.rungs.reach import CACHE_PORT, HTTPS_PORT, database_port, port_of
from rung.rungs.routers import DELIVERY_SECONDS, MARGIN_SECONDS, Router, deliveries_part, rules_document
from rung.rungs.setting import FUNCTIONS_BESIDE, Setting, approval_part, credentials_part

#: Every address of the container: the load balancer comes from outside of it.
EVERY_ADDRESS = "0.0.0.0"  # noqa: S104 - security groups decide who reaches the port
#: What the executor gives the steps that run (`ExecutorSettings.drain_seconds`).
WORKFLOW_DRAIN_SECONDS = 25.0


def command_of(node: Running, cpu: float = 1.0, *, stays: bool = False) -> tuple[str, ...]:
    """The command line of a process; the words of a `command=` as they are, with its port filled in.

    `stays`: a schedule keeps time itself, since no clock outside starts it.
    """
    match node:
        case Service():
            return _service(node, cpu)
        case Worker():
            return _worker(node)
        case Schedule() | Job():
            if node.handler is None:
                return node.command or ()
            if isinstance(node, Schedule) and (stays or needs_scheduler(node)):
                return (
                    "python", "-m", "rung.runtime.schedule", "--name", node.name, "--expression",
                    node.cron or f"{node.every_seconds:g}s", "--timezone", node.timezone,
                    "--handler", node.handler,
                    "--deadline-seconds", f"{node.deadline_seconds:g}",
                )  # fmt: skip
            return (
                "python", "-m", "rung.runtime.job", "--name", node.name, "--handler", node.handler,
                "--deadline-seconds", f"{node.deadline_seconds:g}",
                *(("--exclusive",) if isinstance(node, Schedule) else ()),
            )  # fmt: skip
        case Workflow():
            return (
                "python", "-m", "rung.runtime.workflow", "--name", node.name, "--handler", node.handler,
                "--concurrency", str(node.concurrency),
            )  # fmt: skip
        case Router():
            relays = ("--relay",) if node.relays else ()
            return ("python", "-m", "rung.runtime.bus", "--name", node.bus, *relays)


def drain_seconds(node: Running) -> float:
    """How long a process may take to end what it has begun: a workflow's runs go on elsewhere, its steps end."""
    match node:
        case Workflow():
            return WORKFLOW_DRAIN_SECONDS
        case Router():
            return DELIVERY_SECONDS
        case _:
            return node.deadline_seconds


def started(setting: Setting, node: Running, words: tuple[str, ...]) -> tuple[str, ...]:
    """The words of a process; those of a program that is not rung's behind what gives it its URLs.

    Its databases and caches are bound without passwords: `rung.runtime.start` reads them and becomes the program.
    """
    if not words or getattr(node, "handler", None) or getattr(node, "app", None):
        return words
    used = [setting.graph.node(use.target) for use in bindings_of(setting.graph, node.name)]
    if not any(isinstance(target, Postgres | Cache | Secret) for target in used):
        return words
    database = next((("--database", each.name) for each in used if isinstance(each, Postgres)), ())
    cache = next((("--cache", each.name) for each in used if isinstance(each, Cache)), ())
    return ("python", "-m", "rung.runtime.start", *database, *cache, "--", *words)


def _service(node: Service, cpu: float) -> tuple[str, ...]:
    port = str(port_of(node))
    if node.app is None:
        words = node.command or ()
        return tuple(word.replace("{port}", port).replace("$PORT", port) for word in words)
    return (
        "python", "-m", "rung.runtime.serve", "--app", node.app, "--host", EVERY_ADDRESS, "--port", port,
        "--workers", str(workers_of(cpu)), "--name", node.name, "--health", node.health or "/health",
    )  # fmt: skip


def _worker(node: Worker) -> tuple[str, ...]:
    if node.handler is None:
        return node.command or ()
    lanes = ("--lanes", ",".join(node.lanes)) if node.lanes else ()
    return (
        "python", "-m", "rung.runtime.worker", "--name", node.name, "--queue", node.consumes,
        "--handler", node.handler, *lanes, "--concurrency", str(node.concurrency),
        "--deadline-seconds", f"{node.deadline_seconds:g}", "--batch", str(node.batch),
    )  # fmt: skip


def variables_of(setting: Setting, node: Running, cpu: float = 1.0) -> tuple[Variable, ...]:
    """The environment of a process's container, in a fixed order."""
    values: dict[str, Value] = {
        "RUNG_WORKLOAD": setting.graph.name,
        "RUNG_ENVIRONMENT": setting.environment.name,
        "RUNG_NODE": node.name,
        "RUNG_LOG_FORMAT": "json",
    }
    if isinstance(node, Service):
        values.update(_http(setting))
        if node.app is None:
            values["PORT"] = str(port_of(node))
    if isinstance(node, Workflow) or (isinstance(node, Router) and not node.relays):
        values["RUNG_FIGURES"] = "cloudwatch"
    if isinstance(node, Router):
        values["RUNG_BUS_RULES"] = rules_document(setting.graph, node)
        if node.relays:
            values |= _deliveries(setting, node)
    for use in bindings_of(setting.whole, node.name):
        local = boxed.binding_of(setting, node, use, cpu) if setting.rung == "box" else None
        values.update(_binding(setting, node, use, cpu) if local is None else local)
    values.update({variable.name: variable.value for variable in node.variables})
    return tuple(Variable(name=name, value=value) for name, value in values.items())


def mounts_of(setting: Setting, node: Running) -> tuple[Mount, ...]:
    """The shared file systems of a process, each where its node says."""
    found = []
    for use in bindings_of(setting.graph, node.name):
        target = setting.graph.node(use.target)
        if isinstance(target, Files):
            found.append(Mount(file_system=target.name, path=target.mount, read_only="write" not in use.verbs))
    return tuple(found)


def _http(setting: Setting) -> dict[str, Value]:
    """Which paths have metrics of their own, and which are refused last."""
    objectives, traffic = setting.graph.objectives, setting.graph.traffic
    paths = [each.path for each in objectives.routes] if objectives else []
    paths += [each.path for each in traffic.routes] if traffic else []
    critical = objectives.critical if objectives else ()
    texts = {
        "RUNG_HTTP_ROUTES": ",".join(dict.fromkeys(path.rstrip("*") for path in paths)),
        "RUNG_HTTP_PRIORITIES": ",".join(f"{path}=critical" for path in critical),
    }
    return {name: text for name, text in texts.items() if text}


def _binding(setting: Setting, node: Running, use: Use, cpu: float) -> dict[str, Value]:
    target = setting.graph.node(use.target)
    prefix = target.name.upper().replace("-", "_")
    match target:
        case Files():
            return {f"{prefix}_PATH": target.mount}
        case Service():
            url = service_url(setting, target)
            return {**bound(prefix, kind="service", url=url), f"{prefix}_URL": url}
        case Postgres():
            return bound(
                prefix, kind="postgres", url=database_url(setting, target.name),
                credentials_secret=Reference(part=credentials_part(target.name, node.name), output="arn"),
                pool_size=1 if _is_single(setting, node) else pool_share(node, target, cpu),
                statement_timeout_seconds=target.statement_timeout_seconds,
                tenant_scoped=target.tenancy is not None and target.tenancy.mode == "rls",
                **({"tenant_map": True} if target.tenancy is not None and target.tenancy.tiers else {}),
            )  # fmt: skip
        case Queue():
            return bound(prefix, **_queue(setting, node, use, target))
        case Cache() if there := setting.existing_cache(target.name):
            url = f"{'rediss' if there.tls else 'redis'}://{there.host}:{there.port}/0"
            login = {"credentials_secret": there.credentials} if there.credentials else {}
            return bound(prefix, kind="cache", url=url, **login, region=setting.region)
        case Cache():
            endpoint = Reference(
                part=target.name, output="endpoint", prefix="rediss://", suffix=f":{CACHE_PORT}/0"
            )
            user = Reference(part=target.name, output="user_name")
            group = Reference(part=target.name, output="replication_group_id")
            return bound(
                prefix, kind="cache", url=endpoint, user=user, replication_group=group, region=setting.region
            )
        case Bucket():
            name = Reference(part=target.name, output="name")
            lists: dict[str, Value] = {} if "list" in use.verbs else {"lists": False}
            return bound(prefix, kind="bucket", name=name, region=setting.region, **lists)
        case _:
            return _aws_binding(setting, node, target, prefix)


def _is_single(setting: Setting, node: Running) -> bool:
    """Whether each copy of it has one connection: an environment of Lambda."""
    return setting.rung == "serverless" or setting.is_function(node.name)


def _aws_binding(setting: Setting, node: Running, target: Node, prefix: str) -> dict[str, Value]:
    arn, name = Reference(part=target.name, output="arn"), Reference(part=target.name, output="name")
    match target:
        case Secret():
            return bound(prefix, kind="secret", source="secretsmanager", arn=arn, region=setting.region)
        case External():
            return bound(prefix, kind="external", host=target.host, port=target.port or HTTPS_PORT)
        case Table():
            keys = {
                "partition_key": target.partition_key, "sort_key": target.sort_key,
                "ttl_attribute": target.ttl_attribute,
            }  # fmt: skip
            given = {key: value for key, value in keys.items() if value is not None}
            return bound(prefix, kind="table", name=name, region=setting.region, **given)
        case Bus():
            place = _outbox_of(setting, node, "outbox_url")
            return bound(prefix, kind="bus", adapter="eventbridge", name=name, region=setting.region, **place)
        case Job():
            return bound(prefix, **_job(setting, target))
        case Workflow():
            return bound(prefix, **_workflow(setting, node, target))
        case Search():
            return {}  # a rung refuses them before it comes here, unless they exist already
        case _:
            raise AssertionError(f"{target.name} is a {target.kind} and cannot be used")


def _workflow(setting: Setting, node: Running, workflow: Workflow) -> dict[str, Value]:
    carrier = setting.carrier()
    assert carrier is not None, "a workflow has a database for its runs"
    return {
        "kind": "workflow", "url": database_url(setting, carrier.name),
        "credentials_secret": Reference(part=credentials_part(carrier.name, node.name), output="arn"),
        "deadline_seconds": workflow.deadline_seconds,
        "approval_key": Reference(part=approval_part(setting), output="arn"),
    }  # fmt: skip


def _job(setting: Setting, job: Job) -> dict[str, Value]:
    """How a job is started: as a task, as a function, or as a Job of the cluster."""
    if setting.rung == "eks":
        name, space = (Reference(part=job.name, output=output) for output in ("name", "namespace"))
        return {"kind": "job", "adapter": "kubernetes", "name": name, "namespace": space}
    if setting.starts_function(job):
        function = Reference(part=job.name, output="arn")
        return {"kind": "job", "adapter": "lambda", "function": function, "region": setting.region}
    definition = Reference(part=job.name, output="task_definition_arn")
    return {"kind": "job", "task_definition": definition, "region": setting.region}


def _visibility(setting: Setting, queue: Queue) -> float:
    """How long it hides a message: as declared, but for one that starts functions beside tasks."""
    consumers = (each.name for each in setting.graph.of(Worker) if each.consumes == queue.name)
    if setting.rung in FUNCTIONS_BESIDE and any(setting.is_function(name) for name in consumers):
        return visibility_of(setting, queue)
    return queue.visibility_timeout_seconds


def _queue(setting: Setting, node: Running, use: Use, queue: Queue) -> dict[str, Value]:
    common, broker = fields_of(queue), broker_of(queue)
    common["visibility_timeout_seconds"] = _visibility(setting, queue)
    if broker is not None:
        beside = _outbox_of(setting, node, "outbox_url", "outbox_credentials_secret")
        return {**place_on_aws(setting, broker), **common, **beside}
    if setting.in_postgres(queue):
        carrier = setting.carrier()
        assert carrier is not None, "a queue in Postgres has a database"
        secret = Reference(part=credentials_part(carrier.name, node.name), output="arn")
        url = database_url(setting, carrier.name)
        return {"kind": "queue", "adapter": "postgres", "url": url, "credentials_secret": secret, **common}
    only = node.lanes if isinstance(node, Worker) and "send" not in use.verbs else ()
    parts, dead_parts = tuple(setting.queue_parts(queue, only)), tuple(setting.dead_letter_parts(queue, only))
    dead = {"dead_letter_urls": _by_lane(dead_parts, "dead_letter_url")} if dead_parts else {}
    urls = _by_lane(parts, "url")
    place = _outbox_of(setting, node, "url")
    return {
        "kind": "queue", "adapter": "sqs", "urls": urls, **dead, **common, "region": setting.region, **place
    }  # fmt: skip


def _deliveries(setting: Setting, router: Router) -> dict[str, Value]:
    """One queue for the relay: a lane for each of its rules. It counts attempts itself."""
    parts = tuple((rule.name, deliveries_part(rule.name)) for rule in router.rules)
    prefix = f"{router.bus}-deliveries".upper().replace("-", "_")
    return bound(
        prefix, kind="queue", adapter="sqs", urls=_by_lane(parts, "url"),
        dead_letter_urls=_by_lane(parts, "dead_letter_url"), region=setting.region,
        lanes=Sequence(items=tuple(lane for lane, _ in parts)), max_receive_count=NEVER_DEAD,
        visibility_timeout_seconds=DELIVERY_SECONDS + MARGIN_SECONDS,
    )  # fmt: skip


def _outbox_of(setting: Setting, node: Running, url: str, login: str = "credentials_secret") -> dict[str, Value]:
    """Where the outbox of what a process sends is, if it has one; `url`, `login`: the binding's fields for it."""
    outbox = setting.outbox(node.name)
    if outbox is None:
        return {}
    secret = Reference(part=credentials_part(outbox.name, node.name), output="arn")
    return {url: database_url(setting, outbox.name), login: secret}


def _by_lane(parts: tuple[tuple[str, str], ...], output: str) -> Document:
    return Document(fields=tuple((lane, Reference(part=part, output=output)) for lane, part in parts))


def database_url(setting: Setting, database: str) -> Reference:
    """Where a database is, without a user or a password."""
    rest = f":{database_port(setting, database)}/{database_name(setting, database)}?sslmode=verify-full"
    return Reference(part=database, output="endpoint", prefix="postgresql://", suffix=rest)


def service_url(setting: Setting, service: Service) -> str:
    """Where another service is: by name, among the machine's containers or in the cluster's zone."""
    if setting.on_machine(service.name):
        return f"http://{service.name}:{port_of(service)}"
    if setting.rung == "eks":
        return f"http://{service.name}.{setting.prefix}.svc.cluster.local:{port_of(service)}"
    return f"http://{service.name}.{namespace_of(setting)}:{port_of(service)}"


def namespace_of(setting: Setting) -> str:
    """The private DNS zone of an environment."""
    return f"{setting.prefix}.internal"
