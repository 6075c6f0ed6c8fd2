"""Reading HTTP/1.1 responses at the least cost.

Nearly every response an API sends is one read, with a Content-Length: `scan` finds its end with a few
`bytes.find` calls. Whatever else there is (chunked, no length, interim 1xx) goes through llhttp (httptools).
"""

from __future__ import annotations

import re
from typing import NamedTuple

import httptools

_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d+)", re.IGNORECASE)
_CHUNKED = re.compile(rb"\r\ntransfer-encoding:", re.IGNORECASE)
_CLOSE = re.compile(rb"\r\nconnection:[ \t]*close", re.IGNORECASE)
_COOKIE = re.compile(rb"\r\nset-cookie:[ \t]*([^=;\s]+)=([^;\r]*)(;[^\r]*)?", re.IGNORECASE)
_EXPIRED = re.compile(rb"max-age=(0|-\d+)\s*(;|$)|expires=[^;]*1970", re.IGNORECASE)
HEAD_BYTES_MAX = 64 * 1024

_BODILESS = (b"204", b"304")


class GarbageError(Exception):
    """What came is no HTTP response."""


class Frame(NamedTuple):
    """Where one response lies in the bytes received so far."""

    status: int
    head_end: int
    end: int  # -1: not known from the head alone; a parser must find it


def scan(data: bytes) -> Frame | None:
    """The frame of the response at the start of `data`; None when its head is not complete.

    Raises GarbageError.
    """
    head_end = data.find(b"\r\n\r\n")
    if head_end < 0:
        if len(data) > HEAD_BYTES_MAX or (len(data) >= 5 and not data.startswith(b"HTTP/")):
            raise GarbageError(data[:32])
        return None
    code = data[9:12]
    if not data.startswith(b"HTTP/1.") or not code.isdigit():
        raise GarbageError(data[:32])
    body = head_end + 4
    position = data.find(b"\r\ncontent-length: ", 0, head_end)
    if position > 0:  # what granian, uvicorn and hyper write: lower case, one space, digits
        digits = data[position + 18 : data.find(b"\r", position + 18, body)]
        if digits.isdigit() and code not in _BODILESS and code[0] != 49:
            return Frame(int(code), head_end, body + int(digits))
    return _scan_slowly(data, code, head_end)


def _scan_slowly(data: bytes, code: bytes, head_end: int) -> Frame:
    status, body = int(code), head_end + 4
    if code in _BODILESS:
        return Frame(status, head_end, body)
    if status < 200 or _CHUNKED.search(data, 0, head_end):
        return Frame(status, head_end, -1)
    length = _LENGTH.search(data, 0, head_end + 2)
    return Frame(status, head_end, body + int(length[1]) if length else -1)


def closes(head: bytes) -> bool:
    """Whether the server says that it closes the connection after this response."""
    return _CLOSE.search(head) is not None


def cookies(head: bytes) -> list[tuple[str, str | None]]:
    """(name, value) of each cookie set; the value is None where the server takes the cookie back."""
    found: list[tuple[str, str | None]] = []
    for match in _COOKIE.finditer(head):
        gone = match[3] is not None and _EXPIRED.search(match[3]) is not None
        found.append((match[1].decode("latin-1"), None if gone else match[2].decode("latin-1")))
    return found


class Parser:
    """The slow road: feeds llhttp until one final response is complete.

    A response without a length ends when the server closes: `finish` says whether that made it whole.
    """

    def __init__(self) -> None:
        self.done = False
        self.status = 0
        self.head = b""
        self._parser = httptools.HttpResponseParser(self)
        self._body: list[bytes] = []
        self._lines: list[bytes] = []
        self._delimited = False

    @property
    def body(self) -> bytes:
        """The decoded body."""
        return b"".join(self._body)

    def feed(self, data: bytes) -> None:
        """Raises GarbageError."""
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as problem:
            raise GarbageError(data[:32]) from problem

    def finish(self) -> bool:
        """The server closed the connection: True when that is how this response says that it ends."""
        if self.status >= 200 and not self.done and not self._delimited:
            self.done = True
            return True
        return False

    # Called by llhttp.
    def on_message_begin(self) -> None:
        """A response begins, perhaps after an interim one: forget that."""
        self._lines, self._body, self._delimited = [], [], False

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header line."""
        self._lines.append(name + b": " + value)
        if name.lower() in (b"content-length", b"transfer-encoding"):
            self._delimited = True

    def on_headers_complete(self) -> None:
        """The head is whole."""
        self.status = self._parser.get_status_code()
        self.head = b"\r\n".join([b"HTTP/1.1 %d" % self.status, *self._lines])

    def on_body(self, body: bytes) -> None:
        """A part of the body, decoded."""
        self._body.append(body)

    def on_message_complete(self) -> None:
        """The response is whole; an interim one (1xx) is not the answer."""
        if self.status >= 200:
            self.done = True
