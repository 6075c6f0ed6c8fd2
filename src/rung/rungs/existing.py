"""What is there already is named, not made: its ARN stands wherever a part's output would. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any, TypeVar, cast

from rung.model.graph import Graph
from rung.model.nodes import Bucket, Secret, Table
from rung.parts.design import Part
from rung.parts.values import Reference

Anything = TypeVar("Anything")
Known = Mapping[tuple[str, str], str]
#: How something that exists is named, by kind of node: the beginning of what `existing=` takes.
BEGINNINGS = {"secret": "arn:aws:secretsmanager:", "table": "arn:aws:dynamodb:", "bucket": ""}


def known_outputs(graph: Graph) -> Known:
    """What is known of everything that exists: (node, output) -> text."""
    known: dict[tuple[str, str], str] = {}
    for node in graph.nodes:
        match node:
            case Secret(existing=str(arn)):
                known[node.name, "arn"] = arn
                known[node.name, "name"] = arn.rpartition(":")[2]
            case Table(existing=str(arn)):
                known[node.name, "arn"] = arn
                known[node.name, "name"] = arn.rpartition("/")[2]
            case Bucket(existing=str(name)):
                known[node.name, "arn"] = f"arn:aws:s3:::{name}"
                known[node.name, "name"] = name
            case _:
                continue
    return known


def to_make(parts: tuple[Part, ...], known: Known) -> tuple[Part, ...]:
    """The parts that are not there yet, knowing what is."""
    there = {name for name, _ in known}
    return tuple(named(part, known) for part in parts if part.name not in there)


def named(value: Anything, known: Known) -> Anything:
    """The same value with text for the outputs that are known."""
    return cast("Anything", _named(value, known)) if known else value


def _named(value: Any, known: Known) -> Any:
    if isinstance(value, Reference):
        text = known.get((value.part, value.output))
        return value if text is None else f"{value.prefix}{text}{value.suffix}"
    if isinstance(value, tuple):
        return tuple(_named(each, known) for each in value)
    if is_dataclass(value) and not isinstance(value, type):
        changed = {field.name: _named(getattr(value, field.name), known) for field in fields(value)}
        return replace(value, **changed)
    return value
