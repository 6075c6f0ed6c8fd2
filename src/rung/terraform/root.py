"""The root module of one environment: the blocks of all parts, in files by question."""

from __future__ import annotations

from collections.abc import Mapping

from rung.parts.design import Design
from rung.parts.values import Reference
from rung.terraform import frame, readme
from rung.terraform.bindings import bindings_of
from rung.terraform.blocks import blocks_of, file_of
from rung.terraform.grants import grants
from rung.terraform.hcl import Block, document
from rung.terraform.homes import homes_of, moved, relocated
from rung.terraform.operations import watch
from rung.terraform.setting import Setting
from rung.terraform.tasks import shared
from rung.terraform.unwritten import refuse_unwritten

FILES = ("terraform", "variables", "network", "data", "services", "async", "edge", "grants",
         "observability", "outputs")  # fmt: skip


def compile(design: Design, late: Mapping[str, Reference] | None = None) -> dict[str, str]:  # noqa: A001 - what it does
    """The files of the root module of a design: relative path -> text. Empty files are left out. Byte-stable.

    Raises ModelError R1003 for a rung whose Terraform is not written yet.

    `late` is what the template of a machine's user data is told, by the name of its place.
    """
    found = blocks_by_file(design, late or {})
    files = {f"{name}.tf": document(blocks) for name, blocks in found.items() if blocks}
    return {**files, "README.md": readme.environment(design)}


def blocks_by_file(design: Design, late: Mapping[str, Reference]) -> dict[str, list[Block]]:
    """The blocks of each file, in order. Raises ModelError R1003."""
    refuse_unwritten(design)
    homes = homes_of(design)
    design = relocated(design, homes)
    told = {name: moved(reference, homes) for name, reference in late.items()}
    setting = Setting(design=design, late=told, homes=homes)
    bindings = bindings_of(design, homes)
    found: dict[str, list[Block]] = {name: [] for name in FILES}
    found["terraform"] += frame.terraform(design)
    found["variables"] += frame.variables(design)
    found["services"] += shared(setting, bindings)
    for part in design.parts:
        if file_of(part) in found:
            found[file_of(part)] += blocks_of(setting, part, bindings)
    found["grants"] += grants(setting)
    found["observability"] = [*watch(setting), *found["observability"]]
    found["outputs"] += frame.outputs(setting)
    return found


def modules_of(design: Design) -> tuple[str, ...]:
    """The names of the modules that the root of a design calls, sorted."""
    blocks = (block for found in blocks_by_file(design, {}).values() for block in found)
    sources = {str(block.attributes["source"]) for block in blocks if block.kind == "module"}
    return tuple(sorted(source.removeprefix("../modules/") for source in sources))
