"""Who was told to leave is closed, once it could read the answer; nobody else is touched."""

from __future__ import annotations

import socket
import sys
from collections.abc import Iterator

import pytest

from rung.runtime.http import stalled
from rung.runtime.http.stalled import StalledConnections
from rung.runtime.http.state import ServerState

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells and is told")


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.socket() as it:
        it.bind(("127.0.0.1", 0))
        it.listen(8)
        yield it


async def test_a_client_that_was_told_to_leave_is_closed_and_its_neighbour_is_not(
    listener: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = ServerState()
    watch = StalledConnections(listener.getsockname()[1], state)
    with (
        socket.create_connection(listener.getsockname(), timeout=5) as leaving,
        socket.create_connection(listener.getsockname(), timeout=5) as staying,
    ):
        served = [listener.accept()[0], listener.accept()[0]]
        served[0].sendall(b"answer")
        host, port = leaving.getsockname()
        state.ask_to_leave((host, str(port)))  # granian's port is text
        assert await watch.close_leaving() == 0, "it has had no time to read the answer"
        monkeypatch.setattr(stalled, "_LEAVING_SECONDS", 0.0)
        assert await watch.close_leaving() == 1
        assert leaving.recv(100) == b"answer"
        assert leaving.recv(100) == b""
        served[1].sendall(b"still here")
        assert staying.recv(100) == b"still here"
        assert await watch.close_leaving() == 0, "each is closed once: its address may be somebody else's soon"
        for connection in served:
            connection.close()


def test_a_client_whose_next_request_is_served_already_is_not_asked_twice() -> None:
    state = ServerState()
    state.ask_to_leave(None)
    state.ask_to_leave(("127.0.0.1", 50001))
    assert state.take_leaving(0.0) == {("127.0.0.1", 50001)}
    assert state.take_leaving(0.0) == set()
