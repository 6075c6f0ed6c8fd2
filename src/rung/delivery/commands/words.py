"""The words that every command shares: the program with its region, and the parts that are in question."""

from __future__ import annotations

from typing import TypeVar

from rung.delivery.names import full_name
from rung.parts.design import Design, Part

PartType = TypeVar("PartType", bound=Part)


def aws(design: Design, words: str) -> str:
    """An AWS command in the design's region."""
    return f"aws --region {design.region} {words}"


def chosen(design: Design, kind: type[PartType], parts: tuple[str, ...]) -> tuple[PartType, ...]:
    """The parts of a kind that are named, or all of the kind when none of them is."""
    every = design.of(kind)
    return tuple(part for part in every if part.name in parts) or every


def of_others(design: Design, output: str, parts: tuple[str, ...]) -> tuple[str, ...]:
    """The same of what exists already and is no part: what each tells as `output`."""
    every = {name: text for (name, told), text in design.there.items() if told == output}
    return tuple(text for name, text in every.items() if name in parts) or tuple(every.values())


def instance_id(design: Design, host: str) -> str:
    """A shell expression for the running machine of that name."""
    query = "Reservations[0].Instances[0].InstanceId"
    filters = f"Name=tag:Name,Values={full_name(design, host)} Name=instance-state-name,Values=running"
    return f'"$({aws(design, f"ec2 describe-instances --filters {filters} --query {query!r} --output text")})"'
