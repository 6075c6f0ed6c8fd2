"""One process of readers of one hot key, over its expiry: prints what the readers saw as JSON.

Arguments: Redis' URL, how long to read, the stale time, the number of readers. Says "ready" and begins when it
is told to, by a line on its standard input.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time

from rung.runtime.cache import Cache

ORIGIN_SECONDS = 0.2
THINK_SECONDS = 0.02


async def main(url: str, seconds: float, stale_seconds: float, readers: int) -> None:
    cache = Cache.from_url(url)
    origin_calls = 0

    async def origin() -> str:
        nonlocal origin_calls
        origin_calls += 1
        await asyncio.sleep(ORIGIN_SECONDS)
        return "new"

    async def read(until: float) -> tuple[float, list[str]]:
        slowest, values = 0.0, []
        while time.monotonic() < until:
            started = time.monotonic()
            value = await cache.get_or_load("hot", origin, ttl_seconds=60, stale_seconds=stale_seconds)
            slowest = max(slowest, time.monotonic() - started)
            if not values or values[-1] != value:
                values.append(str(value))
            await asyncio.sleep(THINK_SECONDS)
        return slowest, values

    await cache.connection.check()
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    until = time.monotonic() + seconds
    seen = await asyncio.gather(*(read(until) for _ in range(readers)))
    await cache.close()
    slowest = sorted(each for each, _ in seen)
    print(json.dumps({"origin_calls": origin_calls, "slowest": slowest, "values": [values for _, values in seen]}))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], *(float(word) for word in sys.argv[2:4]), readers=int(sys.argv[4])))
