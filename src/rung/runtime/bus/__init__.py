"""The event bus: producers put events, rules choose which go where, and neither knows the other.

    from rung.runtime import bus, database

    events = bus("events")

    async with database("db").transaction() as connection:
        ...
        await events.put("order.placed", {"order": 7}, source="shop.api", transaction=connection)

`docs/reference/bus.md` is the whole contract; `docs/adr/0018-bus.md` says why it is built so.
"""

from rung.runtime.bus.event import EventEntry as EventEntry
from rung.runtime.bus.event import PutResult as PutResult
from rung.runtime.bus.port import Bus as Bus
from rung.runtime.bus.registry import bus as bus
from rung.runtime.bus.registry import open_bus as open_bus
