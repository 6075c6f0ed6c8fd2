"""The image of the application: one for all of its processes, built in two stages.

What runs is a slim Debian with a virtual environment, the code and nothing that installs or compiles; the process
is not root, cannot change its own code, and needs no file system but /tmp.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from rung.delivery.project import Project
from rung.model.graph import Graph
from rung.model.nodes import Service
from rung.parts.compute import Container, EcsService, Host, HostGroup
from rung.parts.design import Design
from rung.templates import render

DEFAULT_PORT = 8000
DEFAULT_HEALTH = "/health"

#: Of the base image and of what installs packages in it. One place to change them.
PYTHON_IMAGE = "python:3.13-slim-bookworm"
UV_VERSION = "0.13.8"


def image_files(graph: Graph, designs: Mapping[str, Design], project: Project) -> dict[str, str]:
    """The Dockerfile and what must never be sent to the builder."""
    container = front_container(designs)
    port = container.port if container and container.port else DEFAULT_PORT
    dockerfile = _template(
        "Dockerfile",
        workload=graph.name,
        image=PYTHON_IMAGE,
        install=_template(f"install/{project.packages}", file=project.file, uv_version=UV_VERSION),
        port=str(port),
        health=_health_path(graph, container),
        command=json.dumps(list(container.command) if container else ["python", "--version"]),
    )
    return {"Dockerfile": dockerfile, ".dockerignore": _template("dockerignore")}


def front_container(designs: Mapping[str, Design]) -> Container | None:
    """The container that visitors reach, of the first design that has one: what the image starts by default."""
    for design in designs.values():
        for container in _containers(design):
            if container.port is not None and ":" not in container.image:  # ours, not one from a public registry
                return container
    return None


def _containers(design: Design) -> Iterator[Container]:
    for service in design.of(EcsService):
        if service.role == "web":
            yield service.container
    for host in design.parts:
        if isinstance(host, Host | HostGroup):
            yield from (stack.container for stack in host.stacks)


def _template(name: str, **values: str) -> str:
    return render("rung.delivery", name, **values)


def _health_path(graph: Graph, container: Container | None) -> str:
    if container is not None and container.health_path:
        return container.health_path
    paths = (service.health for service in graph.of(Service) if service.health)
    return next(paths, DEFAULT_HEALTH)
