"""Late values on a machine: Terraform writes them to one file, and the compose file refers to them by name."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping

from rung.parts.compute import Container
from rung.parts.values import Document, Reference, Sequence, Value


def late_name(reference: Reference) -> str:
    """The name under which a late value reaches the machine: `orders_payment_url`."""
    return re.sub(r"[^a-z0-9]+", "_", f"{reference.part}_{reference.output}".lower()).strip("_")


def variable(reference: Reference) -> str:
    """The same as an environment variable."""
    return late_name(reference).upper()


def text_of(value: Value) -> str:
    """A value as compose reads it: late ones as `${NAME}`, and every other dollar sign doubled."""
    match value:
        case Reference():
            return _kept(value.prefix) + "${" + variable(value) + "}" + _kept(value.suffix)
        case Document() | Sequence():
            return _json(value)
        case bool():
            return "true" if value else "false"
        case _:
            return _kept(str(value))


def references_in(value: Value) -> Iterator[Reference]:
    """Every late value in it."""
    match value:
        case Reference():
            yield value
        case Document():
            for _, item in value.fields:
                yield from references_in(item)
        case Sequence():
            for item in value.items:
                yield from references_in(item)
        case _:
            return


def environment_of(container: Container) -> Mapping[str, str]:
    """The environment of a container, as compose reads it."""
    return {each.name: text_of(each.value) for each in container.variables}


def _json(value: Value) -> str:
    match value:
        case Document():
            return (
                "{" + ", ".join(f"{_kept(json.dumps(name))}: {_json(item)}" for name, item in value.fields) + "}"
            )
        case Sequence():
            return "[" + ", ".join(_json(item) for item in value.items) + "]"
        case Reference():
            return '"' + text_of(value) + '"'
        case _:
            return _kept(json.dumps(value))


def _kept(text: str) -> str:
    return text.replace("$", "$$")
