"""A bucket: whole objects by key, and links by which somebody outside may read or write one of them."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from rung.errors import ApplicationError
from rung.runtime.errors import BindingError

#: An object is held in memory as a whole. What is larger goes by a link, past this process.
OBJECT_BYTES_MAX = 64 * 1_048_576
#: What S3 takes for a key, in UTF-8. Source: AWS, "Naming Amazon S3 objects".
KEY_BYTES_MAX = 1_024
LIST_MAX = 1_000
#: A link that is signed lasts a week at most. Source: AWS, "Sharing objects with presigned URLs".
LINK_SECONDS_MAX = 7 * 86_400
BINARY = "application/octet-stream"
Method = Literal["GET", "PUT"]

_METADATA_NAME = re.compile(r"[a-z0-9][a-z0-9-]*\Z")
_METADATA_VALUE = re.compile(r"[\x20-\x7e]*\Z")


class ObjectExistsError(ApplicationError):
    """There is an object by this key already, and `if_absent` was asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredObject:
    """An object. `etag` differs when the body does; it is no checksum that you can compute."""

    key: str
    body: bytes = field(repr=False)
    content_type: str
    metadata: Mapping[str, str]
    etag: str
    modified_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectEntry:
    """An object in a list, without its body."""

    key: str
    size_bytes: int
    etag: str
    modified_at: datetime


Entries = list[ObjectEntry]


class Bucket(ABC):
    """One bucket. All methods raise UnavailableError, OverloadedError and BindingError (no right, no bucket)."""

    def __init__(self, name: str, *, lists: bool = True) -> None:
        self.name = name
        self._may_list = lists

    async def put(
        self, key: str, body: bytes, *, content_type: str = BINARY, metadata: Mapping[str, str] | None = None,
        if_absent: bool = False,
    ) -> str:  # fmt: skip
        """Write an object as a whole, in place of the one before; its etag. Readers see one or the other.

        Raises ObjectExistsError with `if_absent`, ValueError for a key or metadata that S3 refuses, and for more
        than 64 MiB.
        """
        checked = {**metadata} if metadata else {}
        for name, value in checked.items():
            if not _METADATA_NAME.match(name) or not _METADATA_VALUE.match(value):
                raise ValueError(f"metadata {name!r}: names are a-z, 0-9 and -, values printable ASCII")
        if len(body) > OBJECT_BYTES_MAX:
            raise ValueError(f"{len(body):,} bytes: more than {OBJECT_BYTES_MAX:,} go by url(key, method='PUT')")
        return await self._put(_checked(key), bytes(body), content_type, checked, if_absent=if_absent)

    async def get(self, key: str) -> StoredObject | None:
        """The object, whole; None when there is none.

        A process that may not list (`uses=[uploads.list]`) gets BindingError for None: S3 does not tell it whether
        an object is missing or forbidden, and so neither does `rung dev`.
        """
        found = await self._get(_checked(key))
        if found is None and not self._may_list:
            raise BindingError(
                f"bucket {self.name}: there is no {key!r}, or this process may not read it; "
                f"which of the two, S3 tells those who may list: add {self.name}.list to its uses"
            )
        return found

    async def delete(self, key: str) -> None:
        """There is no such object afterwards, whether there was one before or not."""
        await self._delete(_checked(key))

    async def list(self, prefix: str = "", *, after: str = "", limit: int = LIST_MAX) -> list[ObjectEntry]:
        """Up to `limit` (1,000 at most) objects whose keys begin with `prefix`, in the order of their UTF-8 bytes.

        The next page begins `after` the last key of this one.
        """
        if not 1 <= limit <= LIST_MAX:
            raise ValueError(f"limit {limit}: 1 to {LIST_MAX:,} at once")
        return await self._list(prefix, after, limit)

    async def url(
        self, key: str, *, method: Method = "GET", expires_seconds: int = 900, content_type: str | None = None
    ) -> str:
        """A link that lets whoever has it read this object, or write it, until it expires.

        With `content_type` a PUT must send that type. The link acts with the rights of this process: when those
        end (temporary credentials last some hours), it ends too.
        """
        if method not in ("GET", "PUT"):
            raise ValueError(f"method {method!r}: GET or PUT")
        if not 1 <= expires_seconds <= LINK_SECONDS_MAX:
            raise ValueError(f"expires_seconds {expires_seconds}: 1 to {LINK_SECONDS_MAX:,}")
        return await self._url(_checked(key), method, int(expires_seconds), content_type)

    @abstractmethod
    async def close(self) -> None:
        """Let go of threads and connections."""

    @abstractmethod
    async def _put(
        self, key: str, body: bytes, content_type: str, metadata: Mapping[str, str], *, if_absent: bool
    ) -> str: ...

    @abstractmethod
    async def _get(self, key: str) -> StoredObject | None: ...

    @abstractmethod
    async def _delete(self, key: str) -> None: ...

    @abstractmethod
    async def _list(self, prefix: str, after: str, limit: int) -> Entries: ...

    @abstractmethod
    async def _url(self, key: str, method: Method, expires_seconds: int, content_type: str | None) -> str: ...


def _checked(key: str) -> str:
    """The key. What browsers and proxies rewrite on the way is refused: an empty, `.` or `..` piece of a path."""
    if not key or len(key.encode()) > KEY_BYTES_MAX:
        raise ValueError(f"a key has 1 to {KEY_BYTES_MAX:,} bytes of UTF-8, this one has {len(key.encode()):,}")
    if any(piece in ("", ".", "..") for piece in key.removesuffix("/").split("/")) or not key.isprintable():
        raise ValueError(f"the key {key!r} has an empty piece, one of dots alone, or a character nobody can see")
    return key
