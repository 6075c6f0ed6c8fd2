"""Oversell torture: more buyers than pieces, each with two lines on one shelf. Sold must be what there was.

    python benchmarks/shop_oversell.py [--buyers 1000] [--units 100] [--processes 2] [--json]

Several API processes, real Postgres and Redis; every buyer fills a cart first, then all check out at once. Half
of them send their checkout twice at the same time with one key. Afterwards the worker fulfils what was sold.
Rivals' failures here: medusajs/medusa #16502 (two lines, one shelf), #16569 (concurrent reservations).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import secrets
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import asyncpg

from rung.local.postgres import start_postgres
from rung.local.process import free_port
from rung.local.redis import start_redis
from rung.runtime import bindings, install_queue
from rung.runtime.migrations import migrate

SHOP = Path(__file__).resolve().parents[1] / "workloads" / "shop"
sys.path.insert(0, str(SHOP))
from shop.replay import ReplayError, Visitor  # noqa: E402 - the path is set above

THREADS = 64
READY_SECONDS = 20.0


@dataclass
class Outcome:
    """What happened, and the laws that must hold."""

    buyers: int
    units: int
    sold: int = 0
    orders: int = 0
    refused: int = 0
    other_answers: int = 0
    seconds: float = 0.0
    checkout_p50_ms: float = 0.0
    checkout_p99_ms: float = 0.0
    ledger_sum: int = 0
    shelf_on_hand: int = 0
    shelf_reserved: int = 0
    shelf_disagrees_with_ledger: int = 0
    orders_beyond_one_per_key: int = 0

    @property
    def right(self) -> bool:
        """Exactly the pieces there were, and books that balance."""
        return (
            self.sold == self.units and self.ledger_sum == 0 and self.shelf_on_hand == 0 == self.shelf_reserved
            and self.shelf_disagrees_with_ledger == 0 == self.orders_beyond_one_per_key and self.other_answers == 0
        )  # fmt: skip


@contextmanager
def shop(processes: int) -> Iterator[tuple[str, list[str]]]:
    """A running shop: the database's URL and the addresses of its API processes."""
    with tempfile.TemporaryDirectory(prefix="rung-oversell-") as name, ExitStack() as stack:
        directory = Path(name)
        directory.chmod(0o755)
        postgres = start_postgres(directory / "postgres")
        stack.callback(postgres.stop)
        redis = start_redis(directory / "redis")
        stack.callback(redis.stop)
        _bind(directory, postgres.url, redis.url)
        asyncio.run(_prepare(postgres.url))
        urls = []
        for _ in range(processes):
            port = free_port()
            stack.enter_context(_process(directory, f"serve-{port}", "rung.runtime.serve", "--app", "shop.api:app",
                                         "--port", str(port), "--workers", "1", "--name", "api"))  # fmt: skip
            urls.append(f"http://127.0.0.1:{port}")
        stack.enter_context(_process(directory, "worker", "rung.runtime.worker", "--name", "fulfil",
                                     "--queue", "orders", "--handler", "shop.fulfilment:handle"))  # fmt: skip
        yield postgres.url, urls


def _bind(directory: Path, database_url: str, cache_url: str) -> None:
    found: dict[str, bindings.Binding] = {
        "db": bindings.PostgresBinding(url=database_url),
        "cache": bindings.CacheBinding(url=cache_url),
        "orders": bindings.QueueBinding(url=database_url, lanes=("payment", "fulfilment", "analytics")),
    }
    for name in ("session-key", "admin-key"):
        (directory / name).write_text(secrets.token_urlsafe(24))
        found[name] = bindings.SecretBinding(path=str(directory / name))
    os.environ.update({bindings.variable_name(name): bindings.encode(one) for name, one in found.items()})


async def _prepare(url: str) -> None:
    await migrate(url, SHOP / "migrations")
    connection = await asyncpg.connect(url)
    await install_queue(connection)
    await connection.close()


@contextmanager
def _process(directory: Path, name: str, *words: str) -> Iterator[None]:
    environment = {**os.environ, "PYTHONPATH": str(SHOP), "RUNG_NODE": name}
    with (directory / f"{name}.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", *words], cwd=SHOP, env=environment, stdout=log, stderr=log
        )
    try:
        deadline = time.monotonic() + READY_SECONDS
        while b'"ready"' not in (directory / f"{name}.log").read_bytes():
            running = process.poll() is None and time.monotonic() < deadline
            assert running, (directory / f"{name}.log").read_text()
            time.sleep(0.05)
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            process.wait(30)
        process.kill()


async def _article(url: str, units: int) -> list[str]:
    """A product with two variants on one shelf of `units` pieces; the skus."""
    connection = await asyncpg.connect(url)
    skus = ["TORTURE-A", "TORTURE-B"]
    await connection.execute("insert into categories (slug, name) values ('torture', 'Torture')")
    await connection.execute(
        "insert into products (slug, title, category_id, price_minor) values ('t', 'T', 1, 100)"
    )
    await connection.execute(
        f"""insert into inventory_items (on_hand) values ({units:d});
            insert into stock_movements (inventory_item_id, from_account, to_account, quantity, reason)
            values (1, 'supplier', 'available', {units:d}, 'opening')"""
    )
    await connection.executemany(
        "insert into variants (product_id, inventory_item_id, sku, title, price_minor) values (1, 1, $1, $1, 100)",
        [(sku,) for sku in skus],
    )
    await connection.close()
    return skus


