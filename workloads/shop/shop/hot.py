"""Answers that many people ask for, kept as the very bytes that go out: encoded, compressed and tagged once.

The cache holds them in each process's memory too, so that a hot page costs no round trip and no encoding.
"""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Mapping

GZIP_FROM_BYTES = 512
GZIP_LEVEL = 5


class Hot:
    """One answer with its entity tag, and compressed when somebody wants it so."""

    __slots__ = ("_zipped", "body", "etag")

    def __init__(self, body: bytes) -> None:
        self.body = body
        self.etag = f'W/"{hashlib.blake2b(body, digest_size=12).hexdigest()}"'
        self._zipped: bytes | None = None

    @property
    def zipped(self) -> bytes | None:
        """The body in gzip, made at first use and kept; None: too short to be worth it."""
        if self._zipped is None and len(self.body) >= GZIP_FROM_BYTES:
            self._zipped = gzip.compress(self.body, GZIP_LEVEL, mtime=0)
        return self._zipped


class HotCodec:
    """How the cache keeps a Hot: the body travels and is stored; the rest is made again where it arrives."""

    @property
    def name(self) -> str:
        """Part of the key's prefix: values of another codec are never read as ours."""
        return "hot"

    def encode(self, value: Hot) -> bytes:
        """The body."""
        return value.body

    def decode(self, data: bytes) -> Hot:
        """Tagged again; a process looks into Redis every few seconds, and compresses only what is asked for."""
        return Hot(data)


def accepts(headers: Mapping[str, str], etag: str) -> tuple[bool, bool]:
    """Whether the client takes gzip, and whether it has this very answer already (RFC 9110, 13.1.2)."""
    known = headers.get("if-none-match", "")
    has_it = bool(known) and (known == "*" or etag in (tag.strip() for tag in known.split(",")))
    return "gzip" in headers.get("accept-encoding", ""), has_it
