"""What a compose service uses: what it depends on, and what its variables name."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from rung.importers.compose_services import Service, kind_of
from rung.importers.draft import Name, Value
from rung.importers.reading import is_secret

if TYPE_CHECKING:
    from rung.importers.compose import Import


def uses_of(state: Import, service: Service) -> list[Value]:
    """The list for `uses=`, each node once: stores and services, the queue, files, secrets."""
    found: dict[str, Name] = {}
    texts = " ".join(text or "" for text in service.environment.values()) + " " + service.command
    for name, other in state.services.items():
        if name == service.name or name not in state.nodes:
            continue
        named = re.search(rf"(?<![\w.-]){re.escape(name)}(?![\w.-])", texts)
        if name in service.depends_on or named:
            node = state.nodes[name]
            kind = kind_of(other)
            if kind == "service":
                found[f"{node.text}.call"] = Name(f"{node.text}.call")
            elif kind not in ("worker", "job"):
                found[node.text] = node
    if state.celery and kind_of(service) in ("service", "worker") and _sends(state, service):
        found["send"] = Name(f"{state.celery.text}.send")
    found.update(_files(state, service))
    found.update(_secrets(state, service))
    return list(found.values())


def _sends(state: Import, service: Service) -> bool:
    """It is built like the worker, starts the worker's work on time, or talks to the same broker."""
    workers = [each for each in state.services.values() if kind_of(each) == "worker"]
    same = any(
        service.raw.get("build") == each.raw.get("build") and service.image == each.image for each in workers
    )
    shared = any(set(service.depends_on) & set(each.depends_on) for each in workers)
    return same or shared


def _files(state: Import, service: Service) -> dict[str, Name]:
    """Named volumes of processes: a file system that several tasks may share."""
    found: dict[str, Name] = {}
    for volume, target in service.volumes.items():
        key = f"volume {volume}"
        if key not in state.nodes:
            call = state.draft.declare("data", "files", volume, mount=target)
            state.nodes[key] = Name(call.variable or "")
        found[key] = state.nodes[key]
    return found


def _secrets(state: Import, service: Service) -> dict[str, Name]:
    """Variables that are named like secrets, and the secrets that compose itself mounts."""
    from rung.importers.compose import secret_of

    found: dict[str, Name] = {}
    stores = {name for name, other in state.services.items() if kind_of(other) == "postgres"}
    for name in service.environment:
        place = state.place(service.name, "environment", name)
        if is_secret(name) and not (stores and re.match(r"(?:POSTGRES|PG|DB|DATABASE)_?PASS", name.upper())):
            found[name] = secret_of(state, name, place)
    mounted = service.raw.get("secrets")
    for each in mounted if isinstance(mounted, list) else []:
        name = str(each.get("source")) if isinstance(each, dict) else str(each)
        found[name] = secret_of(state, name, state.place(service.name, "secrets"))
    return found
