"""A table: items by partition key and sort key, written under conditions, read by key or in the order of a key."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rung.errors import ApplicationError
from rung.runtime.bindings import TableBinding
from rung.runtime.clock import SYSTEM_CLOCK, Clock
from rung.runtime.items.values import Attribute, from_item, size_of, to_attribute, to_item

#: Source of all four: AWS, "Quotas in Amazon DynamoDB".
ITEM_BYTES_MAX = 400 * 1_024
PARTITION_KEY_BYTES_MAX, SORT_KEY_BYTES_MAX = 2_048, 1_024
PAGE_MAX = 1_000

Item = dict[str, Any]
RawItem = dict[str, Attribute]


class ConditionFailedError(ApplicationError):
    """The item is not what a write expected; nothing was written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """What the item by a key must be for a write: absent, or with these attributes."""

    absent: bool = False
    matches: Mapping[str, Attribute]


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """The sort keys that a query asks for, both ends included; `after` is where the last page ended."""

    begins_with: str = ""
    at_least: str | None = None
    at_most: str | None = None
    after: str | None = None
    newest_first: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Items in the order of their sort keys. `next`: what `after` takes for the next page, which may be empty."""

    items: tuple[Item, ...]
    next: str | None = None


class Table(ABC):
    """One table. All methods raise UnavailableError, OverloadedError and BindingError (no right, no table).

    Keys are text. Numbers come back as int or Decimal; a float is refused. An item whose moment in the table's
    `ttl_attribute` is past is gone, although DynamoDB deletes it up to days later.
    """

    def __init__(self, name: str, binding: TableBinding, *, clock: Clock = SYSTEM_CLOCK) -> None:
        self.name = name
        self.binding = binding
        self._clock = clock

    async def get(self, partition: str, sort: str | None = None) -> Item | None:
        """The item as it was last written; None when there is none."""
        raw = await self._get(self._key(partition, sort))
        return from_item(raw) if raw is not None and self._lives(raw) else None

    async def put(
        self, item: Mapping[str, Any], *, if_absent: bool = False, if_matches: Mapping[str, Any] | None = None
    ) -> None:
        """Write an item as a whole, in place of the one with its keys.

        `if_absent`: only when there is none; `if_matches={"version": 3}`: only when the one there has these
        attributes. Raises ConditionFailedError, ValueError for wrong keys or more than 400 KiB.
        """
        raw = to_item(item)
        keys = [item.get(name) for name in self._key_names]
        self._key(*keys)
        if size_of(raw) > ITEM_BYTES_MAX:
            raise ValueError(f"table {self.name}: the item has more than {ITEM_BYTES_MAX:,} bytes")
        await self._put(raw, _condition(if_absent, if_matches))

    async def delete(
        self, partition: str, sort: str | None = None, *, if_matches: Mapping[str, Any] | None = None
    ) -> None:
        """There is no such item afterwards. With `if_matches`, ConditionFailedError, also without an item."""
        await self._delete(self._key(partition, sort), _condition(False, if_matches))

    async def query(
        self, partition: str, *, begins_with: str = "", at_least: str | None = None, at_most: str | None = None,
        newest_first: bool = False, after: str | None = None, limit: int = 100,
    ) -> Page:  # fmt: skip
        """The items of a partition in the order of their sort keys' UTF-8 bytes, a page of `limit` at most.

        `newest_first` turns the order round. Raises ValueError for a table without a sort key, and for
        `begins_with` together with a bound.
        """
        if self.binding.sort_key is None:
            raise ValueError(f"table {self.name} has no sort key: get() is all there is to ask")
        if begins_with and (at_least is not None or at_most is not None):
            raise ValueError("begins_with, or bounds: DynamoDB takes one condition on the sort key")
        if not 1 <= limit <= PAGE_MAX:
            raise ValueError(f"limit {limit}: 1 to {PAGE_MAX:,} at once")
        _check_key("partition", partition, PARTITION_KEY_BYTES_MAX)
        wanted = Range(
            begins_with=begins_with, at_least=at_least, at_most=at_most, after=after, newest_first=newest_first
        )
        found, more = await self._query(partition, wanted, limit)
        last = found[-1][self.binding.sort_key]["S"] if found and more else None
        return Page(items=tuple(from_item(raw) for raw in found if self._lives(raw)), next=last)

    @property
    def _key_names(self) -> tuple[str, ...]:
        sort = self.binding.sort_key
        return (self.binding.partition_key,) if sort is None else (self.binding.partition_key, sort)

    def _key(self, partition: Any, sort: Any = None) -> RawItem:
        names = self._key_names
        if (sort is None) != (len(names) == 1):
            wanted = " and ".join(names)
            raise ValueError(f"table {self.name}: a key is {wanted}")
        _check_key(names[0], partition, PARTITION_KEY_BYTES_MAX)
        if len(names) > 1:
            _check_key(names[1], sort, SORT_KEY_BYTES_MAX)
        return {name: {"S": value} for name, value in zip(names, (partition, sort), strict=False)}

    def _lives(self, raw: RawItem) -> bool:
        moment = raw.get(self.binding.ttl_attribute or "", {}).get("N")
        return moment is None or float(moment) > self._clock.now().timestamp()

    @abstractmethod
    async def close(self) -> None:
        """Let go of threads and connections."""

    @abstractmethod
    async def _get(self, key: RawItem) -> RawItem | None: ...

    @abstractmethod
    async def _put(self, item: RawItem, condition: Condition | None) -> None: ...

    @abstractmethod
    async def _delete(self, key: RawItem, condition: Condition | None) -> None: ...

    @abstractmethod
    async def _query(self, partition: str, wanted: Range, limit: int) -> tuple[list[RawItem], bool]: ...


def _condition(absent: bool, matches: Mapping[str, Any] | None) -> Condition | None:
    if absent and matches:
        raise ValueError("if_absent, or if_matches: an item that is not there has no attributes")
    if not absent and not matches:
        return None
    return Condition(absent=absent, matches={name: to_attribute(value) for name, value in (matches or {}).items()})


def _check_key(name: str, value: Any, most: int) -> None:
    if not isinstance(value, str):
        raise ValueError(f"the key {name} is text, not a {type(value).__name__}")
    if not 1 <= len(value.encode()) <= most:
        raise ValueError(f"the key {name} has 1 to {most:,} bytes of UTF-8, this one has {len(value.encode()):,}")
