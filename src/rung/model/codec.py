"""The graph as JSON and back, under a versioned schema. What one version of rung writes, the same version reads.

    {"schema": "rung.graph/1", "name": "shop", "root": ".", "repository": null,
     "nodes": [{"kind": "queue", "name": "orders", "lanes": ["payment"], ...}],
     "edges": [{"source": "api", "target": "orders", "verb": "send"}],
     "locations": {"orders": {"file": "workload.py", "line": 7, "text": "..."}},
     "tenant_columns": []}

Every field is written, defaults included; when reading, a field with a default may be missing.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from types import MappingProxyType, UnionType
from typing import Any, Union, cast, get_args, get_origin

from rung.errors import Finding, Location, ModelError
from rung.model.edges import Edge
from rung.model.graph import Graph, TenantColumn
from rung.model.nodes import NODE_TYPES, Node
from rung.model.shapes import Mismatch, build, describe, field_types, record_mismatches
from rung.near import suggestion

SCHEMA = "rung.graph/1"
_TYPES: Mapping[str, type[Any]] = {node_type.__name__.lower(): node_type for node_type in NODE_TYPES}
_PARTS = frozenset({"schema", "name", "root", "nodes", "edges", "locations", "tenant_columns", "repository"})


def encode(graph: Graph) -> dict[str, object]:
    """The graph as plain dicts and lists, ready for `json.dumps`."""
    return {
        "schema": SCHEMA,
        "name": graph.name,
        "root": graph.root,
        "repository": graph.repository,
        "nodes": [plain(node) for node in graph.nodes],
        "edges": [plain(edge) for edge in graph.edges],
        "locations": {name: plain(location) for name, location in graph.locations.items()},
        "tenant_columns": [plain(column) for column in graph.tenant_columns],
    }


def decode(text: str, *, file: str = "graph.json") -> Graph:
    """The graph that a JSON document holds. Raises ModelError with every mistake, each with the path to it."""
    document = _parse(text, file)
    if document.get("schema") != SCHEMA:
        raise ModelError(_schema_finding(document.get("schema"), file))
    reader = _Reader()
    graph = reader.graph(document)
    if reader.problems:
        raise ModelError(*(_mismatch_finding(problem, file) for problem in reader.problems))
    return graph


def plain(value: object) -> Any:
    """A record as plain dicts and lists."""
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, tuple):
        return [plain(each) for each in value]
    return value


class _Reader:
    """Reads the parts of a document and gathers what does not fit."""

    def __init__(self) -> None:
        self.problems: list[Mismatch] = []

    def problem(self, path: str, expected: str, found: str) -> None:
        self.problems.append(Mismatch(path=path, expected=expected, found=found))

    def graph(self, document: Mapping[str, object]) -> Graph:
        for part in document.keys() - _PARTS:
            self.problem(f"$.{part}", "a known part", f'the unknown "{part}"{suggestion(part, _PARTS)}')
        graph = Graph(
            name=self.text(document, "name", ""),
            root=self.text(document, "root", "."),
            repository=self.text(document, "repository", "") if document.get("repository") is not None else None,
            nodes=tuple(self.node(value, path) for value, path in self.items(document, "nodes")),
            edges=self.records(document, "edges", Edge),
            tenant_columns=self.records(document, "tenant_columns", TenantColumn),
            locations=MappingProxyType(self.locations(document.get("locations", {}))),
        )
        if not self.problems:
            self.dangling(graph.nodes, graph.edges)
        return graph

    def text(self, document: Mapping[str, object], part: str, default: str) -> str:
        value = document.get(part, default)
        if isinstance(value, str):
            return value
        self.problem(f"$.{part}", "text", describe(value))
        return default

    def items(self, document: Mapping[str, object], part: str) -> Iterator[tuple[object, str]]:
        values = document.get(part, [])
        if isinstance(values, list):
            yield from ((value, f"$.{part}[{index}]") for index, value in enumerate(values))
        else:
            self.problem(f"$.{part}", "a list", describe(values))

    def node(self, value: object, path: str) -> Node:
        kind = value.get("kind") if isinstance(value, dict) else None
        if isinstance(kind, str) and kind in _TYPES:
            return cast("Node", self.record(_TYPES[kind], value, path))
        if isinstance(value, dict):
            hint = suggestion(kind, _TYPES) if isinstance(kind, str) else ""
            self.problem(f"{path}.kind", f"one of {', '.join(sorted(_TYPES))}", f"{describe(kind)}{hint}")
        else:
            self.problem(path, "an object", describe(value))
        return cast("Node", None)

    def records(self, document: Mapping[str, object], part: str, record_type: type[Any]) -> tuple[Any, ...]:
        return tuple(self.record(record_type, value, path) for value, path in self.items(document, part))

    def record(self, record_type: type[Any], value: object, path: str) -> Any:
        if not isinstance(value, dict):
            self.problem(path, "an object", describe(value))
            return None
        types = field_types(record_type)
        values = {
            name: self._value(types[name], each, f"{path}.{name}") if name in types else each
            for name, each in value.items()
        }
        found = list(record_mismatches(record_type, values, path))
        self.problems.extend(found)
        return None if found else build(record_type, values)

    def locations(self, value: object) -> dict[str, Location]:
        if not isinstance(value, dict):
            self.problem("$.locations", "an object", describe(value))
            return {}
        return {name: self.record(Location, each, f"$.locations.{name}") for name, each in value.items()}

    def dangling(self, nodes: tuple[Node, ...], edges: tuple[Edge, ...]) -> None:
        names = {node.name for node in nodes}
        for index, edge in enumerate(edges):
            for end, name in (("source", edge.source), ("target", edge.target)):
                if name not in names:
                    self.problem(
                        f"$.edges[{index}].{end}", "the name of a node", f"{name!r}{suggestion(name, names)}"
                    )

    def _value(self, expected: Any, value: object, path: str) -> object:
        """JSON's lists and objects as the tuples and records that the field holds."""
        if get_origin(expected) in (Union, UnionType):
            members = [each for each in get_args(expected) if is_dataclass(each) or get_origin(each) is tuple]
            return self._value(members[0], value, path) if members and value is not None else value
        if get_origin(expected) is tuple and isinstance(value, list):
            member = get_args(expected)[0]
            return tuple(self._value(member, each, f"{path}[{index}]") for index, each in enumerate(value))
        if isinstance(expected, type) and is_dataclass(expected) and isinstance(value, dict):
            return self.record(expected, value, path)
        return value


