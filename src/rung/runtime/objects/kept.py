"""A bucket in a file of this machine, with links that the gateway of `rung dev` answers."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import sqlite3
from collections.abc import Mapping
from datetime import UTC, datetime
from urllib.parse import quote, urlencode

import msgspec

from rung.runtime.bindings import BucketBinding
from rung.runtime.clock import SYSTEM_CLOCK, Clock
from rung.runtime.errors import UnavailableError
from rung.runtime.objects.port import Bucket, Method, ObjectEntry, ObjectExistsError, StoredObject
from rung.runtime.shelf import Shelf

#: Where the gateway answers links: no route of a workload begins so.
LINKS = "/.rung/buckets/"
TABLES = """
create table if not exists object (
    key blob primary key,
    body blob not null,
    content_type text not null,
    metadata text not null,
    etag text not null,
    modified_at text not null
);
create table if not exists setting (name text primary key, value blob not null);
"""
_ROW = "select key, body, content_type, metadata, etag, modified_at from object where key = ?"
_WRITE = """
insert into object (key, body, content_type, metadata, etag, modified_at) values (?, ?, ?, ?, ?, ?)
on conflict (key) do update set body = excluded.body, content_type = excluded.content_type,
    metadata = excluded.metadata, etag = excluded.etag, modified_at = excluded.modified_at
"""
#: Keys are bytes, and SQLite compares those as S3 does.
_LIST = """
select key, length(body), etag, modified_at from object
where key > ? and substr(key, 1, ?) = ? order by key limit ?
"""


class KeptBucket(Bucket):
    """One bucket in one file."""

    def __init__(self, name: str, binding: BucketBinding, *, clock: Clock = SYSTEM_CLOCK) -> None:
        super().__init__(name, lists=binding.lists)
        self._shelf = Shelf(binding.path, TABLES)
        self._base, self._clock = binding.url.rstrip("/"), clock

    async def close(self) -> None:
        """See Bucket: there is nothing open."""

    async def _put(
        self, key: str, body: bytes, content_type: str, metadata: Mapping[str, str], *, if_absent: bool
    ) -> str:
        etag, now = hashlib.sha256(body).hexdigest(), self._clock.now().isoformat()
        row = (key.encode(), body, content_type, msgspec.json.encode(metadata).decode(), etag, now)

        def write(connection: sqlite3.Connection) -> bool:
            if if_absent and connection.execute("select 1 from object where key = ?", row[:1]).fetchone():
                return False
            connection.execute(_WRITE, row)
            return True

        if not await self._shelf.call(write):
            raise ObjectExistsError(f"bucket {self.name}: there is {key!r} already")
        return etag

    async def _get(self, key: str) -> StoredObject | None:
        row = await self._shelf.call(lambda connection: connection.execute(_ROW, (key.encode(),)).fetchone())
        if row is None:
            return None
        return StoredObject(
            key=key, body=row[1], content_type=row[2], metadata=msgspec.json.decode(row[3], type=dict[str, str]),
            etag=row[4], modified_at=datetime.fromisoformat(row[5]),
        )  # fmt: skip

    async def _delete(self, key: str) -> None:
        await self._shelf.call(lambda open_: open_.execute("delete from object where key = ?", (key.encode(),)))

    async def _list(self, prefix: str, after: str, limit: int) -> list[ObjectEntry]:
        begin = prefix.encode()
        values = (after.encode(), len(begin), begin, limit)
        rows = await self._shelf.call(lambda connection: connection.execute(_LIST, values).fetchall())
        return [
            ObjectEntry(key=key.decode(), size_bytes=size, etag=etag, modified_at=datetime.fromisoformat(modified))
            for key, size, etag, modified in rows
        ]

    async def _url(self, key: str, method: Method, expires_seconds: int, content_type: str | None) -> str:
        if not self._base:
            raise UnavailableError(f"bucket {self.name}: nothing here listens, so no link can lead to it")
        expires = int(self._clock.now().timestamp()) + expires_seconds
        typed = content_type if method == "PUT" else None
        fields = {"method": method, "expires": str(expires), "type": typed or ""}
        signature = await self._sign(key, fields)
        return (
            f"{self._base}{LINKS}{quote(self.name)}/{quote(key)}?{urlencode({**fields, 'signature': signature})}"
        )

    async def admits(self, key: str, method: str, query: Mapping[str, str], content_type: str) -> bool:
        """Whether a link may be used for this request now."""
        fields = {name: query.get(name, "") for name in ("method", "expires", "type")}
        signature = await self._sign(key, fields)
        if not hmac.compare_digest(signature.encode(), query.get("signature", "").encode()):
            return False
        fresh = datetime.fromtimestamp(int(fields["expires"]), UTC) > self._clock.now()
        return fresh and method == fields["method"] and fields["type"] in ("", content_type)

    async def _sign(self, key: str, fields: Mapping[str, str]) -> str:
        text = "\n".join([key, fields["method"], fields["expires"], fields["type"]])
        return hmac.new(await self._shelf.call(_secret), text.encode(), hashlib.sha256).hexdigest()


def _secret(connection: sqlite3.Connection) -> bytes:
    """What links are signed with: made once, and kept with the objects, so that every process has the same."""
    made = ("links", secrets.token_bytes(32))
    connection.execute("insert into setting (name, value) values (?, ?) on conflict (name) do nothing", made)
    found: bytes = connection.execute("select value from setting where name = 'links'").fetchone()[0]
    return found
