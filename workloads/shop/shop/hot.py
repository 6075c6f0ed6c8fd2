"""Answers that many people ask for, kept as the very bytes that go out: encoded, compressed and tagged once.

The cache holds them in each process's memory too, so that a hot page costs no round trip and no encoding.
"""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

GZIP_FROM_BYTES = 512
GZIP_LEVEL = 5


@dataclass(slots=True, frozen=True)
class Hot:
    """One answer, encoded in both ways, with its entity tag. `zipped` None: too short to be worth it."""

    body: bytes
    zipped: bytes | None
    etag: str


def heat(body: bytes) -> Hot:
    """Compress and tag a body."""
    zipped = gzip.compress(body, GZIP_LEVEL, mtime=0) if len(body) >= GZIP_FROM_BYTES else None
    return Hot(body, zipped, f'W/"{hashlib.blake2b(body, digest_size=12).hexdigest()}"')


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
        """Compressed and tagged again."""
        return heat(data)


def accepts(headers: Mapping[str, str], etag: str) -> tuple[bool, bool]:
    """Whether the client takes gzip, and whether it has this very answer already (RFC 9110, 13.1.2)."""
    known = headers.get("if-none-match", "")
    has_it = bool(known) and (known == "*" or etag in (tag.strip() for tag in known.split(",")))
    return "gzip" in headers.get("accept-encoding", ""), has_it
