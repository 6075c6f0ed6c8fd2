"""The manifests of AWS Copilot become a workload file: services, workers, jobs, sites, environments, the pipeline.

Copilot's users lost their tool in June 2026. What their manifests say is in the reference of manifests
(aws.github.io/copilot-cli/docs/manifest); what they do not say (who may talk to a database that an addon made) is
left for a person, with a finding for each.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rung.errors import Finding, Location, ModelError
from rung.importers.copilot_parts import (
    alias_of,
    counts,
    every_or_cron,
    health_of,
    repository_of,
    size,
    worker_facts,
)
from rung.importers.documents import Yaml, listing, mapping, read_yaml
from rung.importers.draft import Call, Draft, Name, Value, node_name
from rung.importers.reading import command_text, dockerfile_command, exposed_port, is_secret

PRODUCTION = frozenset({"production", "prod", "live"})
LEFT = ("sidecars", "taskdef_overrides", "env_file", "observability", "logging", "entrypoint_overrides", "nlb")


@dataclass(slots=True)
class Import:
    """The state of one import: the draft, the manifests by name, and what each became."""

    root: Path
    draft: Draft
    manifests: dict[str, Yaml]
    nodes: dict[str, Name] = field(default_factory=dict)
    secrets: dict[str, Name] = field(default_factory=dict)
    #: Topic, as `service/topic`, to the queues of the workers that listen.
    topics: dict[str, list[Name]] = field(default_factory=dict)


def import_copilot(folder: Path) -> tuple[str, tuple[Finding, ...]]:
    """The text of a workload file, and what could not be carried over. Raises ModelError (R1051, R1062)."""
    root = folder if folder.name == "copilot" else folder / "copilot"
    if not root.is_dir():
        root = folder
    files = sorted(root.glob("*/manifest.y*ml"))
    if not files:
        raise ModelError(
            Finding(
                code="R1062", severity="error", message=f"there are no manifests below {folder}",
                location=Location(file=str(folder), line=1), found="no copilot/*/manifest.yml",
                help="name the folder that holds copilot/",
            )
        )  # fmt: skip
    manifests = {
        str(each.content.get("name") or Path(each.file).parent.name): each for each in map(read_yaml, files)
    }
    state = Import(root=root, draft=Draft(_application(root), "Copilot's manifests"), manifests=manifests)
    state.draft.repository = _repository(root)
    _queues(state)
    for name, yaml in manifests.items():
        _workload(state, name, yaml)
    _addons(state)
    _environments(state)
    return state.draft.text(), tuple(state.draft.findings)


def _application(root: Path) -> str:
    workspace = root / ".workspace"
    found = (
        re.search(r"application:\s*(\S+)", workspace.read_text(encoding="utf-8")) if workspace.is_file() else None
    )
    return found[1] if found else root.resolve().parent.name


def _repository(root: Path) -> str | None:
    for file in sorted(root.glob("pipelines/*/manifest.y*ml")) + sorted(root.glob("pipeline.y*ml")):
        found = repository_of(read_yaml(file).content)
        if found:
            return found
    return None


def _queues(state: Import) -> None:
    """A queue for each worker: what it subscribes to arrives there."""
    for name, yaml in state.manifests.items():
        if yaml.content.get("type") != "Worker Service":
            continue
        arguments, lines = worker_facts(yaml.content)
        call = state.draft.declare("messages", "queue", f"{name}-queue", **arguments)
        queue = Name(call.variable or "")
        state.nodes[f"queue {name}"] = queue
        for topic in lines:
            state.topics.setdefault(topic, []).append(queue)
        if not lines:
            call.arguments["filled_by"] = "external"
            call.arguments.pop("filled_by")


def _workload(state: Import, name: str, yaml: Yaml) -> None:
    match yaml.content.get("type"):
        case "Load Balanced Web Service" | "Backend Service" | "Request-Driven Web Service":
            _service(state, name, yaml)
        case "Worker Service":
            _worker(state, name, yaml)
        case "Scheduled Job":
            _job(state, name, yaml)
        case "Static Site":
            _site(state, name, yaml)
        case other:
            state.draft.find(
                "R1060", f'"{name}" has a type that is not known: {other}', yaml.location("type"),
                found=str(other), effect="it is left out", help="declare it by hand",
            )  # fmt: skip
            return
    _left_behind(state, name, yaml)


def _service(state: Import, name: str, yaml: Yaml) -> None:
    content = yaml.content
    image, http = mapping(content.get("image")), mapping(content.get("http"))
    health = health_of(http, image)
    if health is None:
        state.draft.find(
            "R1059", f'nothing says how to ask whether "{name}" works', yaml.location("http"),
            effect="the load balancer asks /health, and a service that does not know it is called unhealthy",
            help='say health="/..." with a path that answers without asking the database', severity="note",
        )  # fmt: skip
    port = image.get("port")
    known = exposed_port(*_dockerfile(state, image))
    arguments: dict[str, Value] = {
        "command": _command(state, name, yaml), "port": port if isinstance(port, int) else known or 8000,
        "health": health or "/health", **_common(state, name, yaml),
    }  # fmt: skip
    call = state.draft.declare("runs", "service", name, **arguments)
    state.nodes[name] = Name(call.variable or "")
    if content.get("type") != "Backend Service" and content.get("http") is not False:
        _route(state, call, http)
    else:
        state.draft.find(
            "R1060", f'who calls "{name}" is not known', yaml.location("type"), severity="note",
            effect="an edge that is not in the workload file is denied: nobody reaches it",
            help=f"{call.variable}.call in the uses of whoever calls it",
        )  # fmt: skip


def _route(state: Import, service: Call, http: dict[str, Any]) -> None:
    path = "/" + str(http.get("path") or "/").strip("/")
    route = state.draft.declare("routes", "route", f"{service.name}-route", **_given(
        host=alias_of(http), sticky=True if http.get("stickiness") is True else None,
    ))  # fmt: skip
    route.name, route.variable = ("/*" if path == "/" else f"{path}/*"), None
    route.positional = (Name(service.variable or ""),)


def _worker(state: Import, name: str, yaml: Yaml) -> None:
    count = mapping(mapping(yaml.content.get("count")).get("queue_delay"))
    arguments: dict[str, Value] = {
        "command": _command(state, name, yaml), "consumes": state.nodes[f"queue {name}"],
        **_given(acceptable_latency=count.get("acceptable_latency"), processing_time=count.get("msg_processing_time")),
        **_common(state, name, yaml),
    }  # fmt: skip
    call = state.draft.declare("runs", "worker", name, **arguments)
    state.nodes[name] = Name(call.variable or "")
    if not any(state.nodes[f"queue {name}"] in queues for queues in state.topics.values()):
        state.draft.find(
            "R1060", f'nobody is known to send to the queue of "{name}"', yaml.location("subscribe"),
            effect="the queue has no sender", help=f'{state.nodes[f"queue {name}"].text}.filled_by("external")',
        )  # fmt: skip


def _job(state: Import, name: str, yaml: Yaml) -> None:
    # YAML 1.1 reads the word `on` as true.
    moments = {str(key): value for key, value in yaml.content.items()}
    schedule = str(mapping(moments.get("True") or moments.get("on")).get("schedule") or "none")
    arguments: dict[str, Value] = {"command": _command(state, name, yaml)}
    times = every_or_cron(schedule)
    common = _common(state, name, yaml)
    timeout = yaml.content.get("timeout")
    if times is None:
        method = "job"
        if schedule != "none":
            state.draft.find(
                "R1060", f'the times of "{name}" are not understood: {schedule}', yaml.location("on", "schedule"),
                effect="it became a job that somebody starts", help='schedule(every="1 hour") or schedule(cron="...")',
            )  # fmt: skip
    else:
        method = "schedule"
        arguments |= times
        common = {key: value for key, value in common.items() if key in ("uses", "variables")}
    common = {key: value for key, value in common.items() if key not in ("min_tasks", "max_tasks")}
    call = state.draft.declare("runs", method, name, **arguments, **_given(deadline=_duration(timeout)), **common)
    state.nodes[name] = Name(call.variable or "")


def _site(state: Import, name: str, yaml: Yaml) -> None:
    files = [mapping(each) for each in listing(yaml.content.get("files"))]
    source = str(files[0].get("source") or "dist") if files else "dist"
    call = state.draft.declare("runs", "site", name, path=source)
    route = state.draft.declare(
        "routes", "route", f"{name}-route", **_given(host=alias_of(mapping(yaml.content.get("http"))))
    )
    route.name, route.variable, route.positional = "/*", None, (Name(call.variable or ""),)
    if len(files) > 1 or not (state.root.parent / source).is_dir():
        state.draft.find(
            "R1060", f'the files of "{name}" need a look', yaml.location("files"), severity="note",
            found=", ".join(str(each.get("source")) for each in files), effect=f"the site is the folder {source}",
            help="a site is one folder, relative to the workload file; it must exist",
        )  # fmt: skip


def _common(state: Import, name: str, yaml: Yaml) -> dict[str, Value]:
    """Sizes, numbers, variables and uses."""
    content = yaml.content
    uses: list[Value] = [*_secrets(state, yaml), *_sends(state, name, content)]
    variables: dict[str, Value] = {}
    for key, value in mapping(content.get("variables")).items():
        if isinstance(value, dict):
            state.draft.find(
                "R1060", f'{key} of "{name}" comes from a stack of CloudFormation', yaml.location("variables", key),
                found="from_cfn", effect="it is left out", help="name what it stood for in uses=[...]",
            )  # fmt: skip
        elif not is_secret(key) and value is not None:
            variables[key] = "true" if value is True else "false" if value is False else str(value)
    return _given(
        uses=uses or None, **counts(content.get("count")), **size(content), variables=variables or None
    )  # fmt: skip


def _secrets(state: Import, yaml: Yaml) -> list[Value]:
    found: list[Value] = []
    named = [
        *mapping(yaml.content.get("secrets")),
        *(key for key in mapping(yaml.content.get("variables")) if is_secret(key)),
    ]
    for key in named:
        if key not in state.secrets:
            call = state.draft.declare("secrets", "secret", key)
            state.secrets[key] = Name(call.variable or "")
            state.draft.find(
                "R1052", f"{key} is a secret: its value was left where it is", yaml.location("secrets", key),
                found=key, effect="the process reads it as a file or by rung.runtime.secret, not from a variable",
                help=f'rung.runtime.secret("{call.name}"); existing="..." names one that is in Secrets Manager',
            )  # fmt: skip
        found.append(state.secrets[key])
    return found


def _sends(state: Import, name: str, content: Any) -> list[Value]:
    """A topic with its subscribers is a send to each of their queues."""
    found: dict[str, Value] = {}
    for topic in listing(mapping(content.get("publish")).get("topics")):
        for queue in state.topics.get(f"{name}/{mapping(topic).get('name')}", []):
            found[queue.text] = Name(f"{queue.text}.send")
    return list(found.values())


def _command(state: Import, name: str, yaml: Yaml) -> str:
    content = yaml.content
    said = command_text(content.get("entrypoint"), content.get("command"))
    said = said or dockerfile_command(*_dockerfile(state, mapping(content.get("image"))))
    if not said:
        state.draft.find(
            "R1063", f'nothing says how "{name}" is started', yaml.location("image"),
            found=str(mapping(content.get("image")).get("location") or "its image"),
            effect="the command in the workload file is a placeholder that does not exist",
            help="write the command that its image starts",
        )  # fmt: skip
    return said or f"start-{node_name(name)}"


def _dockerfile(state: Import, image: dict[str, Any]) -> tuple[Path, str]:
    build = image.get("build")
    named = mapping(build).get("dockerfile") if isinstance(build, dict) else build
    return state.root.parent, str(named or "Dockerfile")


def _left_behind(state: Import, name: str, yaml: Yaml) -> None:
    for key in LEFT:
        if key in yaml.content:
            state.draft.find(
                "R1060", f'{key} of "{name}" is not carried over', yaml.location(key), severity="note",
                effect="it is left out", help="logs, traces and alarms come with every rung; the rest is declared by hand",
            )  # fmt: skip
    for environment, changes in mapping(yaml.content.get("environments")).items():
        if changes:
            state.draft.find(
                "R1060", f'what differs for "{name}" in {environment} is not carried over',
                yaml.location("environments", environment), found=", ".join(mapping(changes)),
                effect="it runs there as everywhere", help=f'overrides={{...}} of environment("{environment}", ...)',
            )  # fmt: skip


def _addons(state: Import) -> None:
    for file in sorted(state.root.glob("*/addons/*.y*ml")) + sorted(state.root.glob("environments/addons/*.y*ml")):
        text = file.read_text(encoding="utf-8", errors="replace")
        kinds = sorted(set(re.findall(r"AWS::[A-Za-z0-9]+::[A-Za-z0-9]+", text)) - {"AWS::IAM::ManagedPolicy"})
        state.draft.find(
            "R1060", f"the addon {file.parent.parent.name}/{file.stem} is not carried over",
            Location(file=str(file), line=1), found=", ".join(kinds[:5]) or "a template",
            effect="what it made stays in AWS, and is not known here",
            help="declare it: postgres, cache, bucket, table; existing= names one that goes on being used",
        )  # fmt: skip


def _environments(state: Import) -> None:
    files = sorted(state.root.glob("environments/*/manifest.y*ml"))
    for file in files:
        yaml = read_yaml(file)
        name = str(yaml.content.get("name") or file.parent.name)
        network = mapping(mapping(yaml.content.get("network")).get("vpc"))
        call = state.draft.declare("environments", "environment", name)
        call.variable = None
        if network.get("id"):
            state.draft.imports.add("ExistingVpc")
            call.arguments["existing_vpc"] = Name(_existing(network))
        if mapping(yaml.content).get("cdn") or isinstance(yaml.content.get("cdn"), dict):
            call.arguments["distribution"] = True
        if name in PRODUCTION or name.startswith("prod"):
            call.arguments["production"] = True
            _notify(state, name, yaml)


def _notify(state: Import, environment: str, yaml: Yaml) -> None:
    """Copilot knows no recipient of alarms; a production environment without one is refused."""
    state.draft.find(
        "R1060", f'nobody is told about alarms in "{environment}"', yaml.location("name"),
        effect="the address in the workload file is an example, and reaches nobody",
        help=f'{state.draft.variable}.notify("email:...") with an address that somebody reads',
    )  # fmt: skip
    if not any(call.method == "notify" for call in state.draft.calls):
        call = state.draft.declare("environments", "notify", "recipient")
        call.name, call.variable = "email:oncall@example.com", None
        call.comment = "Write an address that somebody reads."


def _existing(network: dict[str, Any]) -> str:
    subnets = mapping(network.get("subnets"))
    words = [f'vpc_id="{network["id"]}"']
    for tier in ("public", "private"):
        ids = [str(mapping(each).get("id")) for each in listing(subnets.get(tier)) if mapping(each).get("id")]
        if ids:
            words.append(f"{tier}=[{', '.join(repr(each).replace(chr(39), chr(34)) for each in ids)}]")
    return "ExistingVpc(\n        " + ",\n        ".join(words) + ",\n    )"


def _duration(value: object) -> str | None:
    return str(value) if isinstance(value, str) and re.fullmatch(r"(?:\d+(?:h|m|s))+", value) else None


def _given(**arguments: Any) -> dict[str, Value]:
    return {key: value for key, value in arguments.items() if value is not None}
