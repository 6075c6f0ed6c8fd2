"""The shop with 10,000 connected users who think for 10 s, generator, shop and database on the same machine.

python benchmarks/shop_10k.py [--workers N] [--report load.html] [--json]
"""

from __future__ import annotations

import sys

from shop_stack import arguments, running_shop, send, show

from rung.load.judge import Aims
from rung.load.plan import Plan, Target
from rung.load.result import GroupResult, LoadResult
from rung.load.table import milliseconds

CATALOGUE_MS, API_MS, CHECKOUT_MS = 25.0, 100.0, 200.0


def main() -> int:
    """Start, load, print."""
    options = arguments(__doc__ or "")
    with running_shop(gateway_workers=options.workers) as shop:
        plan = Plan(
            target=Target.of(shop.url), journeys="shop.journeys:journeys", folder=str(shop.folder),
            users=options.users, rate=options.users / options.think, duration_seconds=options.duration,
            warmup_seconds=options.warmup, seed=options.seed, processes=options.processes,
        )  # fmt: skip
        result = send(plan, Aims(), name="shop")
    return show(rows_of(result), result, options)


def rows_of(result: LoadResult) -> list[tuple[str, str, str, bool | None]]:
    """The issue's figures."""
    total = result.total
    catalogue = [group for group in result.groups if group.route.startswith("/api/products")]
    checkout = next(group for group in result.groups if group.route == "/api/checkout")
    worst = max(catalogue, key=lambda group: group.latency.p99_ms)
    errors = ", ".join(f"{count} {kind}" for kind, count in total.errors.items()) or "0"
    return [
        ("connected users", f"{result.connections.users:,}", "10,000", result.connections.users >= 10_000),
        ("offered", f"{result.offered_per_second:,.0f}/s", "", None),
        ("achieved", f"{result.achieved_per_second:,.0f}/s", "", None),
        _latency("catalogue p99 (worst route)", worst, CATALOGUE_MS),
        _latency("API p99 (all requests)", total, API_MS),
        _latency("checkout p99", checkout, CHECKOUT_MS),
        ("errors", errors, "0", total.failed == 0),
        *(_both(group) for group in result.groups),
        ("generator lag p99", milliseconds(result.generator.lag.p99_ms), "", None),
        ("generator share of a core", f"{result.generator.cpu_share:.0%}", "", None),
        ("saturated", result.saturation.by or "no", "no", result.saturation.by is None),
    ]  # fmt: skip


def _both(group: GroupResult) -> tuple[str, str, str, bool | None]:
    found = f"{milliseconds(group.latency.p50_ms)} / {milliseconds(group.latency.p99_ms)}"
    return f"  {group.name} p50 / p99", found, f"{group.offered:,} requests", None


def _latency(figure: str, group: GroupResult, aim_ms: float) -> tuple[str, str, str, bool | None]:
    found = group.latency.p99_ms
    return figure, milliseconds(found), f"< {aim_ms:g} ms", 0 < found < aim_ms


if __name__ == "__main__":
    sys.exit(main())
