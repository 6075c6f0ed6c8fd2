"""A whole shop for the tests: real Postgres and Redis, migrated and seeded once for each test process."""

from __future__ import annotations

import asyncio
import inspect
import itertools
import os
import secrets
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg
import msgspec
import pytest
import pytest_asyncio

from rung.local.postgres import start_postgres
from rung.local.redis import start_redis
from rung.runtime import bindings, install_queue, lifespan
from rung.runtime.errors import OverloadedError
from rung.runtime.migrations import migrate

HERE = Path(__file__).resolve().parent
ADMIN_KEY = "admin-key-of-the-tests"
SEEDED = 300
PATIENCE_SECONDS = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Servers:
    """What is started once for each test process: the database's URL and the bindings of the shop's processes."""

    url: str
    variables: dict[str, str]


@pytest.fixture(scope="session")
def shop_servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    """Servers, schema and a small catalogue."""
    directory = tmp_path_factory.mktemp("shop")
    for folder in (directory, *directory.parents[:3]):
        if os.geteuid() == 0 and folder.owner() == "root" and folder != Path("/"):
            folder.chmod(folder.stat().st_mode | 0o011)
    postgres = start_postgres(directory / "postgres", settings={"fsync": "off", "shared_buffers": "64MB"})
    redis = start_redis(directory / "redis")
    servers = Servers(url=postgres.url, variables=_bindings(directory, postgres.url, redis.url))
    try:
        with _bound(servers):
            asyncio.run(_prepare(postgres.url))
        yield servers
    finally:
        redis.stop()
        postgres.stop()


@pytest.fixture(scope="module")
def shop_environment(shop_servers: Servers) -> Iterator[str]:
    """The shop's bindings in this process's environment, while its tests run. The database's URL."""
    with _bound(shop_servers):
        yield shop_servers.url


@contextmanager
def _bound(servers: Servers) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as environment:
        for name, value in servers.variables.items():
            environment.setenv(name, value)
        yield


def _bindings(directory: Path, database_url: str, cache_url: str) -> dict[str, str]:
    found = {
        "db": bindings.PostgresBinding(url=database_url),
        "cache": bindings.CacheBinding(url=cache_url),
        "orders": bindings.QueueBinding(url=database_url, lanes=("payment", "fulfilment", "analytics")),
    }
    for name, value in (("session-key", secrets.token_urlsafe(32)), ("admin-key", ADMIN_KEY)):
        path = directory / name
        path.write_text(value)
        found[name] = bindings.SecretBinding(path=str(path))
    return {bindings.variable_name(name): bindings.encode(one) for name, one in found.items()}


async def _prepare(url: str) -> None:
    await migrate(url, HERE.parent / "migrations")
    connection = await asyncpg.connect(url)
    await install_queue(connection)
    await connection.close()
    from shop import seed

    await seed.fill(list(seed.products(SEEDED)))
    await lifespan.close_all()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """One event loop for all tests, as a process has one: pools and subscriptions live as long as it does."""
    for item in items:
        if HERE in item.path.parents and inspect.iscoroutinefunction(getattr(item, "function", None)):
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def running_shop(shop_servers: Servers) -> AsyncIterator[None]:
    """The shop's resources, opened once and closed at the end."""
    yield
    with _bound(shop_servers):
        from shop.resources import store
    await lifespan.close_all()
    await store.connection.close()


@pytest_asyncio.fixture(loop_scope="session")
async def shop(running_shop: None, shop_environment: str) -> Shop:
    """The shop, with nothing left in its queue and no failure switched on."""
    from shop.failures import switches
    from shop.resources import db, orders, store

    await db.execute("delete from failure_switches")
    await db.execute("delete from flash_sales")
    switches.forget()
    while waiting := await orders.receive(max_messages=100):
        await orders.acknowledge(waiting)
    await store.connection.run("FLUSHALL")
    return Shop(url=shop_environment, db=db)


@dataclass
class Response:
    """What the API answered."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body, decoded."""
        return msgspec.json.decode(self.body)


