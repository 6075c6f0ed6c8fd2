"""The SMTP side: aiosmtpd, which takes every mail. Addresses that begin with `bounce` are refused for ever, those
that begin with `busy` for now: what a sender does then can be seen."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope, Session

from track.inbox.mailbox import Mailbox

MAIL_BYTES_MAX = 2 * 1024 * 1024

#: aiosmtpd writes a line for every command, which costs more than the command.
logging.getLogger("mail.log").setLevel(logging.WARNING)


class Handler:
    """What aiosmtpd calls; the names are its own."""

    def __init__(self, mailbox: Mailbox) -> None:
        self._mailbox = mailbox

    async def handle_EHLO(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        """Commands may come in one piece: they are read one after the other."""
        session.host_name = hostname
        return [*responses[:-1], "250-PIPELINING", responses[-1]]

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Refuse what asks for it."""
        if address.startswith("bounce"):
            return "550 5.1.1 no such mailbox here"
        if address.startswith("busy"):
            return "450 4.2.1 try again later"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Keep the mail."""
        content = envelope.content
        assert isinstance(content, bytes)
        mail = self._mailbox.take(envelope.mail_from or "", envelope.rcpt_tos, content)
        return f"250 OK queued as {mail}"


async def start(
    mailbox: Mailbox, *, handler: Handler | None = None, host: str = "127.0.0.1", port: int = 0
) -> asyncio.Server:
    """Take mail until the server is closed. Port 0: a free one."""
    taking = handler or Handler(mailbox)

    def conversation() -> Any:
        return SMTP(taking, data_size_limit=MAIL_BYTES_MAX, hostname="inbox.local", ident="track inbox")

    return await asyncio.get_running_loop().create_server(conversation, host, port)


def port_of(server: asyncio.Server) -> int:
    """The port that a server listens on."""
    port: int = server.sockets[0].getsockname()[1]
    return port
