"""A docker-compose file becomes a workload file: databases and caches by their images, processes by what they do.

What a compose file cannot say (who sends to a queue, how long a message may wait) is left for a person, with a
finding for each; what rung has no node for stays as something outside of the workload.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rung.errors import Finding, Location, ModelError
from rung.importers.compose_services import Service, kind_of, processes_first, read_service
from rung.importers.compose_uses import uses_of
from rung.importers.documents import Yaml, mapping, read_yaml
from rung.importers.draft import Draft, Name, Value, node_name
from rung.importers.reading import is_secret

CARRIED = frozenset({
    "image", "build", "command", "entrypoint", "environment", "env_file", "ports", "expose", "depends_on", "links",
    "healthcheck", "deploy", "scale", "mem_limit", "cpus", "restart", "volumes", "networks", "container_name", "labels",
    "secrets", "logging", "hostname", "stdin_open", "tty", "init", "working_dir", "user", "stop_grace_period",
    "security_opt", "cap_drop", "read_only", "tmpfs", "pull_policy", "platform", "shm_size", "ulimits", "develop",
    "mem_reservation", "pids_limit", "profiles", "configs", "version",
})  # fmt: skip


@dataclass(slots=True)
class Import:
    """The state of one import: the file, the draft, and which service became which node."""

    yaml: Yaml
    draft: Draft
    services: dict[str, Service]
    nodes: dict[str, Name] = field(default_factory=dict)
    celery: Name | None = None
    secrets: dict[str, Name] = field(default_factory=dict)

    def place(self, *path: object) -> Location:
        """The line of a key below `services`."""
        return self.yaml.location("services", *path)


def import_compose(file: Path) -> tuple[str, tuple[Finding, ...]]:
    """The text of a workload file, and what could not be carried over. Raises ModelError (R1051, R1062)."""
    yaml = read_yaml(file)
    declared = mapping(yaml.content.get("services"))
    if not declared:
        raise ModelError(
            Finding(
                code="R1062", severity="error", message=f"{file.name} has no services",
                location=Location(file=str(file), line=1), found=", ".join(map(str, yaml.content)) or "an empty file",
                help="name the compose file of the application",
            )
        )  # fmt: skip
    name = str(yaml.content.get("name") or file.resolve().parent.name)
    draft = Draft(name, file.name)
    services = {key: read_service(key, mapping(value), file.parent) for key, value in declared.items()}
    state = Import(yaml=yaml, draft=draft, services=services)
    _stores(state)
    _queue_of_celery(state)
    for service in processes_first(services):
        _process(state, service)
    draft.fit_pools()
    _routes(state)
    return draft.text(), tuple(draft.findings)


def _stores(state: Import) -> None:
    for name, service in state.services.items():
        match kind_of(service):
            case "postgres":
                version = re.match(r"\d+", service.tag)
                extensions = [
                    word
                    for word, image in (("vector", "pgvector"), ("postgis", "postgis"))
                    if image in service.image
                ]
                call = state.draft.declare("data", "postgres", name, **_given(
                    version=version[0] if version else None, extensions=list(extensions) or None,
                ))  # fmt: skip
                state.nodes[name] = Name(call.variable or "")
            case "cache":
                memory = service.memory or _maxmemory(service.command)
                call = state.draft.declare("data", "cache", name, **_given(memory=memory))
                state.nodes[name] = Name(call.variable or "")
            case "bucket":
                call = state.draft.declare("data", "bucket", name)
                state.nodes[name] = Name(call.variable or "")
            case "search":
                _outside(state, service, "a search engine")
            case "outside":
                _outside(state, service, service.image)
            case "dropped":
                state.draft.find(
                    "R1055", f'"{name}" is not carried over', state.place(name), found=service.image, severity="note",
                    effect="rung brings its own proxy and certificates, and `rung dev` its own tools",
                    help="what it routed is a route of the workload file",
                )  # fmt: skip
            case _:
                continue


def _outside(state: Import, service: Service, what: str) -> None:
    """A server for which there is no node: it goes on being run by somebody, and is reached by its address."""
    port = service.usual_port or service.port
    call = state.draft.declare("outside", "external", service.name)
    call.positional, call.arguments = (), _given(port=port, name=str(call.name))
    call.name = f"{call.name}.example.com"
    state.nodes[service.name] = Name(call.variable or "")
    state.draft.find(
        "R1053", f'"{service.name}" has no node in a workload: {what}', state.place(service.name), found=service.image,
        effect="it stays outside: nothing is created for it, and processes may reach its address",
        help="write its real address into external(...), or move to a store that rung has: postgres, cache, bucket",
    )  # fmt: skip


def _queue_of_celery(state: Import) -> None:
    """One queue for what Celery and its like send through a broker that they manage themselves."""
    workers = [each for each in state.services.values() if kind_of(each) == "worker"]
    if not workers:
        return
    call = state.draft.declare("messages", "queue", "tasks", broker="redis")
    call.comment = (
        "Carried by the workers' own library; `rung.runtime.queue` would make it a queue of this workload."
    )
    state.celery = Name(call.variable or "")
    state.draft.find(
        "R1054", f'"{workers[0].name}" takes its messages from a broker that compose does not name',
        state.place(workers[0].name, "command"), found=workers[0].command or workers[0].image,
        effect="who sends to the queue is guessed: every service that shares the worker's image or broker",
        help="correct uses=[tasks.send] where the guess is wrong, and say acceptable_latency=",
    )  # fmt: skip


def _process(state: Import, service: Service) -> None:
    kind = kind_of(service)
    arguments = _given(command=service.command or f"start-{node_name(service.name)}")
    if not service.command:
        state.draft.find(
            "R1063", f'nothing says how "{service.name}" is started', state.place(service.name), found=service.image,
            effect="the command in the workload file is a placeholder that does not exist",
            help="write the command that its image starts",
        )  # fmt: skip
    method, section_name = ("service", service.name) if kind == "service" else (kind, service.name)
    if kind == "service":
        arguments |= _given(port=service.port or service.usual_port or 8000, health=service.health or "/health")
        if service.health is None:
            state.draft.find(
                "R1059", f'nothing says how to ask whether "{service.name}" works', state.place(service.name),
                effect="the load balancer asks /health, and a service that does not know it is called unhealthy",
                help='say health="/..." with a path that answers without asking the database', severity="note",
            )  # fmt: skip
    if kind == "job":
        arguments["on_first_start"] = True
    if kind == "worker" and state.celery:
        arguments["consumes"] = state.celery
    uses = uses_of(state, service)
    if uses:
        arguments["uses"] = uses
    arguments |= _sizes(service, kind)
    variables = _variables(state, service)
    if variables:
        arguments["variables"] = variables
    call = state.draft.declare("runs", method, section_name, **arguments)
    call.comment = service.remark
    state.nodes[service.name] = Name(call.variable or "")
    _left_behind(state, service)


def _sizes(service: Service, kind: str) -> dict[str, Value]:
    tasks = service.replicas if kind in ("service", "worker") else None
    if service.single:
        return _given(min_tasks=1, max_tasks=1, memory=service.memory, cpu=service.cpu)
    most = max(4, tasks * 2) if tasks and tasks > 2 else None
    return _given(min_tasks=tasks if tasks and tasks > 1 else None, max_tasks=most, memory=service.memory,
                  cpu=service.cpu if kind != "schedule" else None)  # fmt: skip


def _variables(state: Import, service: Service) -> dict[str, Value]:
    """Plain variables stay; addresses of nodes are given by rung; secrets and unknown values are left out."""
    kept: dict[str, Value] = {}
    for name, text in service.environment.items():
        place = state.place(service.name, "environment", name)
        if text is None or "${" in text or re.search(r"(?<!\$)\$[A-Za-z_]", text):
            _from_outside(state, service, name, place)
        elif (
            not is_secret(name) and not _is_address(state, text) and not re.search(r"://[^/\s:@]*:[^/\s@]+@", text)
        ):
            kept[name] = text
    return kept


def _from_outside(state: Import, service: Service, name: str, place: Location) -> None:
    if is_secret(name):
        return
    state.draft.find(
        "R1057", f'the value of {name} of "{service.name}" is not in the file', place, found="a variable of the shell",
        effect="the process starts without it", help=f'variables={{"{name}": "..."}}, or a secret', severity="note",
    )  # fmt: skip


def _is_address(state: Import, text: str) -> bool:
    """Whether it says where another service is: on AWS that is told by the node's own variables."""
    return any(re.search(rf"(?<![\w.-]){re.escape(name)}(?::\d+|/|$)", text) for name in state.services)


