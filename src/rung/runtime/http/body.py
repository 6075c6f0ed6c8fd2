"""Request bodies: how large, how slow, how compressed, how broken they may be."""

from __future__ import annotations

import re
import zlib
from typing import TypeVar

import msgspec

from rung.runtime.http.asgi import Receive
from rung.runtime.http.problem import BODY_TOO_LARGE, HttpError

Decoded = TypeVar("Decoded")

_UNZIP_CHUNK_BYTES = 65_536
_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")


class BodyTooLargeError(HttpError):
    """The body has outgrown its limit; the rest was not read."""

    def __init__(self) -> None:
        super().__init__(BODY_TOO_LARGE.status, BODY_TOO_LARGE.code, BODY_TOO_LARGE.detail)


class Unzipper:
    """Decodes gzip or deflate a chunk at a time and never holds more than the limit (F21)."""

    def __init__(self, *, limit_bytes: int, ratio_max: int) -> None:
        self._inflate = zlib.decompressobj(wbits=47)  # 32 + 15: gzip or zlib, told by the header
        self._limit_bytes = limit_bytes
        self._ratio_max = ratio_max
        self._read_bytes = 0
        self._written_bytes = 0

    def feed(self, data: bytes) -> bytes:
        """The plain bytes of `data`. BodyTooLargeError past the limit or the ratio; HttpError 400 if broken."""
        self._read_bytes += len(data)
        allowed = min(self._limit_bytes, max(_UNZIP_CHUNK_BYTES, self._read_bytes * self._ratio_max))
        try:
            plain = self._inflate.decompress(data, allowed - self._written_bytes + 1)
        except zlib.error:
            raise HttpError(400, "content-encoding", "the compressed body is broken") from None
        self._written_bytes += len(plain)
        if self._written_bytes > allowed:
            raise BodyTooLargeError
        return plain


def json_value(data: bytes, kind: type[Decoded]) -> Decoded:
    """`data` as a `kind`, or HttpError 400 (not JSON) or 422 (not a `kind`), in bounded time (F23).

    msgspec itself refuses NaN, invalid UTF-8, lone surrogates, numbers that fit no 64 bits and nesting beyond
    the stack, each within milliseconds. Of duplicate keys the last one wins (RFC 8259, section 4). The error
    names the path (`$.lines[0].quantity`) and never repeats the value.
    """
    if b"\\u0000" in data and _NUL.search(data):
        raise HttpError(400, "nul-character", "a string contains U+0000, which no database stores")
    try:
        return msgspec.json.decode(data, type=kind)
    except msgspec.ValidationError as error:
        raise HttpError(422, "invalid-value", str(error)) from None
    except UnicodeDecodeError:
        raise HttpError(400, "invalid-utf-8", "the body is not UTF-8") from None
    except RecursionError:
        raise HttpError(400, "too-deep", "the body nests too deeply") from None
    except msgspec.DecodeError:
        raise HttpError(400, "invalid-json", "the body is not JSON") from None


async def json_body(receive: Receive, kind: type[Decoded], *, limit_bytes: int = 1_000_000) -> Decoded:
    """The whole body of the request as a `kind`; errors as in `json_value`, and 413 past `limit_bytes`."""
    return json_value(await read_body(receive, limit_bytes=limit_bytes), kind)


async def read_body(receive: Receive, *, limit_bytes: int = 1_000_000) -> bytes:
    """All bytes of the body. BodyTooLargeError past `limit_bytes`; HttpError 400 when the client is gone."""
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            raise HttpError(400, "client-gone", "the connection ended within the body")
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > limit_bytes:
            raise BodyTooLargeError
        chunks.append(chunk)
        if not message.get("more_body", False):
            return b"".join(chunks)
