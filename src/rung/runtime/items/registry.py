"""From a node's name to its table, through the binding that `rung dev` or Terraform wrote."""

from __future__ import annotations

from typing import assert_never

from rung.runtime.bindings import TableBinding, binding, encode
from rung.runtime.items.port import Table

_tables: dict[tuple[str, str], Table] = {}


def table(name: str) -> Table:
    """The table of node `name`, shared within this process; safe at module level.

    Raises BindingError when the graph gives this process no edge to it.
    """
    found = binding(name, TableBinding)
    key = (name, encode(found))
    if key not in _tables:
        _tables[key] = open_table(name, found)
    return _tables[key]


def open_table(name: str, found: TableBinding) -> Table:
    """A new adapter for this binding."""
    match found.adapter:
        case "dynamodb":
            from rung.runtime.items.dynamo import DynamoTable

            return DynamoTable(name, found)
        case "file":
            from rung.runtime.items.kept import KeptTable

            return KeptTable(name, found)
        case _:
            assert_never(found.adapter)