class Buyer:
    """One buyer with two lines in the cart."""

    def __init__(self, number: int, url: str, skus: list[str]) -> None:
        self.number, self.url = number, url
        self.counts: Counter[str] = Counter()
        self.visitor = Visitor(url, self.counts)
        self.visitor.send("POST", "/api/cart/lines", {"lines": [{"sku": sku, "quantity": 1} for sku in skus]})

    def order(self) -> list[tuple[float, str, dict[str, Any] | None]]:
        """Check out: once, or twice at the same time with one key. (seconds, answer, order) of each."""
        if self.number % 2:
            return [self._checkout(self.visitor)]
        twin = Visitor(self.url, self.counts)
        twin.cookies = dict(self.visitor.cookies)
        answers: list[tuple[float, str, dict[str, Any] | None]] = []
        other = threading.Thread(target=lambda: answers.append(self._checkout(twin)))
        other.start()
        answers.append(self._checkout(self.visitor))
        other.join()
        return answers

    def _checkout(self, visitor: Visitor) -> tuple[float, str, dict[str, Any] | None]:
        body = {
            "email": f"buyer-{self.number}@torture.example", "name": "Buyer", "delivery": "collect",
            "address": {"line1": "1 Mill Lane", "city": "York"}, "payment_token": "tok_visa",
        }  # fmt: skip
        started = time.perf_counter()
        try:
            order = visitor.send("POST", "/api/checkout", body, idempotency_key=f"torture-{self.number:06d}")
        except ReplayError as error:
            return time.perf_counter() - started, "refused" if "out_of_stock" in str(error) else str(error), None
        finally:
            visitor.close()
        return time.perf_counter() - started, "sold", order


def torture(url: str, urls: list[str], buyers: int, units: int) -> Outcome:
    """Run it once."""
    outcome = Outcome(buyers, units)
    skus = asyncio.run(_article(url, units))
    with ThreadPoolExecutor(THREADS) as pool:
        crowd = list(pool.map(lambda number: Buyer(number, urls[number % len(urls)], skus), range(buyers)))
        started = time.perf_counter()
        answers = [answer for found in pool.map(Buyer.order, crowd) for answer in found]
        outcome.seconds = time.perf_counter() - started
    orders = {order["id"]: order for _, _, order in answers if order is not None}
    outcome.orders = len(orders)
    outcome.sold = sum(line["quantity"] for order in orders.values() for line in order["lines"])
    outcome.refused = sum(kind == "refused" for _, kind, _ in answers)
    outcome.other_answers = sum(kind not in ("sold", "refused") for _, kind, _ in answers)
    times = sorted(seconds * 1000 for seconds, _, _ in answers)
    outcome.checkout_p50_ms, outcome.checkout_p99_ms = times[len(times) // 2], times[int(len(times) * 0.99)]
    asyncio.run(_audit(url, outcome))
    return outcome


async def _audit(url: str, outcome: Outcome) -> None:
    """Wait until everything sold has left the shelf, then read the books."""
    connection = await asyncpg.connect(url)
    deadline = time.monotonic() + 60
    while await connection.fetchval("select count(*) from orders where status <> 'shipped'"):
        assert time.monotonic() < deadline, "the worker did not fulfil the orders"
        await asyncio.sleep(0.1)
    outcome.ledger_sum = await connection.fetchval("select coalesce(sum(quantity), 0) from stock_entries")
    row = await connection.fetchrow("select on_hand, reserved from inventory_items")
    outcome.shelf_on_hand, outcome.shelf_reserved = row
    sold = await connection.fetchval("select coalesce(sum(quantity), 0) from stock_entries where account = 'sold'")
    in_orders = await connection.fetchval("select coalesce(sum(quantity * units), 0) from order_lines")
    outcome.shelf_disagrees_with_ledger = abs(sold - in_orders) + abs(outcome.units - sold - outcome.shelf_on_hand)
    outcome.orders_beyond_one_per_key = await connection.fetchval(
        "select count(*) - count(distinct idempotency_key) from orders"
    )
    await connection.close()


def main() -> int:
    """Exit 1 when a law does not hold."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--buyers", type=int, default=1_000)
    parser.add_argument("--units", type=int, default=100, help="even: each buyer takes two")
    parser.add_argument("--processes", type=int, default=2, help="API processes")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with shop(options.processes) as (url, urls):
        outcome = torture(url, urls, options.buyers, options.units)
    found = {**asdict(outcome), "right": outcome.right}
    if options.json:
        print(json.dumps({"machine": platform.platform(), "cores": os.cpu_count(), **found}))
    else:
        print(f"{platform.platform()}, {os.cpu_count()} cores; generator, API, database on the same machine")
        for name, value in found.items():
            print(f"{name.replace('_', ' '):<32}{value:>12.1f}" if isinstance(value, float) else
                  f"{name.replace('_', ' '):<32}{value!s:>12}")  # fmt: skip
    return 0 if outcome.right else 1


if __name__ == "__main__":
    sys.exit(main())
