"""A bucket on S3, through botocore in threads (docs/adr/0012-queue-on-sqs.md)."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from rung.errors import ApplicationError
from rung.runtime import lifespan
from rung.runtime.aws.client import Caller, Pace, client
from rung.runtime.aws.failures import code_of
from rung.runtime.bindings import BucketBinding
from rung.runtime.objects.port import Bucket, Method, ObjectEntry, ObjectExistsError, StoredObject

THREADS = 16
#: 64 MiB over a slow way take a while; a read that stalls is given up after this long without a byte.
PACE = Pace(answer_seconds=20.0)
_THERE_ALREADY = {"PreconditionFailed", "ConditionalRequestConflict"}
_OPERATIONS: dict[Method, str] = {"GET": "get_object", "PUT": "put_object"}


class S3Bucket(Bucket):
    """One bucket on S3."""

    def __init__(self, name: str, binding: BucketBinding) -> None:
        super().__init__(name, lists=binding.lists)
        self._bucket, self._region = binding.name, binding.region
        self._caller = Caller("s3", binding.region, threads=THREADS, pace=PACE)
        self._forget = lifespan.register(f"bucket {name}", close=self.close)

    async def close(self) -> None:
        """See Bucket."""
        self._forget()
        self._caller.close()

    async def _call(self, operation: str, **parameters: Any) -> Any:
        return await self._caller.call(operation, f"bucket {self._bucket}", Bucket=self._bucket, **parameters)

    async def _put(
        self, key: str, body: bytes, content_type: str, metadata: Mapping[str, str], *, if_absent: bool
    ) -> str:
        condition = {"IfNoneMatch": "*"} if if_absent else {}
        try:
            answer = await self._call(
                "PutObject", Key=key, Body=body, ContentType=content_type, Metadata=dict(metadata), **condition
            )
        except ApplicationError as error:
            if _reason(error) in _THERE_ALREADY:
                raise ObjectExistsError(f"bucket {self.name}: there is {key!r} already") from error
            raise
        return _etag(answer)

    async def _get(self, key: str) -> StoredObject | None:
        try:
            answer = await self._call("GetObject", Key=key)
        except ApplicationError as error:
            if _reason(error) == "NoSuchKey" or (_reason(error) == "AccessDenied" and not self._may_list):
                return None
            raise
        return StoredObject(
            key=key, body=answer["Body"], content_type=answer["ContentType"], metadata=answer.get("Metadata", {}),
            etag=_etag(answer), modified_at=answer["LastModified"],
        )  # fmt: skip

    async def _delete(self, key: str) -> None:
        await self._call("DeleteObject", Key=key)

    async def _list(self, prefix: str, after: str, limit: int) -> list[ObjectEntry]:
        start = {"StartAfter": after} if after else {}
        answer = await self._call("ListObjectsV2", Prefix=prefix, MaxKeys=limit, **start)
        return [
            ObjectEntry(
                key=each["Key"], size_bytes=each["Size"], etag=_etag(each), modified_at=each["LastModified"]
            )
            for each in answer.get("Contents", [])
        ]

    async def _url(self, key: str, method: Method, expires_seconds: int, content_type: str | None) -> str:
        typed = {"ContentType": content_type} if content_type and method == "PUT" else {}
        parameters = {"Bucket": self._bucket, "Key": key, **typed}
        return str(await asyncio.to_thread(self._signed, _OPERATIONS[method], parameters, expires_seconds))

    def _signed(self, operation: str, parameters: dict[str, Any], expires_seconds: int) -> Any:
        """Signed here, without a call; only credentials that are old are fetched."""
        signer = client("s3", self._region, PACE)
        return signer.generate_presigned_url(operation, Params=parameters, ExpiresIn=expires_seconds)


def _reason(error: ApplicationError) -> str:
    return code_of(error.__cause__) if error.__cause__ is not None else ""


def _etag(answer: Mapping[str, Any]) -> str:
    return str(answer["ETag"]).strip('"')
