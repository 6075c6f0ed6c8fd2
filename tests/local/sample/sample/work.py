"""What happens behind the requests."""

from __future__ import annotations

from rung.runtime import database
from rung.runtime.queue import Message

db = database("db")


async def handle(message: Message) -> None:
    await db.execute("insert into note (text) values ($1)", message.json()["text"])


async def tick() -> None:
    await db.execute("insert into tick default values")


async def seed() -> None:
    await db.execute("insert into note (text) values ('seeded')")
