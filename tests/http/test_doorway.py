"""A port that is being closed: what is connected is waited for, what is not is refused before it could send."""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import Iterator
from typing import Any, ClassVar, cast

import pytest

from rung.runtime.http.doorway import Doorway
from rung.runtime.http.request import Request
from rung.runtime.http.state import ServerState

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells and is told")


class Served:
    """A request as granian hands it over."""

    scope: ClassVar[dict[str, Any]] = {"client": ("127.0.0.1", "50001")}


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.socket() as it:
        it.bind(("127.0.0.1", 0))
        it.listen(8)
        yield it


def doorway_of(listener: socket.socket) -> Doorway:
    return Doorway(listener.getsockname()[1])


async def test_whoever_is_connected_is_waited_for_until_answered(listener: socket.socket) -> None:
    doorway = doorway_of(listener)
    with socket.create_connection(listener.getsockname()) as client:
        doorway.close()
        assert not await doorway.empty(0.2), "it is in the queue"
        served, _ = listener.accept()
        with served:
            assert not await doorway.empty(0.2), "its first request is on the way"
            client.sendall(b"request")
            assert not await doorway.empty(0.2), "its request is not answered"
            served.sendall(b"answer")
            assert await doorway.empty(1.0), "it is idle"


async def test_a_connection_that_comes_too_late_never_begins(listener: socket.socket) -> None:
    doorway = doorway_of(listener)
    doorway.close()
    late = asyncio.create_task(asyncio.open_connection(*listener.getsockname()))
    assert await doorway.empty(1.0)
    assert not late.done()
    listener.close()
    with pytest.raises(ConnectionRefusedError):
        await late


async def test_other_ports_are_none_of_its_business(listener: socket.socket) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen(8)
        doorway = doorway_of(listener)
        doorway.close()
        with socket.create_connection(other.getsockname(), timeout=1):
            assert await doorway.empty(1.0)


async def test_a_port_that_is_not_closed_is_not_waited_for(listener: socket.socket) -> None:
    with socket.create_connection(listener.getsockname()):
        assert await doorway_of(listener).empty(0.0)


def test_a_request_that_is_served_for_long_is_known_by_the_address_that_the_kernel_gives() -> None:
    """Otherwise its connection is taken for a stalled header and cut after 8 s; granian's port is text."""
    state = ServerState()
    state.in_flight.add(cast("Request", Served()))
    assert state.peers() == {("127.0.0.1", 50001)}
