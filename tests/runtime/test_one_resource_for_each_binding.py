"""A name alone says nothing: two programs in one process may both have a database that is called `db`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from rung.runtime import bindings, cache, database, queue

FIRST, SECOND = "//one.invalid/0", "//two.invalid/0"


@pytest.mark.parametrize(
    ("resource", "binding"),
    [
        (database, lambda place: bindings.PostgresBinding(url=f"postgresql:{place}")),
        (cache, lambda place: bindings.CacheBinding(url=f"redis:{place}")),
        (queue, lambda place: bindings.QueueBinding(url=f"postgresql:{place}")),
    ],
    ids=["database", "cache", "queue"],
)
def test_a_binding_has_one_resource_and_another_binding_of_that_name_another(
    resource: Callable[[str], Any], binding: Callable[[str], bindings.Binding], monkeypatch: pytest.MonkeyPatch
) -> None:
    def bound(place: str) -> Any:
        monkeypatch.setenv(bindings.variable_name("data"), bindings.encode(binding(place)))
        return resource("data")

    first, second = bound(FIRST), bound(SECOND)
    assert first is bound(FIRST)
    assert second is bound(SECOND)
    assert first is not second


def test_caches_of_one_binding_share_their_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    found = bindings.CacheBinding(url=f"redis:{FIRST}")
    monkeypatch.setenv(bindings.variable_name("data"), bindings.encode(found))
    short, long = cache("data", memory_seconds=1.0), cache("data", memory_seconds=60.0)
    assert short is not long
    assert short.connection is long.connection
