"""The handler of the worker that delivers webhooks: `handler="rung.runtime.webhooks.deliver:deliver"`.

Give that worker many handlers at once (`concurrency=100`): they wait for others nearly all of their time.
"""

from __future__ import annotations

import asyncio
from weakref import WeakKeyDictionary

from rung.runtime import lifespan
from rung.runtime.database.database import database
from rung.runtime.queue import Message, queue
from rung.runtime.webhooks.deliverer import Deliverer, decode_job

#: Per event loop, one for each database and queue: sessions belong to the loop that opened them.
_deliverers: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[tuple[str, str], Deliverer]] = WeakKeyDictionary()


async def deliver(message: Message) -> None:
    """Make the attempt that `message` asks for, with this process's own binding of the database that it names."""
    key = (decode_job(message).database, message.queue)
    ours = _deliverers.setdefault(asyncio.get_running_loop(), {})
    if key not in ours:
        ours[key] = Deliverer(database(key[0]), queue(key[1]))
        lifespan.register(f"webhooks of {key[1]}", close=ours[key].close)
    await ours[key].deliver(message)
