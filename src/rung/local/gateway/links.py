"""Links to objects of buckets that stand on this machine: who has one may read or write that object for a while.

On AWS the same link leads to S3 itself; neither passes the workload's own services.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import parse_qsl

from rung.runtime.bindings import BucketBinding
from rung.runtime.context import new_correlation_id
from rung.runtime.http.asgi import Receive, Scope, Send
from rung.runtime.http.problem import Problem, send_problem
from rung.runtime.objects.kept import LINKS, KeptBucket
from rung.runtime.objects.port import BINARY, OBJECT_BYTES_MAX

_REFUSED = Problem(403, "link-refused", "the link has expired, was changed, or is for another method or type")
_MISSING = Problem(404, "no-object", "there is no such object")
_TOO_LARGE = Problem(413, "object-too-large", f"an object has {OBJECT_BYTES_MAX:,} bytes at most here")


class Links:
    """Answers links of the buckets whose files are in `files`, by name."""

    def __init__(self, files: Mapping[str, str]) -> None:
        self._buckets = {
            name: KeptBucket(name, BucketBinding(adapter="file", path=path)) for name, path in files.items()
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        name, _, key = scope["path"].removeprefix(LINKS).partition("/")
        bucket = self._buckets.get(name)
        query = dict(parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True))
        kinds = (value.decode("latin-1") for header, value in scope["headers"] if header == b"content-type")
        kind = next(kinds, "")
        method = str(scope["method"])
        if bucket is None or not key or not await bucket.admits(key, method, query, kind):
            await send_problem(send, _REFUSED, new_correlation_id())
        elif method == "GET":
            await _read(bucket, key, send)
        else:
            await _write(bucket, key, kind or BINARY, receive, send)


async def _read(bucket: KeptBucket, key: str, send: Send) -> None:
    found = await bucket.get(key)
    if found is None:
        await send_problem(send, _MISSING, new_correlation_id())
        return
    headers = [
        (b"content-type", found.content_type.encode("latin-1", "replace")), (b"etag", f'"{found.etag}"'.encode()),
        (b"content-length", str(len(found.body)).encode()),
        *((f"x-amz-meta-{name}".encode(), value.encode()) for name, value in found.metadata.items()),
    ]  # fmt: skip
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": found.body})


async def _write(bucket: KeptBucket, key: str, content_type: str, receive: Receive, send: Send) -> None:
    pieces: list[bytes] = []
    size, more = 0, True
    while more:
        message = await receive()
        if message["type"] != "http.request":
            return  # whoever sent it went away: an object is written whole or not
        pieces.append(message.get("body", b""))
        size, more = size + len(pieces[-1]), bool(message.get("more_body"))
        if size > OBJECT_BYTES_MAX:
            await send_problem(send, _TOO_LARGE, new_correlation_id())
            return
    etag = await bucket.put(key, b"".join(pieces), content_type=content_type)
    headers = [(b"etag", f'"{etag}"'.encode()), (b"content-length", b"0")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b""})
