"""What the shop uses, by the names that workload.py gives it. Opened at first use, closed when the process drains.

Each is looked up when a module first imports it: a schedule that uses the database alone has no binding for
the cache, and needs none.
"""

from __future__ import annotations

import time
from functools import lru_cache
from typing import TYPE_CHECKING

from rung.runtime import cache, database, queue, secret
from rung.runtime.http import PageCodec

if TYPE_CHECKING:
    from rung.runtime import Cache, Database, Queue

    db: Database
    store: Cache  # sessions, counters: small values
    pages: Cache  # encoded answers
    orders: Queue

SECRET_SECONDS = 60
#: A page that is changed is forgotten everywhere at once; thousands that nobody changed need not be asked for.
PAGE_MEMORY_SECONDS = 30.0


def __getattr__(name: str) -> object:
    match name:
        case "db":
            return database("db")
        case "store":
            return cache("cache")
        case "pages":
            return cache("cache", codec=PageCodec(), memory_seconds=PAGE_MEMORY_SECONDS)
        case "orders":
            return queue("orders")
        case _:
            raise AttributeError(f"the shop uses db, store, pages and orders, not {name!r}")


def key_of(name: str) -> bytes:
    """The value of a secret as bytes, read again every minute so that a rotated one is taken up."""
    return _key_of(name, int(time.monotonic() // SECRET_SECONDS))


@lru_cache(maxsize=8)
def _key_of(name: str, _minute: int) -> bytes:
    return secret(name).encode()
