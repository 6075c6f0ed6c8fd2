"""What becomes of a connection to RabbitMQ whose queues could not be declared."""

from __future__ import annotations

from typing import Any

import pytest

from rung.runtime.errors import UnavailableError
from rung.runtime.queue.rabbitmq.link import Link
from rung.runtime.queue.rabbitmq.topology import OtherKindError, Topology


class RecordingConnection:
    """A connection that notes whether it was closed."""

    is_opened = True
    is_closed = False
    server_properties: dict[str, Any] = {"version": "3.10.8"}  # noqa: RUF012 - nobody changes it

    async def close(self) -> None:
        self.is_closed = True


async def test_a_connection_whose_queues_are_of_another_kind_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker asks again every two seconds: a connection left open each time fills the server within hours.

    And what is open without its queues must not be used by the next call, as if they were there.
    """
    link = Link("amqp://nobody@localhost", Topology("orders", ("default",), 60.0), heartbeat_seconds=2)
    made: list[RecordingConnection] = []

    async def log_in() -> RecordingConnection:
        made.append(RecordingConnection())
        return made[-1]

    async def declare(connection: object) -> None:
        del connection
        raise OtherKindError("rung.orders.default", "inequivalent arg 'x-queue-type'")

    monkeypatch.setattr(link, "_log_in", log_in)
    monkeypatch.setattr(link, "_declare", declare)
    for _ in range(2):
        with pytest.raises(UnavailableError, match="R0517"):
            await link.channel("receiving")
    assert [connection.is_closed for connection in made] == [True, True]
    assert not link.is_open
