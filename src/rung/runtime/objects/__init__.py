"""Objects by key: `bucket("uploads")`, on S3 and in a file of `rung dev`."""

from rung.runtime.objects.port import OBJECT_BYTES_MAX as OBJECT_BYTES_MAX
from rung.runtime.objects.port import Bucket as Bucket
from rung.runtime.objects.port import ObjectEntry as ObjectEntry
from rung.runtime.objects.port import ObjectExistsError as ObjectExistsError
from rung.runtime.objects.port import StoredObject as StoredObject
from rung.runtime.objects.registry import bucket as bucket
from rung.runtime.objects.registry import open_bucket as open_bucket
