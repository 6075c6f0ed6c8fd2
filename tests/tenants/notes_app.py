"""A small application of tenants, with every channel: routes, cache, jobs, WebSockets, search."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Sequence
from contextlib import nullcontext
from typing import Any, ClassVar

import asyncpg
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

from rung.runtime import Cache, Database, serving_tenant
from rung.runtime.bindings import PostgresBinding, QueueBinding
from rung.runtime.cache.connection import RedisConnection
from rung.runtime.context import current_tenant
from rung.runtime.database.tenancy import create_serving_role, rls_statements
from rung.runtime.http.protect import protect
from rung.runtime.http.settings import HttpSettings
from rung.runtime.queue import PostgresQueue, install_queue
from rung.runtime.tenants.carry import for_tenants, serving_message, tenant_key
from rung.testing.asgi import call
from rung.testing.tenancy import CrossTenantMachine, Reply, Thing

TABLES = (
    "create table note (tenant_id text not null, id uuid, body text not null, primary key (tenant_id, id))",
    "create table page (tenant_id text not null, slug text, body text not null, primary key (tenant_id, slug))",
)
SERVING_ROLE = "notes_app"
#: What a signed-in client sends, as a session would be looked up.
SESSIONS = "session-of-"


async def prepare(owner_url: str) -> None:
    """Tables, policies, queue and serving role."""
    owner = await asyncpg.connect(owner_url)
    for statement in (*TABLES, *rls_statements("note"), *rls_statements("page")):
        await owner.execute(statement)
    await create_serving_role(owner, SERVING_ROLE, password="serving")
    await install_queue(owner, roles=[SERVING_ROLE])
    await owner.close()


class Notes:
    """The application: `app` is its ASGI."""

    def __init__(self, serving_url: str, redis_url: str, *, cache_scoped: bool = True, tenant_scoped: bool = True):
        binding = PostgresBinding(url=serving_url, pool_size=2, tenant_scoped=tenant_scoped)
        self.database = Database(binding)
        self.cache = Cache(RedisConnection(redis_url), tenant_scoped=cache_scoped)
        self.jobs = PostgresQueue("jobs", QueueBinding(url=serving_url), pool_size=2)
        self.channels: dict[str, list[str]] = {}
        starlette = Starlette(
            routes=[
                Route("/notes", self.notes),
                Route("/notes/{id}", self.note, methods=["GET", "PUT", "DELETE"]),
                Route("/search", self.search),
                Route("/pages/{slug}", self.page),
                WebSocketRoute("/live/{id}", self.live),
            ]
        )
        self.app = protect(for_tenants(starlette, self.identify), HttpSettings())

    async def identify(self, scope: Any) -> str | None:
        session = dict(scope["headers"]).get(b"authorization", b"").decode()
        return session.removeprefix(SESSIONS) if session.startswith(SESSIONS) else None

    async def notes(self, request: Request) -> Response:
        rows = await self.database.fetch("select id, body from note")  # whose, is not said
        return JSONResponse([[str(row["id"]), row["body"]] for row in rows])

    async def note(self, request: Request) -> Response:
        identity = uuid.UUID(request.path_params["id"])
        match request.method:
            case "GET":
                row = await self.database.fetch_row("select body from note where id = $1", identity)
                return Response(status_code=404) if row is None else JSONResponse(row["body"])
            case "PUT":
                sql = "update note set body = body || '.' where id = $1"
            case _:
                sql = "delete from note where id = $1 and body = 'nobody deletes here'"
        async with self.database.transaction() as connection:
            changed = await connection.execute(sql, identity)
        return Response(status_code=404 if changed.endswith(" 0") else 204)

    async def search(self, request: Request) -> Response:
        sql = "select body from note where to_tsvector('simple', body) @@ to_tsquery('simple', $1)"
        rows = await self.database.fetch(sql, request.query_params.get("q", "word:*"))
        return JSONResponse([row["body"] for row in rows])

    async def page(self, request: Request) -> Response:
        """Every tenant has a page of the same name: only the key of the cache keeps them apart."""
        slug = request.path_params["slug"]
        body = await self.cache.get_or_load(f"page:{slug}", lambda: self._page(slug), ttl_seconds=60)
        return Response(status_code=404) if body is None else JSONResponse(body)

    async def _page(self, slug: str) -> str | None:
        found = await self.database.fetch_value("select body from page where slug = $1", slug)
        return None if found is None else str(found)

    async def live(self, websocket: WebSocket) -> None:
        """What was said in the tenant's channel, then the note."""
        if current_tenant() is None:
            await websocket.close(4404)
            return
        await websocket.accept()
        for said in self.channels.get(tenant_key("notes"), []):
            await websocket.send_text(said)
        async for identity in websocket.iter_text():
            row = await self.database.fetch_row("select body from note where id = $1", uuid.UUID(identity))
            await websocket.send_text("none" if row is None else row["body"])
            break
        await websocket.close()

    async def work(self) -> str:
        """Handle one job as a worker does; what it would say."""
        [message] = await self.jobs.receive(wait_seconds=5)
        try:
            with serving_message(message.headers):
                row = await self.database.fetch_row(
                    "select body from note where id = $1", uuid.UUID(message.json())
                )
        finally:
            await self.jobs.acknowledge([message])
        return "none" if row is None else str(row["body"])

    async def close(self) -> None:
        await self.jobs.close()
        await self.cache.close()
        await self.database.close()


