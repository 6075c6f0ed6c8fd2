"""From a node's name to its bus, through the binding that `rung dev` or Terraform wrote."""

from __future__ import annotations

from typing import assert_never

from rung.runtime.bindings import BusBinding, binding, encode
from rung.runtime.bus.port import Bus

_buses: dict[tuple[str, str], Bus] = {}


def bus(name: str) -> Bus:
    """The bus of node `name`, shared within this process; connects on first use, so safe at module level.

    Raises BindingError when the graph gives this process no edge to it.
    """
    found = binding(name, BusBinding)
    key = (name, encode(found))
    if key not in _buses:
        _buses[key] = open_bus(name, found, registered=True)
    return _buses[key]


def open_bus(name: str, found: BusBinding, *, registered: bool = False) -> Bus:
    """A new adapter for this binding. `registered`: the process closes it with its other resources."""
    match found.adapter:
        case "postgres":
            from rung.runtime.bus.postgres import PostgresBus

            return PostgresBus(name, found, registered=registered)
        case "eventbridge":
            from rung.runtime.bus.eventbridge import EventBridgeBus

            return EventBridgeBus(name, found, registered=registered)
        case _:
            assert_never(found.adapter)
