"""What cloud-init does at a machine's first start: writes the files and runs `rung-install`.

A template for Terraform: only `late.env` has places to fill in, one for each value that is known after something
was built. No secret passes through it: whoever may describe the machine can read it.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from rung.compose.machine import Machine, machine_of
from rung.compose.machine_files import Placed
from rung.compose.values import late_name, references_in
from rung.compose.yaml import document
from rung.model.graph import Graph
from rung.parts.compute import Host, HostGroup
from rung.parts.design import Design
from rung.parts.values import Reference


def late_values(design: Design) -> Mapping[str, Reference]:
    """What Terraform fills into `user-data.tftpl`: names of the template's places, and the outputs they take.

    Empty where nothing runs on a machine.
    """
    machine = machine_of(design, Graph(name=design.workload))
    if machine is None:
        return MappingProxyType({})
    references = [Reference(part=machine.registry, output="repository_url")]
    if isinstance(machine.part, Host):
        references.append(Reference(part=machine.part.backup_bucket, output="name"))
        keys = next((part.name for part in design.parts if part.kind == "keys"), "keys")
        references.append(Reference(part=keys, output="data_key_arn"))
    references += _of_containers(machine.part)
    return MappingProxyType({late_name(each): each for each in references})


def user_data(machine: Machine, placed: Placed) -> str:
    """The template, `#cloud-config` first."""
    late = {name: f"${{{name}}}" for name in late_values(machine.design)}
    files = [
        {"path": path, "permissions": mode, "owner": "root:root", "content": _escaped(text)}
        for path, mode, text in placed.values()
    ]
    lines = "".join(f"{name.upper()}={place}\n" for name, place in late.items())
    files.append({
        "path": f"{machine.folder}/late.env", "permissions": "0644", "owner": "root:root",
        "content": "# Known when the rest was built; no secrets.\n" + lines,
    })  # fmt: skip
    content = {"package_update": False, "write_files": files, "runcmd": [["/usr/local/bin/rung-install"]]}
    return "#cloud-config\n" + document(content)


def _of_containers(part: Host | HostGroup) -> list[Reference]:
    found: list[Reference] = []
    for stack in part.stacks:
        for variable in stack.container.variables:
            found += [_bare(each) for each in references_in(variable.value)]
        for secret in stack.container.secrets:
            if secret.part is not None:
                found.append(Reference(part=secret.part, output="arn"))
        if isinstance(part, HostGroup):
            for mount in stack.container.mounts:
                found.append(Reference(part=mount.file_system, output="id"))
                found.append(Reference(part=mount.file_system, output="access_point_id"))
    if isinstance(part, HostGroup) and part.management == "tailscale":
        found.append(Reference(part="tailscale-key", output="arn"))
    return found


def _bare(reference: Reference) -> Reference:
    return Reference(part=reference.part, output=reference.output)


def _escaped(text: str) -> str:
    """Text that Terraform's templates leave alone."""
    return text.replace("${", "$${").replace("%{", "%%{")
