"""How many statements an action runs: the budget that keeps a page from asking once per row."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar


class QueryCount:
    """Statements sent since the block began, begin and commit included."""

    __slots__ = ("_outer", "queries")

    def __init__(self, outer: QueryCount | None) -> None:
        self._outer = outer
        self.queries = 0

    def add(self) -> None:
        """One more, here and in the blocks around."""
        self.queries += 1
        if self._outer is not None:
            self._outer.add()


_counter: ContextVar[QueryCount | None] = ContextVar("rung_query_count", default=None)


@contextmanager
def count_queries() -> Iterator[QueryCount]:
    """Count what this task and the tasks it starts send to any database inside the block.

    >>> with count_queries() as count:
    ...     await client.get("/products")
    >>> assert count.queries <= 3
    """
    counter = QueryCount(_counter.get())
    token = _counter.set(counter)
    try:
        yield counter
    finally:
        _counter.reset(token)


def count() -> None:
    """One statement is about to be sent."""
    counter = _counter.get()
    if counter is not None:
        counter.add()
