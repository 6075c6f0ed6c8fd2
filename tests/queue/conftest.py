"""The order of the tests of RabbitMQ: those that end the node come last."""

from __future__ import annotations

import pytest


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A queue that was declared just before a crash of RabbitMQ 3.10 may never answer again (ADR 0017)."""
    items.sort(key=lambda item: "crash" in item.name and "rabbitmq" in item.nodeid)