async def websocket(app: Any, path: str, headers: Sequence[tuple[bytes, bytes]], text: str) -> str:
    """Open, say one thing, hear everything until the close."""
    incoming = [{"type": "websocket.connect"}, {"type": "websocket.receive", "text": text}]
    heard: list[str] = []

    async def receive() -> Any:
        return incoming.pop(0) if incoming else {"type": "websocket.disconnect", "code": 1000}

    async def send(message: Any) -> None:
        heard.append(str(message.get("text", "")))

    scope = {
        "type": "websocket",
        "path": path,
        "raw_path": path.encode(),
        "headers": list(headers),
        "query_string": b"",
    }
    await app(scope, receive, send)
    return " ".join(heard)


class NotesMachine(CrossTenantMachine):
    """Every channel of the application."""

    kinds = ("note", "page")
    urls: ClassVar[tuple[str, str]]
    options: ClassVar[dict[str, Any]] = {}

    async def open(self) -> None:
        self.notes = Notes(*self.urls, **self.options)
        self.lock = asyncio.Lock()
        self.database = self.notes.database
        for tenant in self.tenants:
            for table in ("note", "page"):
                await self.database.execute(f"delete from {table}", tenant=tenant)

    async def close(self) -> None:
        await self.notes.close()

    async def make(self, tenant: str, kind: str, word: str) -> str:
        with serving_tenant(tenant):
            if kind == "page":
                sql = "insert into page values ($1, 'home', $2) on conflict (tenant_id, slug) do update set body = $2"  # noqa: E501
                await self.database.execute(sql, tenant, f"{word} {await self._page_of(tenant)}")
                await self.notes.cache.invalidate("page:home")
                return "home"
            identity = uuid.uuid4()
            await self.database.execute("insert into note values ($1, $2, $3)", tenant, identity, word)
            self.notes.channels.setdefault(tenant_key("notes"), []).append(word)
            return str(identity)

    async def _page_of(self, tenant: str) -> str:
        return str(await self.database.fetch_value("select body from page", tenant=tenant) or "")

    async def read_own(self, thing: Thing) -> str:
        rows = await self.database.fetch(f"select body from {thing.kind}", tenant=thing.tenant)
        return " ".join(row["body"] for row in rows)

    def attempts_on(self, thing: Thing) -> list[tuple[str, Callable[[str | None], Awaitable[Reply]]]]:
        if thing.kind == "page":
            return [("page", lambda who: self.request("GET", "/pages/home", who, judged=False))]
        one = f"/notes/{thing.id}"
        return [
            ("read", lambda who: self.request("GET", one, who)),
            ("change", lambda who: self.request("PUT", one, who)),
            ("delete", lambda who: self.request("DELETE", one, who)),
            ("list", lambda who: self.request("GET", "/notes", who, judged=False)),
            ("search", lambda who: self.request("GET", "/search", who, judged=False)),
            ("socket", lambda who: self.socket(thing.id, who)),
            ("job", lambda who: self.job(thing.id, who)),
            ("other's header", lambda who: self.request("GET", one, who, ("x-rung-tenant", thing.tenant))),
        ]  # fmt: skip

    async def request(
        self, method: str, path: str, who: str | None, *headers: tuple[str, str], judged: bool = True
    ) -> Reply:
        session = [("authorization", SESSIONS + who)] if who else []
        answer = await call(self.notes.app, path, method=method, headers=[*session, *headers])
        assert answer.status != 500, (method, path, who)
        return Reply(answer.body.decode(), answer.status if judged else None)

    async def socket(self, identity: str, who: str | None) -> Reply:
        session = [(b"authorization", (SESSIONS + who).encode())] if who else []
        return Reply(await websocket(self.notes.app, f"/live/{identity}", session, identity))

    async def job(self, identity: str, who: str | None) -> Reply:
        """Sent by one, handled by whichever process: what it says is said to who sent it."""
        async with self.lock:
            with serving_tenant(who) if who else nullcontext():
                await self.notes.jobs.send(f'"{identity}"')
            return Reply(await self.notes.work())
