"""A folder of static files as an ASGI application: ETag, Last-Modified, Range, precompressed variants, SPA."""

from __future__ import annotations

import asyncio
import mimetypes
import re
from collections import OrderedDict
from dataclasses import dataclass
from email.utils import formatdate, parsedate_to_datetime
from pathlib import Path
from stat import S_ISREG
from typing import BinaryIO

from rung.runtime.http.asgi import Header, Receive, Scope, Send
from rung.runtime.http.problem import HttpError

_MEMORY_FILE_BYTES = 1_000_000
_MEMORY_BYTES = 64_000_000
_CHUNK_BYTES = 262_144
#: `app.3f9a1c2b.js`: the name changes with the content, so the content never changes.
_HEXADECIMAL = re.compile(r"[.-](?=[0-9a-f]*\d)[0-9a-f]{8,}\.\w+$")
_RANGE = re.compile(r"bytes=(\d*)-(\d*)$", re.ASCII)
_ENCODINGS = (("br", ".br"), ("gzip", ".gz"))


@dataclass(frozen=True, slots=True)
class StaticFile:
    """One file as it is on disk now."""

    path: Path
    size_bytes: int
    modified_ns: int
    content_type: bytes
    encoding: str | None

    @property
    def etag(self) -> bytes:
        """Changes whenever the file does, and differs between its encodings."""
        return f'"{self.modified_ns:x}-{self.size_bytes:x}{"-" + self.encoding if self.encoding else ""}"'.encode()


