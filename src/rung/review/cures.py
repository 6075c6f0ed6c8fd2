"""Cures as data: what to write in the workload file, as text for a person and as a change of the graph. Pure.

The text is made from the change, so that what is advised is what was applied, placed and priced.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any, assert_never

from rung.model.durations import render_seconds
from rung.model.edges import Edge
from rung.model.environments import PRODUCTION_NAMES, Override, RungName, Sizing
from rung.model.graph import Graph
from rung.model.nodes import Business, Environment, Node, Objectives, Subscriber, Traffic
from rung.model.statement import PARAMETERS

Value = str | int | float | bool | tuple[str, ...] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SetField:
    """An argument of a node's own declaration, in every environment: `queue("orders", retention="7 days")`."""

    node: str
    field: str
    value: Value


@dataclass(frozen=True, slots=True, kw_only=True)
class OverrideField:
    """A parameter of a node in this environment: `overrides={api: {"min_tasks": 6}}`."""

    node: str
    field: str
    value: str | int | float | bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SizePart:
    """A field of a part in this environment: `sizes={"db": {"max_acu": 16}}`."""

    part: str
    field: str
    value: Value


@dataclass(frozen=True, slots=True, kw_only=True)
class SetEnvironment:
    """An argument of the environment: `environment("prod", nat="none")`. `name` None: the one under review."""

    field: str
    value: Any
    text: str = ""
    name: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AddEnvironment:
    """One more copy of the workload."""

    name: str
    rung: RungName | None = None
    scale: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """A fact: the workload says its traffic, its objectives or its business. `text` is how."""

    fact: Traffic | Objectives | Business
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Notify:
    """One more address for alarms."""

    address: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SetRepository:
    """Where the code is: the pipeline gets an identity of its own."""

    repository: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AddNode:
    """One more node, and who uses it with which verbs."""

    node: Node
    edges: tuple[Edge, ...]
    text: str


Change = (
    SetField
    | OverrideField
    | SizePart
    | SetEnvironment
    | AddEnvironment
    | State
    | Notify
    | SetRepository
    | AddNode
)


def apply(graph: Graph, environment: str, changes: Iterable[Change]) -> Graph:
    """The workload as it would be with the cure in its file. Raises KeyError for a node that is not there."""
    for change in changes:
        graph = _applied(graph, environment, change)
    return graph


def _applied(graph: Graph, environment: str, change: Change) -> Graph:
    match change:
        case SetField():
            node: Any = graph.node(change.node)
            changed = _replaced(graph, node, replace(node, **{change.field: change.value}))
            return _without_override(changed, environment, change.node, change.field)
        case OverrideField():
            graph = _without_override(graph, environment, change.node, change.field)
            override = Override(node=change.node, field=change.field, value=change.value)
            copy = _environment(graph, environment)
            return _replaced(graph, copy, replace(copy, overrides=(*copy.overrides, override)))
        case SizePart():
            copy = _environment(graph, environment)
            sizing = Sizing(part=change.part, field=change.field, value=change.value)
            kept = (each for each in copy.sizes if (each.part, each.field) != (sizing.part, sizing.field))
            return _replaced(graph, copy, replace(copy, sizes=(*kept, sizing)))
        case SetEnvironment():
            copy = _environment(graph, change.name or environment)
            return _replaced(graph, copy, replace(copy, **{change.field: change.value}))
        case AddEnvironment():
            graph = _replaced(graph, *[_environment(graph, environment)] * 2)
            copy = Environment(name=change.name, rung=change.rung, scale=change.scale)
            return replace(graph, nodes=(*graph.nodes, copy))
        case State():
            others = (node for node in graph.nodes if type(node) is not type(change.fact))
            return replace(graph, nodes=(*others, change.fact))
        case Notify():
            return replace(graph, nodes=(*graph.nodes, Subscriber(name=change.address)))
        case SetRepository():
            return replace(graph, repository=change.repository)
        case AddNode():
            return replace(graph, nodes=(*graph.nodes, change.node), edges=(*graph.edges, *change.edges))
        case _:
            assert_never(change)


def _environment(graph: Graph, name: str) -> Environment:
    """The environment, or the one that a workload without any is placed in."""
    declared = (each for each in graph.of(Environment) if each.name == name)
    return next(declared, Environment(name=name, production=name in PRODUCTION_NAMES))


