"""What containers are told: the environment of each, and what several are told alike, written once.

A variable whose document differs in a field or two between containers is the shared part with those merged in:
`jsonencode(merge(local.db, { credentials_secret = module.db_api.arn }))`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from rung.parts.compute import EcsJob, EcsService, Variable
from rung.parts.data import AuroraCluster, CacheGroup, PostgresInstance, SecretPart
from rung.parts.design import Design
from rung.parts.functions import LambdaFunction
from rung.parts.messaging import SqsQueue
from rung.parts.values import Document, Reference, Sequence, Value
from rung.terraform.hcl import Call, Expression, Raw
from rung.terraform.homes import LOGINS, Home, rights_of, setup_of
from rung.terraform.names import as_environment, plain
from rung.terraform.names import output as output_of

#: Who a task is: the name of its part.
NODE = "RUNG_NODE"
_PREFIX = "RUNG_BINDING_"
Fields = dict[str, Value]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bindings:
    """The shared part of each variable that is a document, and the variables that are the same everywhere."""

    shared: dict[str, dict[str, Value]]
    common: dict[str, Value]
    #: What blocks tell of themselves: the fields that a task needs, and the output that has them.
    told: tuple[tuple[Fields, Raw], ...] = ()

    def environment(self, name: str, variables: tuple[Variable, ...]) -> Expression:
        """The environment of the part `name`, beside what all are told, and its name, which its module knows."""
        known = {NODE: name, **self.common}
        return {each.name: self._value(each) for each in variables if known.get(each.name) != each.value}

    def told_to_all(self) -> Expression:
        """The variables of every container."""
        return {name: as_environment(value) for name, value in self.common.items()}

    def shared_documents(self) -> dict[str, Expression]:
        """The shared parts by the names of their locals, but for those that a block tells itself."""
        found = {_local(name): self._document(fields) for name, fields in self.shared.items()}
        return {name: document for name, document in found.items() if not isinstance(document, Raw)}

    def _value(self, variable: Variable) -> Expression:
        if not isinstance(variable.value, Document):
            return as_environment(variable.value)
        fields, shared = dict(variable.value.fields), self.shared.get(variable.name)
        if shared is None:
            return Call("jsonencode", (self._document(fields),))
        own = {name: plain(value) for name, value in fields.items() if shared.get(name) != value}
        known = self._document(shared)
        base = known if isinstance(known, Raw) else Raw(f"local.{_local(variable.name)}")
        return Call("jsonencode", (Call("merge", (base, own)) if own else base,))

    def _document(self, fields: Fields) -> Expression:
        """The fields, or the output of a block that tells most of them, with the rest merged in."""
        for known, block in self.told:
            if known.items() <= fields.items():
                rest = {name: plain(value) for name, value in fields.items() if name not in known}
                return Call("merge", (block, rest)) if rest else block
        return {name: plain(value) for name, value in fields.items()}


def bindings_of(design: Design, homes: Mapping[str, Home]) -> Bindings:
    """What the containers of the design are told alike. Its late values are relocated already."""
    told = [part.container.variables for part in design.parts if isinstance(part, EcsService | EcsJob)]
    told += [part.variables for part in design.of(LambdaFunction)]
    return Bindings(shared=_shared(told), common=_common(told), told=tuple(_told(design, homes)))


def _told(design: Design, homes: Mapping[str, Home]) -> Iterator[tuple[Fields, Raw]]:
    """What a queue, a cache and a secret tell of themselves: the output `binding` of their modules."""
    for part in design.parts:
        home = homes.get(part.name)
        match part:
            case CacheGroup(existing=None):
                yield _cache(design, part), output_of(part.name, "binding")
            case SqsQueue() if home and home == next(each for each in homes.values() if each.block == home.block):
                lanes = [design.part(name) for name, each in homes.items() if each.block == home.block]
                known = _queue(design, home.block, [each for each in lanes if isinstance(each, SqsQueue)])
                yield known, output_of(home.block, "binding")
            case AuroraCluster(existing=None) | PostgresInstance(existing=None):
                if (setup := _setup(design, part.name, homes)) is not None:
                    yield setup, output_of(f"{part.name}{LOGINS}", "setup")
            case SecretPart(generated=False) if home:
                arn = Reference(part=home.block, output=f'arns["{home.key}"]')
                fields: Fields = {
                    "kind": "secret",
                    "source": "secretsmanager",
                    "arn": arn,
                    "region": design.region,
                }
                yield fields, output_of(home.block, f'bindings["{home.key}"]')
            case _:
                continue


def _setup(design: Design, database: str, homes: Mapping[str, Home]) -> Fields | None:
    """Address, owner and roles of a database, if the roles are its logins."""
    told = setup_of(design, database)
    logins = {home.key for home in homes.values() if home.block == f"{database}{LOGINS}"}
    if told is None or set(rights_of(design, database)) != logins:
        return None
    return {name: told[name] for name in ("url", "credentials_secret", "roles")}


def _cache(design: Design, part: CacheGroup) -> Fields:
    name = part.name
    return {
        "kind": "cache",
        "url": Reference(part=name, output="endpoint", prefix="rediss://", suffix=":6379/0"),
        "user": Reference(part=name, output="user_name"),
        "replication_group": Reference(part=name, output="replication_group_id"),
        "region": design.region,
    }


def _queue(design: Design, block: str, lanes: list[SqsQueue]) -> Fields:
    def by_lane(name: str) -> Document:
        return Document(
            fields=tuple((each.lane, Reference(part=block, output=f'{name}["{each.lane}"]')) for each in lanes)
        )

    first = lanes[0]
    dead: Fields = {"max_receive_count": first.max_receive_count or 0}
    if first.max_receive_count is not None:
        dead["dead_letter_urls"] = by_lane("dead_letter_urls")
    return {
        "kind": "queue", "adapter": "sqs", "urls": by_lane("urls"), "region": design.region,
        "lanes": Sequence(items=tuple(each.lane for each in lanes)), **dead,
        "visibility_timeout_seconds": first.visibility_timeout_seconds,
        "retention_seconds": first.retention_seconds,
    }  # fmt: skip


def _common(told: list[tuple[Variable, ...]]) -> dict[str, Value]:
    """The variables with one and the same plain value in all containers, when there are two containers or more."""
    if len(told) < 2:
        return {}
    first, *others = [{each.name: each.value for each in variables} for variables in told]
    return {
        name: value
        for name, value in first.items()
        if not isinstance(value, Document) and all(other.get(name) == value for other in others)
    }


def _shared(told: Iterable[tuple[Variable, ...]]) -> dict[str, dict[str, Value]]:
    """By variable, the fields that are equal in each of two or more documents of that name."""
    documents: dict[str, list[dict[str, Value]]] = {}
    for variables in told:
        for variable in variables:
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
    return f"{name}_binding" if name in ("platform", "region", "account_id", "tags") else name
