"""What containers are told: the environment of each, and what several are told alike, written once as locals.

A variable whose document differs in a field or two between containers is the shared part with those merged in:
`jsonencode(merge(local.db, { credentials_secret = module.db_api.arn }))`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from rung.parts.compute import Container, EcsJob, EcsService, Variable
from rung.parts.design import Design
from rung.parts.values import Document, Value
from rung.terraform.hcl import Block, Call, Expression, Raw
from rung.terraform.names import as_environment, plain

#: The name of the local that holds what every container is told.
COMMON = "common"
_PREFIX = "RUNG_BINDING_"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bindings:
    """The shared part of each variable that is a document, and the variables that are the same everywhere."""

    shared: dict[str, dict[str, Value]]
    common: dict[str, Value]

    def environment(self, variables: tuple[Variable, ...]) -> Expression:
        """The environment of one container."""
        own = {each.name: self._value(each) for each in variables if each.name not in self.common}
        if not self.common:
            return own
        return Call("merge", (Raw(f"local.{COMMON}"), own)) if own else Raw(f"local.{COMMON}")

    def locals(self) -> Iterator[Block]:
        """The block that holds what is shared, if anything is."""
        attributes: dict[str, Expression] = {}
        if self.common:
            attributes[COMMON] = {name: as_environment(value) for name, value in self.common.items()}
        for name, fields in self.shared.items():
            attributes[_local(name)] = {field: plain(value) for field, value in fields.items()}
        if attributes:
            note = "What containers are told alike: who they are, and where what they use is"
            yield Block(kind="locals", attributes=attributes, note=note)

    def _value(self, variable: Variable) -> Expression:
        shared = self.shared.get(variable.name)
        if shared is None or not isinstance(variable.value, Document):
            return as_environment(variable.value)
        own = {name: plain(value) for name, value in variable.value.fields if shared.get(name) != value}
        base = Raw(f"local.{_local(variable.name)}")
        return Call("jsonencode", (Call("merge", (base, own)) if own else base,))


def bindings_of(design: Design) -> Bindings:
    """What the containers of the design are told alike."""
    containers = [part.container for part in design.parts if isinstance(part, EcsService | EcsJob)]
    return Bindings(shared=_shared(containers), common=_common(containers))


def _common(containers: list[Container]) -> dict[str, Value]:
    """The variables with one and the same plain value in all containers, when there are two containers or more."""
    if len(containers) < 2:
        return {}
    first, *others = [{each.name: each.value for each in container.variables} for container in containers]
    return {
        name: value
        for name, value in first.items()
        if not isinstance(value, Document) and all(other.get(name) == value for other in others)
    }


def _shared(containers: Iterable[Container]) -> dict[str, dict[str, Value]]:
    """By variable, the fields that are equal in each of two or more documents of that name."""
    documents: dict[str, list[dict[str, Value]]] = {}
    for container in containers:
        for variable in container.variables:
            if isinstance(variable.value, Document):
                documents.setdefault(variable.name, []).append(dict(variable.value.fields))
    return {
        name: _equal_fields(found)
        for name, found in documents.items()
        if len(found) > 1 and len(_equal_fields(found)) > 1
    }


def _equal_fields(documents: list[dict[str, Value]]) -> dict[str, Value]:
    first, *others = documents
    return {
        name: value
        for name, value in first.items()
        if all(name in other and other[name] == value for other in others)
    }


def _local(variable: str) -> str:
    """`RUNG_BINDING_ORDERS` is `local.orders`."""
    name = variable.removeprefix(_PREFIX).lower()
    return f"{name}_binding" if name in (COMMON, "region", "account_id") else name
