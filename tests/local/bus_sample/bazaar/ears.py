"""A worker that writes down what it is told."""

from __future__ import annotations

import json

from rung.runtime import Message, current, database

db = database("db")


async def hear(message: Message) -> None:
    tenant = current().tenant
    what = {"said": message.json(), "tenant": tenant.id if tenant else None}
    await db.execute("insert into heard (who, what) values ('ears', $1)", json.dumps(what))
