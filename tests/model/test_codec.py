"""A graph survives JSON unchanged, whatever it holds; a document that does not fit says where it does not."""

from __future__ import annotations

import json
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rung import load_workload
from rung.errors import Finding, Location, ModelError
from rung.model.checks import check
from rung.model.codec import SCHEMA, decode, encode
from rung.model.edges import Edge
from rung.model.graph import Graph, TenantColumn
from rung.model.nodes import NODE_TYPES, Node
from rung.model.shapes import build, field_types

TEXT = st.text(max_size=12)


def values_of(expected: Any) -> st.SearchStrategy[Any]:
    """Any value that a field of that annotation may hold."""
    origin, arguments = get_origin(expected), get_args(expected)
    if origin is Literal:
        return st.sampled_from(arguments)
    if origin in (Union, UnionType):
        return st.one_of([values_of(each) for each in arguments])
    if origin is tuple:
        return st.lists(values_of(arguments[0]), max_size=3).map(tuple)
    plain: dict[Any, st.SearchStrategy[Any]] = {
        str: TEXT,
        int: st.integers(-10, 10_000),
        float: st.floats(allow_nan=False, allow_infinity=False),
        bool: st.booleans(),
        NoneType: st.none(),
    }
    return plain[expected] if expected in plain else records(expected)


def records(record_type: type[Any]) -> st.SearchStrategy[Any]:
    fields = {name: values_of(expected) for name, expected in field_types(record_type).items()}
    return st.fixed_dictionaries(fields).map(lambda values: build(record_type, values))


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    types = draw(st.lists(st.sampled_from(NODE_TYPES), max_size=6))
    nodes: tuple[Node, ...] = tuple(draw(records(node_type)) for node_type in types)
    names = [node.name for node in nodes]
    edges = draw(st.lists(records(Edge), max_size=4)) if names else []
    places = draw(st.dictionaries(st.sampled_from(names), records(Location))) if names else {}
    ends = st.sampled_from(names) if names else TEXT
    return Graph(
        name=draw(TEXT),
        root=draw(TEXT),
        nodes=nodes,
        edges=tuple(Edge(source=draw(ends), target=draw(ends), verb=edge.verb) for edge in edges),
        locations=places,
        tenant_columns=tuple(draw(st.lists(records(TenantColumn), max_size=2))),
    )


@settings(max_examples=150, deadline=None)
@given(graphs())
def test_a_graph_survives_json(graph: Graph) -> None:
    assert decode(json.dumps(encode(graph))) == graph


@settings(max_examples=150, deadline=None)
@given(graphs())
def test_the_checks_bear_every_graph(graph: Graph) -> None:
    for finding in check(graph):
        assert finding.message


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=200, deadline=None)
@given(st.fixed_dictionaries({"schema": st.just(SCHEMA)}, optional={
    "name": JSON, "root": JSON, "nodes": JSON, "edges": JSON, "locations": JSON, "tenant_columns": JSON,
}))  # fmt: skip
def test_any_document_is_a_graph_or_a_finding(document: dict[str, object]) -> None:
    codes = {"R0210"}
    try:
        decode(json.dumps(document))
    except ModelError as error:
        codes |= {finding.code for finding in error.findings}
    assert codes == {"R0210"}


def findings_of(text: str) -> tuple[Finding, ...]:
    with pytest.raises(ModelError) as caught:
        decode(text)
    return caught.value.findings


def document(**parts: object) -> str:
    return json.dumps({"schema": SCHEMA, "name": "shop", **parts})


@pytest.mark.parametrize(
    ("parts", "path", "found"),
    [
        ({"nodes": 5}, "$.nodes", "expected a list"),
        ({"nodes": [5]}, "$.nodes[0]", "expected an object"),
        ({"nodes": [{"kind": "queu", "name": "a"}]}, "$.nodes[0].kind", 'did you mean "queue"'),
        ({"nodes": [{"kind": "queue"}]}, "$.nodes[0].name", "found nothing"),
        ({"nodes": [{"kind": "queue", "name": "a", "lane": []}]}, "$.nodes[0].lane", 'did you mean "lanes"'),
        ({"nodes": [{"kind": "queue", "name": "a", "lanes": [1]}]}, "$.nodes[0].lanes[0]", "expected text"),
        ({"nodes": [{"kind": "queue", "name": "a", "broker": "sq"}]}, "$.nodes[0].broker", "'sqs'"),
        (
            {"nodes": [{"kind": "postgres", "name": "a", "tenancy": {"mode": "rsl"}}]},
            "$.nodes[0].tenancy.mode",
            'did you mean "rls"',
        ),
        ({"edges": [{"source": "a", "target": "b", "verb": "send"}]}, "$.edges[0].source", "the name of a node"),
        ({"edge": []}, "$.edge", 'did you mean "edges"'),
        ({"name": 5}, "$.name", "expected text"),
        ({"locations": []}, "$.locations", "expected an object"),
    ],
)
def test_what_does_not_fit_is_named_by_its_path(parts: dict[str, object], path: str, found: str) -> None:
    finding = findings_of(document(**parts))[0]
    assert finding.code == "R0210"
    assert finding.message.endswith(f"at {path}")
    assert found in finding.found


def test_every_mistake_in_a_document_is_reported() -> None:
    nodes = [{"kind": "queue", "name": 1}, {"kind": "cache", "name": "c", "memory_mib": "big"}]
    assert len(findings_of(document(nodes=nodes))) == 2


@pytest.mark.parametrize("text", ["", "{", "[1]", '"text"', "[" * 100_000])
def test_what_is_no_document_is_refused(text: str) -> None:
    (finding,) = findings_of(text)
    assert finding.code == "R0210"


@pytest.mark.parametrize("schema", [None, "rung.graph/2", 1])
def test_another_schema_is_refused(schema: object) -> None:
    (finding,) = findings_of(json.dumps({"schema": schema, "nodes": 5}))
    assert finding.code == "R0211"
    assert SCHEMA in finding.found


def test_a_graph_document_is_read_like_a_workload_file(tmp_path: Path, design_example: Graph) -> None:
    file = tmp_path / "graph.json"
    file.write_text(json.dumps(encode(design_example)))
    assert load_workload(file) == design_example