class StaticSite:
    """Serves `directory` and nothing outside of it."""

    def __init__(self, directory: Path, *, spa: bool) -> None:
        self._root = directory.resolve()
        self._spa = spa
        self._memory: OrderedDict[tuple[Path, int, int], bytes] = OrderedDict()
        self._memory_bytes = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; HttpError 404, 405 or 416 for what cannot be served."""
        if scope["type"] != "http":
            raise HttpError(404, "not-found", "a static site has no such protocol")
        if scope["method"] not in {"GET", "HEAD"}:
            raise HttpError(405, "method-not-allowed", "a static site answers GET and HEAD")
        asked = {name: value.decode("latin-1") for name, value in scope["headers"]}
        file = self._find(scope["path"], asked.get(b"accept-encoding", ""), asked.get(b"accept", "*/*"))
        if file is None:
            raise HttpError(404, "not-found", "there is no such file")
        headers = _headers(file)
        if _is_unchanged(file, asked):
            await _answer(send, 304, headers, b"")
            return
        first, last = _range(asked.get(b"range"), asked.get(b"if-range"), file)
        partial = (first, last) != (0, file.size_bytes - 1)
        if partial:
            headers.append((b"content-range", b"bytes %d-%d/%d" % (first, last, file.size_bytes)))
        headers.append((b"content-length", b"%d" % (last - first + 1)))
        await self._send_file(send, scope["method"], 206 if partial else 200, headers, file, (first, last))

    def _find(self, path: str, accept_encoding: str, accept: str) -> StaticFile | None:
        found = self._at(path.lstrip("/"), accept_encoding)
        if found is None and self._spa and "." not in path.rpartition("/")[2] and _wants_page(accept):
            found = self._at("index.html", accept_encoding)
        return found

    def _at(self, relative: str, accept_encoding: str) -> StaticFile | None:
        if "\0" in relative or "\\" in relative or _is_hidden(relative):
            return None
        path = (self._root / relative).resolve()
        if not path.is_relative_to(self._root):
            return None
        if path.is_dir():
            path /= "index.html"
        content_type, _ = mimetypes.guess_type(path.name)
        for encoding, suffix in _ENCODINGS:
            if encoding in accept_encoding:
                packed = _status(path.with_name(path.name + suffix), content_type, encoding)
                if packed is not None:
                    return packed
        return _status(path, content_type, None)

    async def _send_file(
        self, send: Send, method: str, status: int, headers: list[Header], file: StaticFile, span: tuple[int, int]
    ) -> None:
        first, last = span
        if method == "HEAD":
            await _answer(send, status, headers, b"")
        elif file.size_bytes <= _MEMORY_FILE_BYTES:
            await _answer(send, status, headers, self._content(file)[first : last + 1])
        else:
            await _stream(send, status, headers, file.path, span)

    def _content(self, file: StaticFile) -> bytes:
        key = (file.path, file.modified_ns, file.size_bytes)
        content = self._memory.get(key)
        if content is None:
            content = file.path.read_bytes()
            self._memory[key] = content
            self._memory_bytes += len(content)
            while self._memory_bytes > _MEMORY_BYTES:
                self._memory_bytes -= len(self._memory.popitem(last=False)[1])
        else:
            self._memory.move_to_end(key)
        return content


def _is_hidden(relative: str) -> bool:
    return any(part.startswith(".") and part != ".well-known" for part in relative.split("/"))


def _wants_page(accept: str) -> bool:
    return "text/html" in accept or "*/*" in accept


def _status(path: Path, content_type: str | None, encoding: str | None) -> StaticFile | None:
    try:
        status = path.stat()
    except (OSError, ValueError):
        return None
    if not S_ISREG(status.st_mode):
        return None
    kind = content_type or "application/octet-stream"
    if kind.startswith("text/") or kind in {"application/javascript", "application/json", "image/svg+xml"}:
        kind += "; charset=utf-8"
    return StaticFile(path, status.st_size, status.st_mtime_ns, kind.encode(), encoding)


def _headers(file: StaticFile) -> list[Header]:
    lasting = _HEXADECIMAL.search(file.path.name.removesuffix(".br").removesuffix(".gz"))
    headers = [
        (b"content-type", file.content_type),
        (b"etag", file.etag),
        (b"last-modified", formatdate(file.modified_ns // 1_000_000_000, usegmt=True).encode()),
        (b"cache-control", b"public, max-age=31536000, immutable" if lasting else b"no-cache"),
        (b"accept-ranges", b"bytes"),
        (b"vary", b"accept-encoding"),
    ]
    if file.encoding is not None:
        headers.append((b"content-encoding", file.encoding.encode()))
    return headers


def _is_unchanged(file: StaticFile, asked: dict[bytes, str]) -> bool:
    """RFC 9110, 13.2.2: If-None-Match decides when present, else If-Modified-Since."""
    tags = asked.get(b"if-none-match")
    if tags is not None:
        known = {tag.strip().removeprefix("W/") for tag in tags.split(",")}
        return "*" in known or file.etag.decode() in known
    try:
        since = parsedate_to_datetime(asked[b"if-modified-since"]).timestamp()
    except (KeyError, ValueError, TypeError):
        return False
    return file.modified_ns // 1_000_000_000 <= since


def _range(text: str | None, condition: str | None, file: StaticFile) -> tuple[int, int]:
    """First and last byte to send. Several ranges, or none we understand, mean the whole file (RFC 9110, 14.2)."""
    whole = (0, file.size_bytes - 1)
    match = _RANGE.match(text or "")
    if match is None or match.group(0) == "bytes=-" or (condition is not None and condition != file.etag.decode()):
        return whole
    first, last = match.groups()
    if not first:
        span = (max(0, file.size_bytes - int(last)), file.size_bytes - 1)
    else:
        span = (int(first), min(int(last) if last else file.size_bytes - 1, file.size_bytes - 1))
    if span[0] > span[1]:
        raise HttpError(416, "range", f"the file has {file.size_bytes} bytes")
    return span


async def _answer(send: Send, status: int, headers: list[Header], body: bytes) -> None:
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _stream(send: Send, status: int, headers: list[Header], path: Path, span: tuple[int, int]) -> None:
    first, last = span
    file: BinaryIO = await asyncio.to_thread(path.open, "rb")
    with file:
        file.seek(first)
        await send({"type": "http.response.start", "status": status, "headers": headers})
        left = last - first + 1
        while left > 0:
            chunk = await asyncio.to_thread(file.read, min(left, _CHUNK_BYTES))
            if not chunk:
                raise ConnectionAbortedError("the file became shorter while it was sent")
            left -= len(chunk)
            await send({"type": "http.response.body", "body": chunk, "more_body": left > 0})