def _replaced(graph: Graph, old: Node, new: Node) -> Graph:
    if old not in graph.nodes:
        return replace(graph, nodes=(*graph.nodes, new))
    return replace(graph, nodes=tuple(new if node is old or node == old else node for node in graph.nodes))


def _without_override(graph: Graph, environment: str, node: str, field: str) -> Graph:
    """An earlier override of the same field would win over the change."""
    copy = _environment(graph, environment)
    kept = tuple(each for each in copy.overrides if (each.node, each.field) != (node, field))
    return graph if kept == copy.overrides else _replaced(graph, copy, replace(copy, overrides=kept))


def merged(changes: Iterable[Change]) -> tuple[Change, ...]:
    """Every change once; of two numbers for one override the larger, which has room for both."""
    kept: dict[object, Change] = {}
    for change in changes:
        key: object = (change.node, change.field) if isinstance(change, OverrideField) else change
        earlier = kept.get(key)
        if isinstance(earlier, OverrideField) and isinstance(change, OverrideField):
            change = max(earlier, change, key=_number)
        kept[key] = change
    return tuple(kept.values())


def _number(change: OverrideField) -> float:
    return change.value if isinstance(change.value, int | float) else 0.0


def text_of(changes: Iterable[Change], graph: Graph, environment: str) -> str:
    """What to write, as calls of the workload file: `environment("prod", ..., overrides={api: {"cpu": 2}})`."""
    changes = tuple(changes)
    return "; ".join((*_calls(changes, graph), *_environments(changes, graph, environment)))


def _calls(changes: tuple[Change, ...], graph: Graph) -> Iterator[str]:
    fields: dict[str, list[str]] = {}
    for change in changes:
        match change:
            case SetField():
                fields.setdefault(change.node, []).append(_argument(change.field, change.value))
            case AddEnvironment():
                rung = f', rung="{change.rung}"' if change.rung else ""
                yield f'environment("{change.name}"{rung}, scale={change.scale:g})'
            case State():
                yield f"{change.fact.kind}({change.text})"
            case Notify():
                yield f'notify("{change.address}")'
            case SetRepository():
                yield f'Workload("{graph.name}", repository="{change.repository}")'
            case AddNode():
                yield change.text
            case OverrideField() | SizePart() | SetEnvironment():
                continue
            case _:
                assert_never(change)
    for name, arguments in fields.items():
        yield f'{graph.node(name).kind}("{name}", ..., {", ".join(arguments)})'


def _environments(changes: tuple[Change, ...], graph: Graph, environment: str) -> Iterator[str]:
    arguments: dict[str, list[str]] = {}
    overrides, sizes = _grouped(changes, graph)
    for change in changes:
        if isinstance(change, SetEnvironment):
            text = change.text or _argument(change.field, change.value)
            arguments.setdefault(change.name or environment, []).append(text)
    for name, groups in (("overrides", overrides), ("sizes", sizes)):
        if groups:
            inner = ", ".join(f"{key}: {{{', '.join(values)}}}" for key, values in groups.items())
            arguments.setdefault(environment, []).append(f"{name}={{{inner}}}")
    for name, each in arguments.items():
        yield f'environment("{name}", ..., {", ".join(each)})'


def _grouped(changes: tuple[Change, ...], graph: Graph) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    overrides: dict[str, list[str]] = {}
    sizes: dict[str, list[str]] = {}
    for change in changes:
        match change:
            case OverrideField():
                parameter, value = _parameter(change.field, change.value)
                overrides.setdefault(change.node.replace("-", "_"), []).append(f'"{parameter}": {value}')
            case SizePart():
                key = change.part.replace("-", "_") if change.part in graph.by_name else f'"{change.part}"'
                sizes.setdefault(key, []).append(f'"{change.field}": {_literal(change.value)}')
            case _:
                continue
    return overrides, sizes


def _argument(field: str, value: Value) -> str:
    parameter, text = _parameter(field, value)
    return f"{parameter}={text}"


def _parameter(field: str, value: Value) -> tuple[str, str]:
    """A field as users write it: `deadline_seconds` 5.0 is `deadline="5 seconds"`."""
    if field.endswith("_seconds") and isinstance(value, int | float):
        return field.removesuffix("_seconds"), f'"{render_seconds(float(value))}"'
    return PARAMETERS.get(field, field), _literal(value)


def _literal(value: Value) -> str:
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, tuple):
        return f"({', '.join(map(_literal, value))}{',' if len(value) == 1 else ''})"
    return f"{value:g}" if isinstance(value, float) else repr(value)
