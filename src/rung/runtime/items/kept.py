"""A table in a file of this machine, for `rung dev`."""

from __future__ import annotations

import base64
import sqlite3
from typing import Any

import msgspec

from rung.runtime.bindings import TableBinding
from rung.runtime.clock import SYSTEM_CLOCK, Clock
from rung.runtime.items.port import Condition, ConditionFailedError, Range, RawItem, Table
from rung.runtime.shelf import Shelf

#: Keys are bytes, and SQLite compares those as DynamoDB does.
TABLES = """
create table if not exists item (
    partition blob not null,
    sort blob not null,
    body text not null,
    primary key (partition, sort)
) without rowid;
"""
_READ = "select body from item where partition = ? and sort = ?"
_WRITE = """
insert into item (partition, sort, body) values (?, ?, ?)
on conflict (partition, sort) do update set body = excluded.body
"""
_ERASE = "delete from item where partition = ? and sort = ?"


class KeptTable(Table):
    """One table in one file. A write is one transaction, and so is its condition."""

    def __init__(self, name: str, binding: TableBinding, *, clock: Clock = SYSTEM_CLOCK) -> None:
        super().__init__(name, binding, clock=clock)
        self._shelf = Shelf(binding.path, TABLES)

    async def close(self) -> None:
        """See Table: there is nothing open."""

    async def _get(self, key: RawItem) -> RawItem | None:
        return await self._shelf.call(lambda connection: _read(connection, self._place(key)))

    async def _put(self, item: RawItem, condition: Condition | None) -> None:
        place = self._place(item)

        def write(connection: sqlite3.Connection) -> None:
            self._check(_read(connection, place), condition)
            connection.execute(_WRITE, (*place, _encode(item)))

        await self._shelf.call(write)

    async def _delete(self, key: RawItem, condition: Condition | None) -> None:
        place = self._place(key)

        def erase(connection: sqlite3.Connection) -> None:
            self._check(_read(connection, place), condition)
            connection.execute(_ERASE, place)

        await self._shelf.call(erase)

    async def _query(self, partition: str, wanted: Range, limit: int) -> tuple[list[RawItem], bool]:
        statement, values = _statement(partition, wanted, limit)
        rows = await self._shelf.call(lambda connection: connection.execute(statement, values).fetchall())
        return [_decode(row[0]) for row in rows[:limit]], len(rows) > limit

    def _place(self, item: RawItem) -> tuple[bytes, bytes]:
        sort = self.binding.sort_key
        return _bytes(item, self.binding.partition_key), b"" if sort is None else _bytes(item, sort)

    def _check(self, found: RawItem | None, condition: Condition | None) -> None:
        if condition is None:
            return
        holds = (
            found is None
            if condition.absent
            else found is not None and all(found.get(name) == value for name, value in condition.matches.items())
        )
        if not holds:
            raise ConditionFailedError(f"table {self.name}: the item is not as expected")


def _statement(partition: str, wanted: Range, limit: int) -> tuple[str, list[Any]]:
    clauses, values = ["partition = ?"], [partition.encode()]
    beginning = wanted.begins_with.encode()
    for clause, value in (
        ("sort >= ?", wanted.at_least), ("sort <= ?", wanted.at_most),
        ("sort < ?" if wanted.newest_first else "sort > ?", wanted.after),
    ):  # fmt: skip
        if value is not None:
            clauses.append(clause)
            values.append(value.encode())
    order = "desc" if wanted.newest_first else "asc"
    where = " and ".join([*clauses, "substr(sort, 1, ?) = ?"])
    statement = f"select body from item where {where} order by sort {order} limit ?"  # noqa: S608 - all of it is ours
    return statement, [*values, len(beginning), beginning, limit + 1]


def _bytes(item: RawItem, name: str) -> bytes:
    text: str = item[name]["S"]
    return text.encode()


def _read(connection: sqlite3.Connection, place: tuple[bytes, bytes]) -> RawItem | None:
    row = connection.execute(_READ, place).fetchone()
    return None if row is None else _decode(row[0])


def _encode(item: RawItem) -> str:
    return msgspec.json.encode(item).decode()


def _decode(text: str) -> RawItem:
    found: RawItem = msgspec.json.decode(text)
    return {name: _with_bytes(attribute) for name, attribute in found.items()}


def _with_bytes(attribute: dict[str, Any]) -> dict[str, Any]:
    """JSON has no bytes: msgspec wrote them in base64."""
    ((kind, value),) = attribute.items()
    match kind:
        case "B":
            return {kind: base64.b64decode(value)}
        case "L":
            return {kind: [_with_bytes(each) for each in value]}
        case "M":
            return {kind: {name: _with_bytes(each) for name, each in value.items()}}
        case _:
            return attribute
