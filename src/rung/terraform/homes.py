"""Parts that share a block: the lanes of a queue, the logins of a database, the secrets that people set.

What the design says of such a part is read from the block's maps: `Reference(part="orders-payment", output="url")`
becomes `module.orders.urls["payment"]`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any

from rung.parts.compute import EcsJob, ScheduledTask
from rung.parts.data import AuroraCluster, PostgresInstance, SecretPart
from rung.parts.design import Design
from rung.parts.edge import Certificate, Distribution, LoadBalancer
from rung.parts.messaging import SqsQueue
from rung.parts.operations import UptimeCheck
from rung.parts.values import Document, Reference, Scalar, Sequence, Value
from rung.terraform.hcl import Call, Expression, Raw
from rung.terraform.names import of_resource

_ENTRY = re.compile(r'(\w+)\["([^"]+)"\]\Z')
#: What the job that migrates a database is told.
SETUP = "RUNG_DATABASE_SETUP"
_BY_PERSON = "secrets"
#: What the name of a block of logins ends with, after the database.
LOGINS = "-logins"


@dataclass(frozen=True, slots=True, kw_only=True)
class Home:
    """The block that a part shares, as parts are named, and what it is called there.

    `key`: its name in the block's maps; None: it is alone of its kind, and its outputs begin with `prefix`.
    """

    block: str
    key: str | None = None
    prefix: str = ""


def homes_of(design: Design) -> dict[str, Home]:
    """The parts that share a block, by name. A queue with one lane, and what is there already, have their own."""
    return dict([*_lanes(design), *_logins(design), *_by_person(design), *_schedules(design), *_doors(design)])


def relocated(design: Design, homes: Mapping[str, Home]) -> Design:
    """The design with late values that point at shared blocks, and at the address that a database makes itself."""
    moves = _Moves(homes=homes, addresses=_addresses(design))
    return replace(design, parts=moves.all_of(design.parts), statements=moves.all_of(design.statements))


def moved(reference: Reference, homes: Mapping[str, Home]) -> Reference:
    """Where a late value is told."""
    home = homes.get(reference.part)
    if home is None:
        return reference
    told = f"{home.prefix}{reference.output}" if home.key is None else f'{reference.output}s["{home.key}"]'
    return replace(reference, part=home.block, output=told)


def rights_of(design: Design, database: str) -> dict[str, dict[str, Scalar]]:
    """What the job that migrates a database lets each login do, by the login's key. Late values are relocated."""
    setup = setup_of(design, database)
    roles = setup.get("roles") if setup else None
    found: dict[str, dict[str, Scalar]] = {}
    for role in roles.items if isinstance(roles, Sequence) else ():
        assert isinstance(role, Document), f"the roles of {database} are documents"
        fields = dict(role.fields)
        entry = _entry(fields.pop("secret"))  # type: ignore[arg-type]
        if entry:
            found[entry[2]] = {name: value for name, value in fields.items() if isinstance(value, str | bool)}
    return found


def setup_of(design: Design, database: str) -> dict[str, Value] | None:
    """What the job that migrates a database is told of it."""
    for job in design.of(EcsJob):
        for variable in job.container.variables:
            if variable.name == SETUP and isinstance(variable.value, Document):
                fields = dict(variable.value.fields)
                if fields.get("credentials_secret") == Reference(part=database, output="master_secret_arn"):
                    return fields
    return None


def listed(resources: Iterable[Reference | str], homes: Mapping[str, Home]) -> Expression:
    """A list of late values. All entries of a block's map are that map: `values(module.orders.arns)`."""
    pieces: list[Expression] = []
    single: list[Expression] = []
    found = list(resources)
    keys = {
        block: {home.key for home in homes.values() if home.block == block and home.key}
        for block in _blocks(homes)
    }
    by_map = _by_map(found)
    for each in found:
        entry = _entry(each)
        whole = by_map.get(entry[:2], set()) if entry else set()
        if entry is None or whole != keys.get(entry[0]):
            single.append(of_resource(each))
        elif (known := Raw(f"values(module.{entry[0].replace('-', '_')}.{entry[1]})")) not in pieces:
            pieces.append(known)
    if single:
        pieces.insert(0, single)
    return pieces[0] if len(pieces) == 1 else Call("concat", tuple(pieces)) if pieces else []


