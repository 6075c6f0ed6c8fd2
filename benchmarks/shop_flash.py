"""The shop under a flash sale: 10,000 users, then ten times their load for 60 s on one article.

What is right: the shop keeps answering at the rate it can (goodput during the sale at least 90 % of the best the
same run reached), tells the others at once that it is full (503 with Retry-After), sells not one unit too many,
and works off its queue afterwards.

    python benchmarks/shop_flash.py [--workers N] [--report flash.html] [--json]
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
import urllib.request
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import msgspec
from processor_time import Snapshot, cores, snapshot
from shop_stack import Stack, arguments, running_shop, send, show

from rung.load.arrivals import spikes
from rung.load.judge import Aims
from rung.load.plan import Plan, Target, segments_of
from rung.load.result import GroupResult, LoadResult, SecondResult
from rung.load.table import milliseconds

SALE = "load-test"
FACTOR, BEFORE_SECONDS, SALE_SECONDS, AFTER_SECONDS = 10.0, 20.0, 60.0, 20.0
GOODPUT_SHARE_MIN, CHECKOUT_MS = 0.9, 500.0
WINDOW_SECONDS = 10
DRAIN_SECONDS_MAX = 120.0

OVERSOLD = """
select (select count(*) from inventory_items where reserved > on_hand or on_hand < 0 or reserved < 0),
       (select coalesce(sum(quantity), 0) from order_lines l join orders o on o.id = l.order_id
         where l.sku = $1 and o.status <> 'cancelled')
"""


def main() -> int:
    """Start, open a sale, load, count, print."""
    options = arguments(__doc__ or "", duration=BEFORE_SECONDS + SALE_SECONDS + AFTER_SECONDS)
    os.environ["SHOP_FLASH_SALE"] = SALE
    with running_shop(gateway_workers=options.workers) as shop:
        # When the first request of the sale is due: connecting takes users / 1,000 seconds, then the warm-up.
        begins_in_seconds = options.users / 1_000 + options.warmup + BEFORE_SECONDS
        sku, units = asyncio.run(_open_sale(shop, begins_in_seconds))
        plan = Plan(
            target=Target.of(shop.url), journeys="shop.journeys:flash_sale", folder=str(shop.folder),
            users=options.users, rate=options.users / options.think, duration_seconds=options.duration,
            warmup_seconds=options.warmup, seed=options.seed, processes=options.processes,
            segments=segments_of(spikes((FACTOR, BEFORE_SECONDS, SALE_SECONDS))),
        )  # fmt: skip
        snapshots: list[Snapshot] = []
        edges = {int(BEFORE_SECONDS) + 1, int(BEFORE_SECONDS + SALE_SECONDS) - 1}

        def look(second: int) -> None:
            if second in edges:
                snapshots.append(snapshot(shop.process.pid, str(shop.folder.parent)))

        result = send(plan, Aims(), name="shop, flash sale", on_second=look)
        drained_seconds = _drain(shop)
        broken, sold = asyncio.run(_sold(shop, sku))
    rows = rows_of(result, drained_seconds, broken, sold, units)
    return show([*rows, *processor_rows(result, snapshots)], result, options)


def rows_of(
    result: LoadResult, drained_seconds: float | None, broken: int, sold: int, units: int
) -> list[tuple[str, str, str, bool | None]]:
    """The issue's figures."""
    sale = result.seconds[int(BEFORE_SECONDS) : int(BEFORE_SECONDS + SALE_SECONDS)]
    peak, during = best_window(result.seconds), sum(s.succeeded for s in sale) / len(sale)
    checkout = next(group for group in result.groups if group.route == "/api/checkout")
    errors = ", ".join(f"{count:,} {kind}" for kind, count in result.total.errors.items()) or "0"
    refused = result.total.statuses.get("503", 0)
    drained = "did not drain" if drained_seconds is None else f"{drained_seconds:.1f} s"
    share = during / peak if peak else 0.0
    return [
        ("offered in the sale", f"{sum(s.offered for s in sale) / len(sale):,.0f}/s", "", None),
        ("goodput in the sale", f"{during:,.0f}/s", "", None),
        (f"best {WINDOW_SECONDS} s of the run", f"{peak:,.0f}/s", "", None),
        ("goodput / best", f"{share:.0%}", ">= 90 %", share >= GOODPUT_SHARE_MIN),
        ("checkout p99", milliseconds(checkout.latency.p99_ms), f"< {CHECKOUT_MS:g} ms",
         0 < checkout.latency.p99_ms < CHECKOUT_MS),
        ("checkouts answered", f"{checkout.succeeded:,} of {checkout.offered:,}", "", None),
        ("units sold of the article", f"{sold:,} of {units:,}", f"<= {units:,}", sold <= units),
        ("inventory rows oversold", f"{broken}", "0", broken == 0),
        ("queue drained after the load in", drained, f"< {DRAIN_SECONDS_MAX:g} s", drained_seconds is not None),
        ("refused with 503", f"{refused:,}", "", None),
        ("errors", errors, "", None),
        *(_both(group) for group in result.groups),
        ("generator lag p99", milliseconds(result.generator.lag.p99_ms), "", None),
        ("generator share of a core", f"{result.generator.cpu_share:.0%}", "", None),
    ]  # fmt: skip