@dataclass
class Browser:
    """One visitor: keeps cookies between requests, as a browser would."""

    cookies: dict[str, str] = field(default_factory=dict)

    async def request(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        headers: dict[str, str] | None = None,
        raw: bytes | None = None,
    ) -> Response:
        """One request to the ASGI application."""
        from shop.api import app

        data = raw if raw is not None else b"" if body is None else msgspec.json.encode(body)
        given = {"content-type": "application/json", **(headers or {})}
        if self.cookies:
            given["cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        answer = Response(0, {}, b"")
        route, _, query = path.partition("?")
        scope = {
            "type": "http", "method": method, "path": route, "raw_path": route.encode(), "root_path": "",
            "query_string": query.encode(), "scheme": "http", "http_version": "1.1", "server": ("test", 80),
            "client": ("127.0.0.1", 50_000),
            "headers": [(name.lower().encode(), value.encode()) for name, value in given.items()],
        }  # fmt: skip
        sent = iter([{"type": "http.request", "body": data, "more_body": False}])

        async def receive() -> Any:
            return next(sent, {"type": "http.disconnect"})

        async def send(message: Any) -> None:
            if message["type"] == "http.response.start":
                answer.status = message["status"]
                for name, value in message["headers"]:
                    self._keep(name.decode(), value.decode())
                    answer.headers[name.decode()] = value.decode()
            else:
                answer.body += message.get("body", b"")

        await app(scope, receive, send)
        return answer

    def _keep(self, name: str, value: str) -> None:
        if name != "set-cookie":
            return
        cookie, _, content = value.partition(";")[0].partition("=")
        if "Max-Age=0" in value:
            self.cookies.pop(cookie, None)
        else:
            self.cookies[cookie] = content

    async def get(self, path: str, **options: Any) -> Response:
        """GET."""
        return await self.request("GET", path, **options)

    async def post(self, path: str, body: Any = None, **options: Any) -> Response:
        """POST."""
        return await self.request("POST", path, body, **options)

    async def add(self, sku: str, quantity: int = 1) -> Response:
        """Put one article into the cart."""
        return await self.post("/api/cart/lines", {"lines": [{"sku": sku, "quantity": quantity}]})

    async def checkout(self, key: str | None = None, **changes: Any) -> Response:
        """Order what is in the cart. Who is told that too many want the same asks again."""
        body = {
            "email": "buyer@shop.example",
            "name": "A Buyer",
            "address": {"line1": "1 Mill Lane", "city": "York", "postcode": "YO1 7HH", "country": "GB"},
            "delivery": "collect",
            "payment_token": "tok_visa",
            **changes,
        }
        headers = {"idempotency-key": key or f"key-{secrets.token_hex(8)}"}
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                try:
                    return await self.post("/api/checkout", body, headers=headers)
                except OverloadedError:
                    await asyncio.sleep(0.01)


@dataclass
class Shop:
    """What a test asks of the shop beside its API."""

    url: str
    db: Any
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def browser(self) -> Browser:
        """A new visitor."""
        return Browser()

    async def admin(self, method: str, path: str, body: Any = None) -> Response:
        """A request of the people who run the shop."""
        return await Browser().request(method, f"/api/admin{path}", body, headers={"x-admin-key": ADMIN_KEY})

    async def article(
        self, stock: int, *, price_minor: int = 1_000, packs: tuple[int, ...] = (1,), category: str = "kitchen"
    ) -> list[str]:
        """A new product whose variants (units by pack) share one shelf; the skus."""
        code = f"T{secrets.token_hex(5).upper()}"
        product = await self.db.fetch_value(
            """insert into products (slug, title, brand, category_id, price_minor, source)
               select lower($1), 'Test article ' || $1, 'Tests', id, $2, 'test' from categories where slug = $3
               returning id""",
            code, price_minor, category,
        )  # fmt: skip
        item = await self.db.fetch_value(
            """with item as (insert into inventory_items (on_hand) values ($1) returning id),
               moved as (insert into stock_movements
                             (inventory_item_id, from_account, to_account, quantity, reason)
                         select id, 'supplier', 'available', $1, 'test' from item where $1 > 0)
               select id from item""",
            stock,
        )
        skus = [f"{code}-{units}" for units in packs]
        await self.db.execute(
            """insert into variants (product_id, inventory_item_id, units, sku, title, price_minor)
               select $1, $2, u.units, u.sku, u.units::text, $3 * u.units
                 from unnest($4::integer[], $5::text[]) as u(units, sku)""",
            product, item, price_minor, list(packs), skus,
        )  # fmt: skip
        return skus

    async def stock(self, sku: str) -> tuple[int, int]:
        """On hand and reserved of the shelf behind an article."""
        row = await self.db.fetch_row(
            """select i.on_hand, i.reserved from inventory_items i join variants v on v.inventory_item_id = i.id
                where v.sku = $1""",
            sku,
        )
        return row["on_hand"], row["reserved"]

    async def work(self, *, until_empty: int = 50) -> list[str]:
        """Be the worker: handle what is ready, as the runner does. Returns why messages failed."""
        from rung.runtime.queue import Reject
        from shop.fulfilment import handle
        from shop.resources import orders

        said: list[str] = []
        for _ in range(until_empty):
            messages = await orders.receive(max_messages=20)
            if not messages:
                break
            for message in messages:
                try:
                    await handle(message)
                    await orders.acknowledge([message])
                except Reject as reject:
                    said.append(f"reject: {reject}")
                    await orders.dead_letter(message, reason=str(reject))
                except Exception as error:
                    said.append(f"{type(error).__name__}: {error}")
                    await orders.retry(message, reason=str(error), delay_seconds=0.0)
        return said

    async def verify(self) -> None:
        """The laws that hold after everything: the ledger sums to zero and agrees with the shelves."""
        assert await self.db.fetch_value("select coalesce(sum(quantity), 0) from stock_entries") == 0
        wrong = await self.db.fetch(
            """select i.id, i.on_hand, i.reserved, e.* from inventory_items i
                 left join lateral (
                     select coalesce(sum(quantity) filter (where account = 'available'), 0) as available,
                            coalesce(sum(quantity) filter (where account = 'reserved'), 0) as held
                       from stock_entries where inventory_item_id = i.id) e on true
                where i.reserved <> e.held or i.on_hand <> e.available + e.held or i.on_hand < 0
                   or i.reserved < 0 or i.reserved > i.on_hand"""
        )
        assert wrong == []
        sums = await self.db.fetch(
            """select o.id from orders o
                 join lateral (select sum(unit_price_minor * quantity) as gross, sum(discount_minor) as discount
                                 from order_lines where order_id = o.id) l on true
                where o.subtotal_minor <> l.gross or o.discount_minor <> l.discount"""
        )
        assert sums == []