def _parse(text: str, file: str) -> dict[str, object]:
    try:
        document = json.loads(text)
    except RecursionError:
        raise ModelError(_document_finding(file, 1, "it is nested too deeply")) from None
    except ValueError as error:
        line = getattr(error, "lineno", 1)
        raise ModelError(_document_finding(file, line, getattr(error, "msg", str(error)).lower())) from None
    if not isinstance(document, dict):
        raise ModelError(_document_finding(file, 1, f"it holds {describe(document)} where an object is expected"))
    return document


def _document_finding(file: str, line: int, reason: str) -> Finding:
    return Finding(
        code="R0210",
        severity="error",
        message=f"the graph document is not JSON: {reason}",
        location=Location(file=file, line=line),
        help="write it anew: rung check workload.py --graph > graph.json",
    )


def _schema_finding(schema: object, file: str) -> Finding:
    return Finding(
        code="R0211",
        severity="error",
        message="the graph document has another schema",
        location=Location(file=file, line=1),
        found=f"schema {describe(schema)}, this rung reads {SCHEMA!r}",
        effect="its fields might mean something else",
        help="write it anew with this rung: rung check workload.py --graph > graph.json",
    )


def _mismatch_finding(problem: Mismatch, file: str) -> Finding:
    return Finding(
        code="R0210",
        severity="error",
        message=f"the graph document does not fit at {problem.path}",
        location=Location(file=file, line=1),
        found=f"expected {problem.expected}, found {problem.found}",
        help="docs/reference/workload-file.md names the fields of every node",
    )
