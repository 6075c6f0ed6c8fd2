"""From a node's name to its bucket, through the binding that `rung dev` or Terraform wrote."""

from __future__ import annotations

from typing import assert_never

from rung.runtime.bindings import BucketBinding, binding, encode
from rung.runtime.objects.port import Bucket

_buckets: dict[tuple[str, str], Bucket] = {}


def bucket(name: str) -> Bucket:
    """The bucket of node `name`, shared within this process; safe at module level.

    Raises BindingError when the graph gives this process no edge to it.
    """
    found = binding(name, BucketBinding)
    key = (name, encode(found))
    if key not in _buckets:
        _buckets[key] = open_bucket(name, found)
    return _buckets[key]


def open_bucket(name: str, found: BucketBinding) -> Bucket:
    """A new adapter for this binding."""
    match found.adapter:
        case "s3":
            from rung.runtime.objects.amazon import S3Bucket

            return S3Bucket(name, found)
        case "file":
            from rung.runtime.objects.kept import KeptBucket

            return KeptBucket(name, found)
        case _:
            assert_never(found.adapter)
