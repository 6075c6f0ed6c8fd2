"""One machine or group of machines of a design, with what its files are made from."""

from __future__ import annotations

from dataclasses import dataclass

from rung.model.graph import Graph
from rung.model.nodes import Postgres
from rung.parts.compute import Host, HostGroup, Registry, SecretFile, Stack
from rung.parts.design import Design


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """The part, its design and the graph that both come from."""

    part: Host | HostGroup
    design: Design
    graph: Graph

    @property
    def name(self) -> str:
        """The full name: `shop-dev-box`."""
        return f"{self.design.workload}-{self.design.environment}-{self.part.name}"

    @property
    def folder(self) -> str:
        """Where its files are on the machine."""
        return f"/opt/{self.design.workload}"

    @property
    def registry(self) -> str:
        """The registry part of the workload's image."""
        return next((each.name for each in self.design.of(Registry)), "images")

    @property
    def release(self) -> str:
        """The secret that says which image to run."""
        return f"{self.design.workload}-{self.design.environment}-release"

    @property
    def databases(self) -> tuple[Stack, ...]:
        """The containers that are PostgreSQL servers."""
        return tuple(
            stack
            for stack in self.part.stacks
            if stack.role == "store" and isinstance(self.graph.by_name.get(stack.node), Postgres)
        )

    def secret_files(self) -> dict[str, tuple[SecretFile, Stack]]:
        """Every file with a secret, by name, with the first container that reads it."""
        found: dict[str, tuple[SecretFile, Stack]] = {}
        for stack in self.part.stacks:
            for secret in stack.container.secrets:
                found.setdefault(secret.name, (secret, stack))
        return found


def machine_of(design: Design, graph: Graph) -> Machine | None:
    """The design's machine, or None where nothing runs on one."""
    for part in design.parts:
        if isinstance(part, Host | HostGroup):
            return Machine(part=part, design=design, graph=graph)
    return None


def is_ours(stack: Stack) -> bool:
    """Whether it runs the workload's own image: a public one has a tag in its name."""
    return ":" not in stack.container.image
