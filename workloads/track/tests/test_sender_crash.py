"""Exactly one effect: a sender that is killed between sending and recording leaves one mail in the inbox.

The sender is the real worker process, the mail server a real one. It stops answering right after it has kept the
mail, so that the sender is certainly between the two when it is killed; the next sender gets the same message.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

from rung.runtime import bindings
from track.inbox.mailbox import Mailbox
from track.inbox.server import Handler, port_of, start

WORKLOAD = Path(__file__).resolve().parent.parent
PATIENCE_SECONDS = 40.0
LEASE_SECONDS = 1.0

pytestmark = pytest.mark.fault


class Stubborn(Handler):
    """Keeps a mail and, at first, never says so."""

    def __init__(self, mailbox: Mailbox) -> None:
        super().__init__(mailbox)
        self.silent = True
        self.kept = asyncio.Event()

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        answer = await super().handle_DATA(server, session, envelope)
        self.kept.set()
        if self.silent:
            await asyncio.Event().wait()
        return answer


async def _sender(track: Any, url: str, variables: dict[str, str]) -> asyncio.subprocess.Process:
    queue = bindings.QueueBinding(
        url=track.url, lanes=("system", "transactional", "campaign"), max_receive_count=8,
        visibility_timeout_seconds=LEASE_SECONDS,
    )  # fmt: skip
    environment = {
        **os.environ, **variables, "RUNG_ENVIRONMENT": "local", "PYTHONPATH": str(WORKLOAD),
        bindings.variable_name("mails"): bindings.encode(queue),
        bindings.variable_name("inbox"): bindings.encode(bindings.ServiceBinding(url=url)),
    }  # fmt: skip
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "rung.runtime.worker", "--name", "sender", "--queue", "mails",
        "--handler", "track.mails.sender:handle", cwd=WORKLOAD, env=environment,
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip


async def _where_mail_is_taken(port: int) -> asyncio.Server:
    """What the inbox answers when a sender asks where it takes mail."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        body = msgspec.json.encode({"host": "127.0.0.1", "port": port})
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\nconnection: close\r\n\r\n%b" % (len(body), body))
        writer.close()

    return await asyncio.start_server(answer, "127.0.0.1", 0)


async def test_a_sender_killed_between_sending_and_recording_sends_once(track: Any, track_servers: Any) -> None:
    office, mailbox = await track.office(), Mailbox()
    stubborn = Stubborn(mailbox)
    smtp = await start(mailbox, handler=stubborn)
    http = await _where_mail_is_taken(port_of(smtp))
    body = {"subject": "Once", "html": "<p>Once</p>", "recipients": [{"email": "ada@readers.example"}]}
    [mail] = (await office.owner.post(f"{office.path}/mails", body)).json["mails"]
    url = f"http://127.0.0.1:{port_of(http)}"
    first = await _sender(track, url, track_servers.variables)
    second = None
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            await stubborn.kept.wait()
        assert (mailbox.count, await track.state(mail["id"])) == (1, "sending")
        first.send_signal(signal.SIGKILL)
        await first.wait()
        stubborn.silent = False
        second = await _sender(track, url, track_servers.variables)
        async with asyncio.timeout(PATIENCE_SECONDS):
            while await track.state(mail["id"]) != "sent":  # noqa: ASYNC110 - it happens in another process
                await asyncio.sleep(0.05)  # a real process has to act
        assert (mailbox.count, mailbox.duplicates) == (1, 1), "asked twice, under one key"
    finally:
        for process in (first, second):
            if process is not None and process.returncode is None:
                process.kill()
                await process.wait()
        smtp.close()
        http.close()
