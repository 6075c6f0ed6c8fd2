"""A whole track for the tests: real Postgres and Redis, migrated once for each test process.

Everything runs as a serving role that owns nothing and bypasses nothing, as it does everywhere else: a statement
that forgets its tenant finds no row here either.
"""

from __future__ import annotations

import asyncio
import base64
import inspect
import os
import secrets
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import msgspec
import pytest
import pytest_asyncio
from argon2 import PasswordHasher
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID

from rung.local.postgres import start_postgres
from rung.local.redis import start_redis
from rung.runtime import bindings, install_queue, lifespan
from rung.runtime.database.tenancy import create_serving_role
from rung.runtime.migrations import migrate
from rung.runtime.webhooks import install_webhooks

HERE = Path(__file__).resolve().parent
TOPIC = "arn:aws:sns:eu-west-1:123456789012:track-mail"
OWNER, SERVING = "track_owner", "track_app"
PASSWORD = "correct horse battery"
SNS = "https://sns.eu-west-1.amazonaws.com"
SNS_CERTIFICATE = f"{SNS}/SimpleNotificationService-0123456789abcdef0123456789abcdef.pem"
SNS_SIGNED = {
    "Notification": ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    "SubscriptionConfirmation": (
        "Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type",
    ),
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Servers:
    """What is started once for each test process."""

    url: str  # as the superuser
    variables: dict[str, str]


@pytest.fixture(scope="session")
def track_servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    """Servers and schema."""
    directory = tmp_path_factory.mktemp("track")
    for folder in (directory, *directory.parents[:3]):
        if os.geteuid() == 0 and folder.owner() == "root" and folder != Path("/"):
            folder.chmod(folder.stat().st_mode | 0o011)
    postgres = start_postgres(directory / "postgres", settings={"fsync": "off", "shared_buffers": "64MB"})
    redis = start_redis(directory / "redis")
    try:
        asyncio.run(_prepare(postgres.url))
        yield Servers(url=postgres.url, variables=_bindings(directory, postgres.url, redis.url))
    finally:
        redis.stop()
        postgres.stop()


def _bindings(directory: Path, database_url: str, cache_url: str) -> dict[str, str]:
    found: dict[str, Any] = {
        "db": bindings.PostgresBinding(url=database_url, serving_role=SERVING, tenant_scoped=True),
        "cache": bindings.CacheBinding(url=cache_url),
        "mails": bindings.QueueBinding(
            url=database_url, lanes=("system", "transactional", "campaign"), max_receive_count=8
        ),
        "tombstones": bindings.BucketBinding(
            adapter="file", name="tombstones", path=str(directory / "tombstones.db")
        ),
        "stripe-events": bindings.QueueBinding(url=database_url),
        "deliveries": bindings.QueueBinding(url=database_url),
    }
    for name in ("session-key", "data-key", "stripe-key", "stripe-webhook-key", "webhooks-key"):
        path = directory / name
        path.write_text(secrets.token_urlsafe(32))
        found[name] = bindings.SecretBinding(path=str(path))
    return {bindings.variable_name(name): bindings.encode(one) for name, one in found.items()}


@pytest.fixture(autouse=True, scope="session")
def cheap_passwords() -> Iterator[None]:
    """Hashes that cost next to nothing: these tests sign up hundreds of people."""
    with pytest.MonkeyPatch.context() as patch:
        from track.accounts import passwords

        patch.setattr(passwords, "_hasher", PasswordHasher(time_cost=1, memory_cost=64, parallelism=1))
        yield


async def _prepare(url: str) -> None:
    connection = await asyncpg.connect(url)
    await connection.execute(f"create role {OWNER} nosuperuser nobypassrls login")
    await connection.execute(f"alter schema public owner to {OWNER}")
    await connection.execute(f"grant create on database postgres to {OWNER}")
    await migrate(url, HERE.parent / "migrations", role=OWNER)
    await create_serving_role(connection, SERVING)
    await install_queue(connection, roles=[SERVING])
    await install_webhooks(connection, roles=[SERVING])
    await connection.close()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """One event loop for all tests, as a process has one: pools and subscriptions live as long as it does."""
    for item in items:
        if HERE in item.path.parents and inspect.iscoroutinefunction(getattr(item, "function", None)):
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@contextmanager
def _bound(servers: Servers) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as environment:
        for name, value in servers.variables.items():
            environment.setenv(name, value)
        yield


@pytest.fixture(scope="module")
def track_environment(track_servers: Servers) -> Iterator[str]:
    """The bindings in this process's environment, while its tests run. The superuser's URL."""
    with _bound(track_servers):
        yield track_servers.url


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def running_track(track_servers: Servers) -> AsyncIterator[asyncpg.Connection]:
    """The resources, opened once and closed at the end; a superuser's connection, to look behind the curtain."""
    connection = await asyncpg.connect(track_servers.url)
    yield connection
    await connection.close()
    with _bound(track_servers):
        from track.resources import store
    await lifespan.close_all()
    await store.connection.close()


@pytest_asyncio.fixture(loop_scope="session")
async def track(running_track: asyncpg.Connection, track_environment: str) -> Track:
    """track, with nothing left in its queues and nobody's attempts counted."""
    from track.resources import deliveries_queue, outgoing, store, stripe_events

    await store.connection.run("FLUSHALL")
    for each in (outgoing, stripe_events, deliveries_queue):
        while waiting := await each.receive(max_messages=100):
            await each.acknowledge(waiting)
    await running_track.execute("delete from dispatch")
    return Track(url=track_environment, behind=running_track)


@pytest_asyncio.fixture(loop_scope="session")
async def inbox(track: Track, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Any]:
    """A mail server, which every sender of this process sends to. The mailbox behind it."""
    from track.inbox.mailbox import Mailbox
    from track.inbox.server import port_of, start
    from track.mails import sender
    from track.mails.smtp import SmtpAddress, SmtpProvider

    mailbox = Mailbox()
    server = await start(mailbox)
    through = SmtpProvider(SmtpAddress(host="127.0.0.1", port=port_of(server)))
    monkeypatch.setattr(sender, "provider", lambda: through)
    yield mailbox
    await through.close()
    server.close()
    await server.wait_closed()


@pytest.fixture(scope="session")
def signing_sns() -> Any:
    """Amazon SNS with a certificate of its own making, and one topic."""
    return SigningSns()


@pytest.fixture
def sns(signing_sns: Any, track_environment: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The same, as the SNS of this installation."""
    from track.mails import sns

    monkeypatch.setenv(sns.TOPIC_VARIABLE, TOPIC)
    monkeypatch.setattr(sns, "_topic", lambda arn: sns.Topic(arn, signing_sns.fetch))
    signing_sns.asked.clear()
    return signing_sns


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
    """One visitor: keeps cookies between requests, and sends the token that changes need."""

    cookies: dict[str, str] = field(default_factory=dict)
    csrf_token: str = ""
    email: str = ""

    async def request(
        self, method: str, path: str, body: Any = None, *, headers: dict[str, str] | None = None,
        raw: bytes | None = None,
    ) -> Response:  # fmt: skip
        """One request to the ASGI application."""
        from track.api.app import app

        data = raw if raw is not None else b"" if body is None else msgspec.json.encode(body)
        given = {"content-type": "application/json", "x-csrf-token": self.csrf_token, **(headers or {})}
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
            for message in sent:
                return message
            return await asyncio.Event().wait()  # the visitor stays

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
        return await self.request("POST", path, {} if body is None else body, **options)

    async def delete(self, path: str, **options: Any) -> Response:
        """DELETE."""
        return await self.request("DELETE", path, **options)

    async def sign_up(self, email: str = "", **more: Any) -> Response:
        """A new account, signed in."""
        self.email = email or f"{secrets.token_hex(6)}@people.example"
        answer = await self.post("/api/sign-up", {"email": self.email, "password": PASSWORD, **more})
        if answer.status == 201:
            self.csrf_token = answer.json["csrf_token"]
        return answer


@dataclass
class Office:
    """An organisation and its owner's browser."""

    id: str
    owner: Browser

    @property
    def path(self) -> str:
        """Where everything of it is."""
        return f"/api/organisations/{self.id}"


@dataclass
class Track:
    """What a test asks of track beside its API."""

    url: str
    behind: asyncpg.Connection

    def browser(self) -> Browser:
        """A new visitor."""
        return Browser()

    async def work(self, *, until_empty: int = 200) -> list[str]:
        """Be the sender: handle what is ready, as the runner does. Returns why messages failed."""
        from rung.runtime import Reject, serving
        from rung.runtime.context import from_headers
        from track.mails.sender import handle
        from track.resources import outgoing

        said: list[str] = []
        for _ in range(until_empty):
            messages = await outgoing.receive(max_messages=20)
            if not messages:
                break
            for message in messages:
                try:
                    with serving(from_headers(message.headers, trusted=True)):
                        await handle(message)
                    await outgoing.acknowledge([message])
                except Reject as reject:
                    said.append(f"reject: {reject}")
                    await outgoing.dead_letter(message, reason=str(reject))
                except Exception as error:
                    said.append(f"{type(error).__name__}: {error}")
                    await outgoing.retry(message, reason=str(error), delay_seconds=0.0)
        return said

    async def follow_payments(self) -> None:
        """Be the worker of the payment provider's events."""
        from track.billing.events import handle
        from track.resources import stripe_events

        while messages := await stripe_events.receive(max_messages=20):
            for message in messages:
                await handle(message)
            await stripe_events.acknowledge(messages)

    async def state(self, mail: str) -> str:
        """The state of a mail, from behind the curtain."""
        return str(await self.behind.fetchval("select state from mails where id = $1::text::uuid", mail))

    async def office(self, name: str = "Acme") -> Office:
        """A new organisation."""
        browser = Browser()
        answer = await browser.sign_up(organisation=name)
        assert answer.status == 201, answer.body
        [mine] = (await browser.get("/api/session")).json["organisations"]
        return Office(mine["id"], browser)


def _certificate(key: rsa.RSAPrivateKey, *, days: int = 1) -> bytes:
    """A certificate that the key gives itself; before now for `days` below zero."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.amazonaws.com")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(
        issuer_name=name, subject_name=name, public_key=key.public_key(), serial_number=1,
        not_valid_before=now - timedelta(days=9), not_valid_after=now + timedelta(days=days),
    )  # fmt: skip
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


class SigningSns:
    """Signs what it posts, and remembers what it was asked for."""

    def __init__(self) -> None:
        self.key = rsa.generate_private_key(public_exponent=65_537, key_size=2048)
        self.certificate = self.certificate_until(1)
        self.asked: list[str] = []

    def certificate_until(self, days: int) -> bytes:
        """Of its key; over for `days` below zero."""
        return _certificate(self.key, days=days)

    async def fetch(self, address: str, form: Mapping[str, str] | None) -> tuple[int, bytes]:
        """What SNS answers."""
        assert form is None
        self.asked.append(address)
        if address == SNS_CERTIFICATE:
            return 200, self.certificate
        return (200, b"<ConfirmSubscriptionResponse/>") if "ConfirmSubscription" in address else (404, b"")

    def posted(self, *, version: str = "2", key: Any = None, **changed: Any) -> bytes:
        """A message, signed as it is. A field that is None is left out."""
        given = {
            "Type": "Notification", "MessageId": "m-1", "TopicArn": TOPIC, "Message": "{}",
            "Timestamp": "2026-11-21T18:00:00.000Z", "SignatureVersion": version,
            "SigningCertURL": SNS_CERTIFICATE, "UnsubscribeURL": f"{SNS}/?Action=Unsubscribe", **changed,
        }  # fmt: skip
        text = "".join(f"{name}\n{given[name]}\n" for name in SNS_SIGNED[given["Type"]] if name in given)
        algorithm = hashes.SHA1() if version == "1" else hashes.SHA256()
        signature = (key or self.key).sign(text.encode(), padding.PKCS1v15(), algorithm)
        return msgspec.json.encode({"Signature": base64.b64encode(signature).decode(), **given})