def _lanes(design: Design) -> Iterator[tuple[str, Home]]:
    by_queue: dict[str, list[SqsQueue]] = {}
    for part in design.of(SqsQueue):
        if part.existing is None:
            by_queue.setdefault(part.node, []).append(part)
    for queue, lanes in by_queue.items():
        if len(lanes) > 1:
            for part in lanes:
                yield part.name, Home(block=queue, key=part.lane)


def _logins(design: Design) -> Iterator[tuple[str, Home]]:
    databases = [part.name for part in design.parts if isinstance(part, AuroraCluster | PostgresInstance)]
    for part in design.of(SecretPart):
        if part.generated_username is None or part.existing is not None:
            continue
        for database in databases:
            if part.name.startswith(f"{database}-"):
                key = part.name.removeprefix(f"{database}-")
                yield part.name, Home(block=f"{database}{LOGINS}", key=key)
                break


def _by_person(design: Design) -> Iterator[tuple[str, Home]]:
    for part in design.of(SecretPart):
        if not part.generated and part.existing is None:
            yield part.name, Home(block=_BY_PERSON, key=part.name)


def _schedules(design: Design) -> Iterator[tuple[str, Home]]:
    """Schedules that are the only one of their job, and called after it."""
    for part in design.of(ScheduledTask):
        if part.name == f"{part.job}-schedule" and isinstance(design.by_name.get(part.job), EcsJob):
            yield part.name, Home(block=part.job, prefix="schedule_")


def _doors(design: Design) -> Iterator[tuple[str, Home]]:
    """The certificate of a load balancer; certificate, firewall and check from outside of a distribution."""
    for balancer in design.of(LoadBalancer):
        if balancer.certificate and balancer.existing is None and _is_made(design, balancer.certificate):
            yield balancer.certificate, Home(block=balancer.name, prefix="certificate_")
    for front in design.of(Distribution):
        if front.certificate and _is_made(design, front.certificate):
            yield front.certificate, Home(block=front.name, prefix="certificate_")
            if front.firewall:
                yield front.firewall, Home(block=front.name, prefix="firewall_")
            for check in design.of(UptimeCheck):
                if check.domain == design.domain:
                    yield check.name, Home(block=front.name, prefix="uptime_")


def _is_made(design: Design, certificate: str) -> bool:
    part = design.by_name.get(certificate)
    return isinstance(part, Certificate) and part.existing is None


def _addresses(design: Design) -> dict[Reference, Reference]:
    """What a database tells as its address, by how the design puts it together."""
    name = design.workload.replace("-", "_")
    return {
        Reference(
            part=part.name, output="endpoint", prefix="postgresql://", suffix=f":5432/{name}?sslmode=verify-full"
        ): Reference(part=part.name, output="url")
        for part in design.parts
        if isinstance(part, AuroraCluster | PostgresInstance) and part.existing is None
    }


def _blocks(homes: Mapping[str, Home]) -> set[str]:
    return {home.block for home in homes.values()}


def _by_map(resources: Iterable[Reference | str]) -> dict[tuple[str, str], set[str]]:
    found: dict[tuple[str, str], set[str]] = {}
    for entry in filter(None, map(_entry, resources)):
        found.setdefault(entry[:2], set()).add(entry[2])
    return found


def _entry(resource: Reference | str) -> tuple[str, str, str] | None:
    """Block, map and key of a late value that is an entry of a map and nothing around it."""
    if isinstance(resource, str) or resource.prefix or resource.suffix:
        return None
    found = _ENTRY.match(resource.output)
    return (resource.part, found[1], found[2]) if found else None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Moves:
    homes: Mapping[str, Home]
    addresses: Mapping[Reference, Reference]

    def all_of(self, values: tuple[Any, ...]) -> tuple[Any, ...]:
        return tuple(self.of(each) for each in values)

    def of(self, value: Any) -> Any:
        """The same value, with every late value in it moved."""
        match value:
            case Reference():
                return self.addresses.get(value) or moved(value, self.homes)
            case tuple():
                return self.all_of(value)
            case _ if is_dataclass(value):
                changes = {each.name: self.of(getattr(value, each.name)) for each in fields(value)}
                return replace(value, **changes)  # type: ignore[type-var]
            case _:
                return value