def _left_behind(state: Import, service: Service) -> None:
    unknown = sorted(set(service.raw) - CARRIED)
    if unknown:
        state.draft.find(
            "R1056", f'{", ".join(unknown)} of "{service.name}" cannot be carried over',
            state.place(service.name, unknown[0]), effect="the process runs without it",
            help="containers on AWS have no more rights than their edges give them",
        )  # fmt: skip
    if "env_file" in service.raw:
        state.draft.find(
            "R1057", f'the variables in the env_file of "{service.name}" are not read',
            state.place(service.name, "env_file"), effect="they may be secrets, which belong into no workload file",
            help="plain ones into variables={...}; the others become shop.secret(...) and uses=[...]", severity="note",
        )  # fmt: skip
    if any(each.startswith((".", "/", "~")) for each in service.mounts):
        state.draft.find(
            "R1056", f'folders of this machine that "{service.name}" mounts are not carried over',
            state.place(service.name, "volumes"), effect="the image must hold what they held", severity="note",
            help="COPY them in the Dockerfile; data that must last goes into files(...) or bucket(...)",
        )  # fmt: skip


def _routes(state: Import) -> None:
    """Visitors reach what has a published port, or what the dropped proxy depended on."""
    proxies = [each for each in state.services.values() if kind_of(each) == "dropped" and each.published]
    behind = {name for proxy in proxies for name in proxy.depends_on}
    fronts = [
        each for each in state.services.values()
        if kind_of(each) == "service" and (each.host or each.path or (each.name in behind if behind else each.published))
    ]  # fmt: skip
    if not fronts:
        return
    fronts = sorted(fronts, key=lambda each: (each.is_api, list(state.services).index(each.name)))
    for number, service in enumerate(fronts):
        path, host = service.path or "/*", service.host
        if number and not service.host and not service.path:
            path, host = ("/api/*", None) if service.is_api else ("/*", f"{node_name(service.name)}.example.com")
            state.draft.find(
                "R1058", f'where requests for "{service.name}" come in is a guess', state.place(service.name, "ports"),
                found=f"{len(fronts)} services with a published port", severity="note",
                effect=f"it gets {path}{f' of {host}' if host else ''}", help="correct its route(...)",
            )  # fmt: skip
        call = state.draft.declare("routes", "route", f"r{number}", **_given(host=host))
        call.variable, call.name, call.positional = None, path, (state.nodes[service.name],)


def secret_of(state: Import, name: str, place: Location) -> Name:
    """The node of a secret, declared at its first use. Its value is never read."""
    if name not in state.secrets:
        call = state.draft.declare("secrets", "secret", name)
        state.secrets[name] = Name(call.variable or "")
        state.draft.find(
            "R1052", f"{name} is a secret: its value was left where it is", place, found=name,
            effect="the process reads it as a file or by rung.runtime.secret, not from a variable",
            help=f'rung.runtime.secret("{call.name}"); and replace a value that was committed',
        )  # fmt: skip
    return state.secrets[name]


def _maxmemory(command: str) -> int | None:
    from rung.importers.reading import mebibytes

    found = re.search(r"--maxmemory[= ](\S+)", command)
    return mebibytes(found[1]) if found else None


def _given(**arguments: Any) -> dict[str, Value]:
    return {key: value for key, value in arguments.items() if value is not None}
