"""Whose a queue is: keys begin with the workload's name, and who looks from outside may not know it."""

from __future__ import annotations

from rung.runtime.bindings import QueueBinding
from rung.runtime.cache.connection import RedisConnection
from rung.runtime.queue.redis.keys import Keys


async def other_owners(name: str, binding: QueueBinding) -> list[str]:
    """Workloads with a queue of this name here, if that of the binding has none; "" for a queue of no workload.

    Raises UnavailableError.
    """
    connection = RedisConnection(binding.url, name=f"queue {name}", what="Redis of", max_connections=1)
    before, _, after = Keys(name, "*").lanes.partition("*")
    try:
        if await connection.run("EXISTS", Keys(name, binding.workload).lanes):
            return []
        found = {""} if await connection.run("EXISTS", Keys(name).lanes) else set()
        cursor = b"0"
        while True:
            cursor, keys = await connection.run("SCAN", cursor, "MATCH", f"{before}*{after}", "COUNT", 1000)
            found |= {key.decode().removeprefix(before).removesuffix(after) for key in keys}
            if int(cursor) == 0:
                return sorted(found)
    finally:
        await connection.close()
