"""What everything is called on AWS: `<workload>-<environment>-<part>`, and what the modules make of it."""

from __future__ import annotations

from rung.parts.compute import EcsService, Registry
from rung.parts.design import Design, Part


def full_name(design: Design, part: str) -> str:
    """The name of a part's main resource: the cluster, service, database, queue, alarm of that name."""
    return f"{design.workload}-{design.environment}-{part}"


def module_label(part: str) -> str:
    """The part's module in the root: `module.<label>`."""
    return part.replace("-", "_")


def log_group(design: Design, part: str) -> str:
    """Where a process writes its log."""
    prefix = "/ecs" if any(isinstance(each, EcsService) for each in design.parts) else "/host"
    return f"{prefix}/{full_name(design, part)}"


def registry_of(design: Design) -> Registry:
    """The registry of the workload's image."""
    return next(iter(design.of(Registry)), Registry())


def line_of(design: Design, part: Part) -> str:
    """The line of the workload file that a part comes from, `workload.py:15`; empty when there is none."""
    location = design.location(part.node)
    return "" if location is None else f"{location.file.rpartition('/')[2]}:{location.line}"
