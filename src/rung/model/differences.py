"""What an environment says differs: parameters of nodes, fields of parts, what is used, and what exists."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from rung.model.environments import Figure, Override, Scalar, Sizing
from rung.model.existing import Existing, ExistingCache, ExistingDatabase, ExistingFiles, ExistingQueue
from rung.model.handles import CacheHandle, FilesHandle, Handle, PostgresHandle, QueueHandle
from rung.model.shapes import field_types
from rung.model.statement import PARAMETERS, Statement

Overrides = Mapping[Handle, Mapping[str, Scalar]]
Sizes = Mapping[Handle | str, Mapping[str, Scalar | Sequence[str]]]
Figures = Mapping[Handle | str, float | Mapping[str, float]]
There = Mapping[Handle, Existing | Sequence[ExistingQueue]]
#: What a place is a place of.
_OWNERS: dict[type[Existing], type[Handle]] = {
    ExistingDatabase: PostgresHandle, ExistingCache: CacheHandle, ExistingQueue: QueueHandle,
    ExistingFiles: FilesHandle,
}  # fmt: skip


def read_overrides(statement: Statement, overrides: Overrides, types: Mapping[str, type]) -> tuple[Override, ...]:
    """`overrides={api: {"deadline": "10s"}}` as records; `types` are the types of the nodes declared so far."""
    found: list[Override] = []
    for handle, changes in statement.mapping("overrides", overrides).items():
        node = statement.reference("overrides", handle, (Handle,))
        for parameter, value in statement.mapping("overrides", changes).items():
            field, stored = _stored(statement, types.get(node), parameter, value)
            found.append(Override(node=node, field=field, value=stored))
    return tuple(found)


def _stored(statement: Statement, node_type: type | None, parameter: str, value: Scalar) -> tuple[str, Scalar]:
    """A parameter as users write it, `deadline="10s"`, as the field that holds it, `deadline_seconds=10.0`."""
    known = field_types(node_type) if node_type is not None else {}
    if f"{parameter}_seconds" in known:
        return f"{parameter}_seconds", statement.seconds_or_none(f"overrides.{parameter}", value)
    field = next((each for each, name in PARAMETERS.items() if name == parameter and each in known), parameter)
    return field, value


def read_sizes(statement: Statement, sizes: Sizes) -> tuple[Sizing, ...]:
    """`sizes={db: {"min_acu": 1}, "network": {"zones": 3}}`: parts that no node asked for are named by text."""
    found: list[Sizing] = []
    for key, changes in statement.mapping("sizes", sizes).items():
        part = key if isinstance(key, str) else statement.reference("sizes", key, (Handle,))
        for field, value in statement.mapping("sizes", changes).items():
            if isinstance(value, str | int | float | bool | None):
                found.append(Sizing(part=part, field=field, value=value))
            else:
                found.append(Sizing(part=part, field=field, value=statement.words(f"sizes.{field}", value)))
    return tuple(found)


def read_figures(statement: Statement, figures: Figures) -> tuple[Figure, ...]:
    """`usage={"requests": 3e6, db: {"storage": 40}, "load-balancer": {"capacity units": 800}}` as records."""
    found: list[Figure] = []
    for key, given in statement.mapping("usage", figures).items():
        if isinstance(given, Mapping):
            of = key if isinstance(key, str) else statement.reference("usage", key, (Handle,))
            amounts = {name: statement.number(f"usage.{name}", value) for name, value in given.items()}
            found.extend(Figure(of=of, name=name, value=value) for name, value in amounts.items())
        elif isinstance(key, str):
            found.append(Figure(of=None, name=key, value=statement.number(f"usage.{key}", given)))
        else:
            statement.mapping("usage", given)
    return tuple(found)


def read_existing(statement: Statement, existing: There) -> dict[str, object]:
    """`existing={db: ExistingDatabase(...), orders: [ExistingQueue(...), ...]}` as the environment's fields."""
    found: dict[type, list[Existing]] = {kind: [] for kind in _OWNERS}
    for handle, places in statement.mapping("existing", existing).items():
        for place in places if isinstance(places, list | tuple) else (places,):
            if isinstance(place, Existing):
                node = statement.reference("existing", handle, (_OWNERS[type(place)],))
                found[type(place)].append(replace(place, node=node))
            else:
                statement.wrong_fact("ExistingDatabase, ExistingCache, ExistingQueue or ExistingFiles", place)
    return {
        "existing_databases": tuple(found[ExistingDatabase]), "existing_caches": tuple(found[ExistingCache]),
        "existing_queues": tuple(found[ExistingQueue]), "existing_files": tuple(found[ExistingFiles]),
    }  # fmt: skip