def processor_rows(result: LoadResult, snapshots: Sequence[Snapshot]) -> list[tuple[str, str, str, bool | None]]:
    """Who used the machine's cores during the sale, and what that is for each request that was answered."""
    if len(snapshots) < 2:
        return []
    sale = result.seconds[int(BEFORE_SECONDS) + 1 : int(BEFORE_SECONDS + SALE_SECONDS) - 1]
    answered = sum(second.completed for second in sale) / len(sale)
    used = sorted(cores(snapshots[0], snapshots[-1]).items(), key=lambda item: -item[1])
    return [
        (f"  cores: {part}", f"{share:.2f}, {share / max(1.0, answered) * 1e6:,.0f} µs per answer", "", None)
        for part, share in used
    ]


def _both(group: GroupResult) -> tuple[str, str, str, bool | None]:
    found = f"{milliseconds(group.latency.p50_ms)} / {milliseconds(group.latency.p99_ms)}"
    return f"  {group.name} p50 / p99", found, f"{group.succeeded:,} of {group.offered:,}", None


def best_window(seconds: Sequence[SecondResult]) -> float:
    """The best mean rate of right answers over WINDOW_SECONDS seconds in a row."""
    counts = [second.succeeded for second in seconds]
    starts = range(max(1, len(counts) - WINDOW_SECONDS + 1))
    return max(sum(counts[start : start + WINDOW_SECONDS]) / WINDOW_SECONDS for start in starts)


async def _open_sale(shop: Stack, begins_in_seconds: float) -> tuple[str, int]:
    connection = await asyncpg.connect(shop.database_url)
    try:
        row = await connection.fetchrow(
            """select v.sku, v.price_minor, i.on_hand - i.reserved as units
                 from variants v join inventory_items i on i.id = v.inventory_item_id
                where v.units = 1 order by i.on_hand desc, v.id limit 1"""
        )
    finally:
        await connection.close()
    starts_at = datetime.now(UTC) + timedelta(seconds=begins_in_seconds)
    sale = {
        "id": SALE, "sku": row["sku"], "price_minor": row["price_minor"] // 2, "admit_per_second": 200,
        "limit_per_buyer": 1, "starts_at": starts_at.isoformat(),
        "ends_at": (starts_at + timedelta(seconds=SALE_SECONDS + 600)).isoformat(),
    }  # fmt: skip
    _admin(shop, "POST", "/api/admin/flash", sale)
    return str(row["sku"]), int(row["units"])


def _admin(shop: Stack, method: str, path: str, body: Any = None) -> Any:
    request = urllib.request.Request(
        shop.url + path, method=method, data=None if body is None else msgspec.json.encode(body),
        headers={"X-Admin-Key": shop.secret("admin-key"), "Content-Type": "application/json"},
    )  # fmt: skip
    with urllib.request.urlopen(request, timeout=10) as response:
        return msgspec.json.decode(response.read())


def _drain(shop: Stack) -> float | None:
    """Seconds until the queue of orders is empty; None when it is not within DRAIN_SECONDS_MAX."""
    start = time.monotonic()
    while time.monotonic() - start < DRAIN_SECONDS_MAX:
        state = _admin(shop, "GET", "/api/admin/queue")
        if state["ready"] == 0 and state["in_flight"] == 0:
            return time.monotonic() - start
        time.sleep(0.5)
    return None


async def _sold(shop: Stack, sku: str) -> tuple[int, int]:
    connection = await asyncpg.connect(shop.database_url)
    try:
        row = await connection.fetchrow(OVERSOLD, sku)
        return int(row[0]), int(row[1])
    finally:
        await connection.close()


if __name__ == "__main__":
    sys.exit(main())
