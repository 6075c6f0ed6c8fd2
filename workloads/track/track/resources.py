"""What track uses, by the names that workload.py gives it. Opened at first use, closed when the process drains."""

from __future__ import annotations

import os
import time
from functools import lru_cache
from typing import TYPE_CHECKING

from rung.runtime import bindings, bucket, cache, database, queue, secret

if TYPE_CHECKING:
    from rung.runtime import Bucket, Cache, Database, Queue

    db: Database
    store: Cache
    outgoing: Queue  # mails to be sent
    stripe_events: Queue
    deliveries_queue: Queue
    tombstones: Bucket  # who was forgotten, beyond the reach of a restore

SECRET_SECONDS = 60
#: The domains of workload.py.
DOMAINS = {
    "local": "http://127.0.0.1:8000",
    "staging": "https://staging.track.example.com",
    "prod": "https://track.example.com",
}


def __getattr__(name: str) -> object:
    match name:
        case "db":
            return database("db")
        case "store":
            return cache("cache")
        case "outgoing":
            return queue("mails")
        case "stripe_events":
            return queue("stripe-events")
        case "deliveries_queue":
            return queue("deliveries")
        case "tombstones":
            return bucket("tombstones")
        case _:
            raise AttributeError(f"track has no resource {name!r}")


def bind_nothing() -> None:
    """For commands that import everything and open nothing: bindings that lead nowhere."""
    nowhere: dict[str, bindings.Binding] = {
        "db": bindings.PostgresBinding(url="postgresql://nowhere.invalid/db"),
        "cache": bindings.CacheBinding(url="redis://nowhere.invalid"),
    }
    nowhere["tombstones"] = bindings.BucketBinding(name="nowhere")
    for name in ("mails", "stripe-events", "deliveries"):
        nowhere[name] = bindings.QueueBinding(url="postgresql://nowhere.invalid/db")
    for name, each in nowhere.items():
        os.environ.setdefault(bindings.variable_name(name), bindings.encode(each))


def key_of(name: str) -> bytes:
    """The value of a secret as bytes, read again every minute so that a rotated one is taken up."""
    return _key_of(name, int(time.monotonic() // SECRET_SECONDS))


@lru_cache(maxsize=16)
def _key_of(name: str, _minute: int) -> bytes:
    return secret(name).encode()


def public_url() -> str:
    """Where people reach this installation, without a slash at its end: what links in mails begin with.

    TRACK_URL, else the domain of the environment. Never the Host of a request: whoever asks chooses that.
    """
    environment = os.environ.get("RUNG_ENVIRONMENT", "local")
    return os.environ.get("TRACK_URL", DOMAINS.get(environment, DOMAINS["local"])).rstrip("/")


def is_local() -> bool:
    """Whether this is `rung dev`, or a test: mail goes to the inbox, and money is play money."""
    return os.environ.get("RUNG_ENVIRONMENT", "local") == "local"
