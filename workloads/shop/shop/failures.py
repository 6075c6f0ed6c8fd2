"""Failures that an operator switches on, to see how the shop and its alarms take them.

The idea is the OpenTelemetry demo's. Switches live in the database, are read at most once a second by each
process, and start from the environment variable SHOP_FAILURES (`name=value,name=value`).
"""

from __future__ import annotations

import asyncio
import os
import random
import time
from collections.abc import Mapping
from typing import Final

from rung.errors import ApplicationError
from shop.problems import Problem
from shop.resources import db

REFRESH_SECONDS = 1.0

#: Every switch, and what its value means.
SWITCHES: Final[Mapping[str, str]] = {
    "payment-declined": "the share of authorisations that the provider declines, 0 to 1",
    "payment-error": "the share of calls to the provider that end in an error, 0 to 1",
    "payment-timeout": "the share of calls to the provider that are carried out but not answered, 0 to 1",
    "payment-slow": "seconds that every call to the provider takes longer",
    "product-error": "the slug of a product whose page fails",
    "catalogue-slow": "seconds that every catalogue query takes longer",
    "cart-error": "the share of cart requests that fail, 0 to 1",
    "packing-error": "the share of orders that cannot be packed, 0 to 1",
    "poison-orders": "the share of orders whose fulfilment always raises, 0 to 1",
}
TEXT_SWITCHES: Final = frozenset({"product-error"})


def parse(text: str) -> dict[str, str]:
    """`"a=1,b=2"` as a mapping. Raises ValueError for an unknown name or a value that does not fit."""
    pairs = (part.partition("=") for part in text.split(",") if part.strip())
    return {name.strip(): check(name.strip(), value.strip()) for name, _, value in pairs}


def check(name: str, value: str) -> str:
    """The value, when the switch exists and takes it. Raises ValueError."""
    if name not in SWITCHES:
        raise ValueError(f"no switch {name!r}; there are {', '.join(sorted(SWITCHES))}")
    if name not in TEXT_SWITCHES and not 0 <= float(value) <= 60:
        raise ValueError(f"{name} takes a number: {SWITCHES[name]}")
    return value


class Switches:
    """What is switched on now, as this process last saw it."""

    def __init__(self, chance: random.Random | None = None) -> None:
        self._chance = chance or random.Random()
        self._values: Mapping[str, str] = {}
        self._read_at = -REFRESH_SECONDS

    def are_due(self) -> bool:
        """Whether their last reading is a second old."""
        return time.monotonic() - self._read_at >= REFRESH_SECONDS

    def strike_product(self, slug: str) -> bool:
        """Whether the product of this slug is the one that fails."""
        return self._values.get("product-error") == slug

    async def refresh(self) -> None:
        """Read the switches when the last reading is a second old. A database that is away changes nothing."""
        now = time.monotonic()
        if now - self._read_at < REFRESH_SECONDS:
            return
        self._read_at = now
        try:
            rows = await db.fetch("select name, value from failure_switches")
        except ApplicationError:  # away or overloaded: what is cached is still served
            return
        self._values = {
            **parse(os.environ.get("SHOP_FAILURES", "")),
            **{row["name"]: row["value"] for row in rows},
        }

    def forget(self) -> None:
        """Read anew at the next refresh."""
        self._read_at = -REFRESH_SECONDS

    def number(self, name: str) -> float:
        """The value of a switch; 0 when it is off."""
        return float(self._values.get(name, 0))

    def text(self, name: str) -> str | None:
        """The value of a text switch; None when it is off."""
        return self._values.get(name)

    def strikes(self, name: str) -> bool:
        """Whether the failure happens this time."""
        share = self.number(name)
        return share > 0 and self._chance.random() < share

    async def delay(self, name: str) -> None:
        """Wait as long as a slowness switch says."""
        if seconds := self.number(name):
            await asyncio.sleep(seconds)


switches = Switches()


async def listing() -> list[dict[str, str | None]]:
    """Every switch with its meaning and value; None when it is off."""
    switches.forget()
    await switches.refresh()
    return [{"name": name, "meaning": meaning, "value": switches.text(name)} for name, meaning in SWITCHES.items()]


async def turn(name: str, value: str | None) -> None:
    """Switch on with a value, or off with None. Raises Problem 422."""
    if value is None:
        await db.execute("delete from failure_switches where name = $1", name)
    else:
        try:
            check(name, value)
        except ValueError as error:
            raise Problem(422, "invalid", str(error)) from None
        await db.execute(
            """insert into failure_switches (name, value) values ($1, $2)
               on conflict (name) do update set value = excluded.value, updated_at = now()""",
            name,
            value,
        )
    switches.forget()
    await switches.refresh()
