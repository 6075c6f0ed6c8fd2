"""The OpenAPI document, made from the table of operations and the types of their bodies.

python -m track.api.openapi [file]     writes it (to standard output without a file)
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import msgspec

from track.api.access import Access, Anybody, Outside, SignedIn, Within
from track.api.operation import Operation, Parameter
from track.problems import ProblemBody

VERSION = "1"
SECURITY = {
    "session": {"type": "apiKey", "in": "cookie", "name": "track_session"},
    "csrf": {"type": "apiKey", "in": "header", "name": "X-CSRF-Token"},
    "key": {"type": "http", "scheme": "bearer"},
}


def document(operations: Sequence[Operation]) -> dict[str, Any]:
    """The document (OpenAPI 3.1) of these operations."""
    kinds = [kind for each in operations for kind in (each.body, each.answer) if kind is not None]
    schemas, components = msgspec.json.schema_components(
        [ProblemBody, *kinds], ref_template="#/components/schemas/{name}"
    )
    remaining = iter(schemas[1:])
    paths: dict[str, dict[str, Any]] = {}
    for each in operations:
        body = None if each.body is None else next(remaining)
        answer = None if each.answer is None else next(remaining)
        paths.setdefault(each.path, {})[each.method.lower()] = _described(each, body, answer)
    return {
        "openapi": "3.1.0",
        "info": {"title": "track", "version": VERSION},
        "paths": paths,
        "components": {"schemas": dict(sorted(components.items())), "securitySchemes": SECURITY},
    }


def _described(operation: Operation, body: Any, answer: Any) -> dict[str, Any]:
    problem = {"$ref": "#/components/schemas/ProblemBody"}
    found: dict[str, Any] = {
        "operationId": operation.name,
        "tags": [operation.tag],
        "summary": operation.summary,
        "description": (operation.handler.__doc__ or "").strip(),
        "parameters": [*_path_parameters(operation.path), *map(_query_parameter, operation.query)],
        "security": _security(operation.access, operation.method),
        "responses": {
            str(operation.status): _content("application/json", answer, "as asked"),
            "default": _content("application/problem+json", problem, "a problem"),
        },
    }
    if body is not None:
        found["requestBody"] = {"required": True, "content": {"application/json": {"schema": body}}}
    return found


def _content(media_type: str, schema: Any, description: str) -> dict[str, Any]:
    if schema is None:
        return {"description": description}
    return {"description": description, "content": {media_type: {"schema": schema}}}


def _path_parameters(path: str) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in re.findall(r"{(\w+)}", path)
    ]


def _query_parameter(parameter: Parameter) -> dict[str, Any]:
    return {
        "name": parameter.name,
        "in": "query",
        "required": False,
        "description": parameter.description,
        "schema": {"type": parameter.kind},
    }


def _security(access: Access, method: str) -> list[dict[str, list[str]]]:
    cookie: dict[str, list[str]] = {"session": []} if method == "GET" else {"session": [], "csrf": []}
    match access:
        case Anybody() | Outside():
            return []
        case SignedIn():
            return [cookie]
        case Within(scope=None):
            return [cookie]
        case Within():
            return [cookie, {"key": []}]
