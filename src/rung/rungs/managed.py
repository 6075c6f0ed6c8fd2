"""What AWS runs in the same way on every rung but the box: queues, caches, tables, objects, files, events."""

from __future__ import annotations

from collections.abc import Iterator
from typing import assert_never

from rung.model.nodes import Bucket, Bus, Cache, Files, Queue, Rule, Secret, Table
from rung.parts.design import Part
from rung.parts.messaging import EventBus
from rung.rungs import stores
from rung.rungs.broker_parts import broker_parts
from rung.rungs.messages import queue_parts, rules_of
from rung.rungs.setting import Setting

Managed = Queue | Cache | Table | Bucket | Files | Secret | Bus | Rule


def managed_parts(setting: Setting, node: Managed) -> Iterator[Part]:
    """What one node becomes."""
    match node:
        case Queue():
            yield from queue_parts(setting, node)
            yield from broker_parts(setting, node)
        case Cache():
            yield stores.cache_of(setting, node)
        case Table():
            yield stores.table_of(node)
        case Bucket():
            yield stores.bucket_of(node)
        case Files():
            yield stores.files_of(setting, node)
        case Secret():
            yield stores.secret_of(node)
        case Bus():
            yield EventBus(name=node.name, node=node.name, archive_days=node.archive_days, existing=node.existing)
        case Rule():
            yield from rules_of(setting, node)
        case _:
            assert_never(node)
