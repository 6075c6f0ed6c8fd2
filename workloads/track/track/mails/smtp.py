"""Mail by SMTP (RFC 5321, pipelined by RFC 2920) into an inbox that remembers keys.

For the inbox of this machine: without TLS and without a login. Several connections are kept, each used by one
caller at a time; a mail is two turns on it.
"""

from __future__ import annotations

import asyncio
import http.client
from collections.abc import Sequence
from urllib.parse import urlsplit

import msgspec

from rung.runtime import bindings, lifespan
from track.mails.provider import Failed, Outcome, Outgoing, Refused, Sent, Unknown

TURN_SECONDS = 10.0
CONNECTIONS_MAX = 4
HOST_NAME = "track.local"


class SmtpAddress(msgspec.Struct, frozen=True, kw_only=True):
    """Where the inbox takes mail."""

    host: str
    port: int


class _Connection:
    """One conversation. Raises OSError, TimeoutError or EOFError when it breaks."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._pipelines = False

    @classmethod
    async def open(cls, address: SmtpAddress) -> _Connection:
        async with asyncio.timeout(TURN_SECONDS):
            found = cls(*await asyncio.open_connection(address.host, address.port))
            await found._reply()
            found._writer.write(f"EHLO {HOST_NAME}\r\n".encode())
            _, extensions = await found._reply()
            found._pipelines = "PIPELINING" in extensions.upper().split()
            return found

    async def send(self, mail: Outgoing) -> Outcome:
        """One mail. Once its content is on the way, a lost answer is an unknown outcome."""
        envelope = [f"MAIL FROM:<{mail.sender}>", f"RCPT TO:<{mail.recipient}>", "DATA"]
        async with asyncio.timeout(TURN_SECONDS):
            refused = await self._begin(envelope)
        if refused is not None:
            return refused
        try:
            async with asyncio.timeout(TURN_SECONDS):
                self._writer.write(_dotted(mail.content) + b".\r\n")
                code, text = await self._reply()
        except (OSError, TimeoutError, EOFError) as error:
            self.close()
            return Unknown(f"{type(error).__name__} after the mail was handed over")
        return Sent(text.rpartition(" ")[2][:100]) if code == 250 else _refusal(code, text, bounced=False)

    async def _begin(self, envelope: list[str]) -> Outcome | None:
        """MAIL, RCPT and DATA, in one turn where the server can; the refusal, if one comes."""
        if self._pipelines:
            self._writer.write("".join(f"{line}\r\n" for line in envelope).encode())
            replies = [await self._reply() for _ in envelope]
        else:
            replies = []
            for line in envelope:
                self._writer.write(f"{line}\r\n".encode())
                replies.append(await self._reply())
                if replies[-1][0] >= 400:
                    break
        wrong = next((each for each in enumerate(replies) if each[1][0] >= 400), None)
        if wrong is None:
            return None
        if replies[-1][0] == 354:  # the server waits for content of a mail that it refuses
            self.close()
        else:
            self._writer.write(b"RSET\r\n")
            await self._reply()
        return _refusal(*wrong[1], bounced=wrong[0] == 1)

    async def _reply(self) -> tuple[int, str]:
        lines = []
        while True:
            line = await self._reader.readline()
            if not line.endswith(b"\n"):
                raise EOFError("the server has hung up")
            lines.append(line[4:].decode("utf-8", "replace").strip())
            if line[3:4] != b"-":
                return int(line[:3]), " ".join(lines)

    @property
    def is_open(self) -> bool:
        return not self._writer.is_closing()

    def close(self) -> None:
        self._writer.close()


def _dotted(content: bytes) -> bytes:
    """A line that begins with a dot gets another (RFC 5321, 4.5.2)."""
    stuffed = content.replace(b"\r\n.", b"\r\n..")
    return b"." + stuffed if stuffed.startswith(b".") else stuffed


def _refusal(code: int, text: str, *, bounced: bool) -> Outcome:
    reason = f"{code} {text}"[:300]
    return Refused(reason, bounced=bounced) if code >= 500 else Failed(reason)


class SmtpProvider:
    """Sends over a few connections that stay open."""

    remembers_keys = True

    def __init__(self, address: SmtpAddress | None, *, inbox_url: str = "") -> None:
        self._address = address
        self._inbox_url = inbox_url
        self._idle: list[_Connection] = []
        self._slots = asyncio.Semaphore(CONNECTIONS_MAX)
        lifespan.register("smtp", close=self.close)

    @classmethod
    def of_the_inbox(cls) -> SmtpProvider:
        """The one that the service `inbox` says it listens at, asked when the first mail is sent."""
        return cls(None, inbox_url=bindings.binding("inbox", bindings.ServiceBinding).url)

    async def send(self, mails: Sequence[Outgoing]) -> list[Outcome]:
        """Deliver; one outcome for each, in order."""
        async with self._slots:
            return [await self._send(mail) for mail in mails]

    async def _send(self, mail: Outgoing) -> Outcome:
        try:
            connection = await self._connection()
            outcome = await connection.send(mail)
        except (OSError, TimeoutError, EOFError, ValueError) as error:
            self._address = None if self._inbox_url else self._address
            return Failed(f"the mail server does not answer: {type(error).__name__}")
        if connection.is_open:
            self._idle.append(connection)
        return outcome

    async def _connection(self) -> _Connection:
        while self._idle:
            connection = self._idle.pop()
            if connection.is_open:
                return connection
        if self._address is None:
            self._address = await asyncio.to_thread(_ask, self._inbox_url)
        return await _Connection.open(self._address)

    async def close(self) -> None:
        """End what is open."""
        while self._idle:
            self._idle.pop().close()


def _ask(url: str) -> SmtpAddress:
    """Where the inbox takes mail: it says so over HTTP."""
    place = urlsplit(url)
    connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=TURN_SECONDS)
    try:
        connection.request("GET", "/api/inbox/smtp")
        answer = connection.getresponse()
        if answer.status != 200:
            raise OSError(f"the inbox answers {answer.status}")
        return msgspec.json.decode(answer.read(10_000), type=SmtpAddress)
    except http.client.HTTPException as error:
        raise OSError(str(error)) from error
    finally:
        connection.close()
