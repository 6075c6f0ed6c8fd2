"""Moves a tenant and ends like a lost machine at a named step: `python killed_move.py URL TENANT TARGET STEP`."""

from __future__ import annotations

import asyncio
import os
import signal
import sys

import asyncpg

from rung.runtime.tenants.moving import Mover
from rung.runtime.tenants.places import parse_place
from rung.runtime.tenants.site import Sites


async def main(url: str, tenant: str, target: str, step: str) -> None:
    """Move until that step begins."""

    def progress(what: str, number: int, total: int) -> None:
        if f"{what}{number or ''}" == step:
            os.kill(os.getpid(), signal.SIGKILL)

    control = await asyncpg.connect(url)
    await Mover(control, Sites(url=url, urls={}), progress=progress).move(tenant, parse_place(target))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
