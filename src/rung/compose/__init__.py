"""What runs on machines: the compose file, the proxy's routes, the scripts, and what cloud-init does with them."""

from __future__ import annotations

from rung.compose.machine import machine_of
from rung.compose.machine_files import machine_files
from rung.compose.user_data import late_values, user_data
from rung.model.graph import Graph
from rung.parts.design import Design

__all__ = ["files", "late_values"]


def files(design: Design, graph: Graph) -> dict[str, str]:
    """The files of the design's machines, by path relative to the application's folder; none on fargate.

    `infra/<environment>/<part>/` holds each file as it is on the machine, and `user-data.tftpl`, the template from
    which Terraform makes the machine's user data; `late_values` says what it must fill in.
    """
    machine = machine_of(design, graph)
    if machine is None:
        return {}
    placed = machine_files(machine)
    folder = f"infra/{design.environment}/{machine.part.name}"
    texts = {f"{folder}/{name}": text for name, (_, _, text) in placed.items()}
    return {**texts, f"{folder}/user-data.tftpl": user_data(machine, placed)}
