"""The job of a deployment: roles with the passwords of their secrets, tables, grants; again, and twice at once.

As on RDS, the master user is no superuser.
"""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import msgspec
import pytest
from tests.aws.emulator import Emulator

from rung.errors import MachineError
from rung.runtime.aws.secrets import SECRETS
from rung.runtime.bindings import BusBinding, PostgresBinding, QueueBinding, WorkflowBinding
from rung.runtime.bus.postgres import PostgresBus
from rung.runtime.database.database import Database
from rung.runtime.database.login import login_of
from rung.runtime.database.roles import DatabaseSetup, RoleSetup, set_up, verifier_of
from rung.runtime.errors import UnavailableError
from rung.runtime.queue import PostgresQueue
from rung.runtime.workflow.client import RunHandle, Workflow
from rung.runtime.workflow.postgres.adapter import PostgresStore


class Place:
    """A database of a master user like RDS's, and its secrets."""

    def __init__(self, emulator: Emulator, url: str, admin: asyncpg.Connection) -> None:
        self.manager = emulator.client("secretsmanager")
        self.admin = admin
        self.name = urlsplit(url).path.lstrip("/")
        address = urlsplit(url)
        self.url = f"postgresql://{address.hostname}:{address.port}/{self.name}"
        self.users: list[str] = []

    def secret(self, process: str, **changes: str) -> str:
        user, password = f"{self.name}_{process}", secrets.token_urlsafe(12)
        self.users.append(user)
        text = json.dumps({"username": user, "password": password, **changes})
        return str(self.manager.create_secret(Name=f"{self.name}-{process}", SecretString=text)["ARN"])

    def setup(self, **changes: Any) -> DatabaseSetup:
        return DatabaseSetup(url=self.url, credentials_secret=self.master, **changes)

    @property
    def master(self) -> str:
        return f"{self.name}-master"

    async def sign_in(self, secret: str) -> asyncpg.Connection:
        login = login_of(self.manager.get_secret_value(SecretId=secret)["SecretString"])
        return await asyncpg.connect(self.url, user=login.user, password=login.password)


@pytest.fixture
async def place(aws: Emulator, postgres_url: str) -> AsyncIterator[Place]:
    admin = await asyncpg.connect(postgres_url)
    place = Place(aws, postgres_url, admin)
    place.secret("master", username=f"{place.name}_master")
    login = login_of(place.manager.get_secret_value(SecretId=place.master)["SecretString"])
    await admin.execute(f"create role {login.user} login createrole createdb password '{login.password}'")
    await admin.execute(f"alter database {place.name} owner to {login.user}")
    yield place
    await admin.execute(
        f"select pg_terminate_backend(pid) from pg_stat_activity where usename like '{place.name}_%'"
    )
    made = await admin.fetch(f"select rolname from pg_roles where rolname like '{place.name}\\_%'")
    await admin.execute(f"alter database {place.name} owner to postgres")
    for role in made:
        await admin.execute(f"drop owned by {role['rolname']}")
    for role in made:
        await admin.execute(f"drop role {role['rolname']}")
    await admin.close()


def _migrations(folder: Path) -> Path:
    (folder / "migrations").mkdir()
    (folder / "migrations" / "0001_orders.sql").write_text("create table orders (id int primary key);")
    return folder


async def test_processes_sign_in_and_reach_what_they_may(place: Place, tmp_path: Path) -> None:
    api, sender = place.secret("api"), place.secret("sender")
    reader, writer = place.secret("reader"), place.secret("writer")
    roles = (
        RoleSetup(secret=api),
        RoleSetup(secret=sender, rows="none", queue=True),
        RoleSetup(secret=reader, rows="read"),
        RoleSetup(secret=writer, rows="write"),
    )
    setup = place.setup(roles=roles, migrations="migrations", carries=True)
    (applied,) = await set_up(setup, folder=_migrations(tmp_path))
    assert applied.name == "orders"

    database = Database(PostgresBinding(url=place.url, credentials_secret=api))
    await database.execute("insert into orders (id) values (1)")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await database.execute("create table mine (id int)")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await database.execute("truncate orders")
    await database.close()

    connection = await place.sign_in(reader)
    assert await connection.fetchval("select count(*) from orders") == 1
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await connection.execute("delete from orders")
    await connection.close()
    connection = await place.sign_in(writer)
    await connection.execute("insert into orders (id) values (2)")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await connection.fetch("select * from orders")
    await connection.close()

    queue = PostgresQueue("orders", QueueBinding(url=place.url, credentials_secret=sender))
    await queue.send(b"x")
    assert len(await queue.receive(wait_seconds=1)) == 1
    await queue.close()
    connection = await place.sign_in(sender)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await connection.fetch("select * from orders")
    await connection.close()


async def test_events_and_runs_of_workflows_have_their_tables(place: Place, tmp_path: Path) -> None:
    roles = (RoleSetup(secret=place.secret("api"), queue=True), RoleSetup(secret=place.secret("reader")))
    assert await set_up(place.setup(roles=roles), folder=tmp_path) == []
    with pytest.raises(UnavailableError, match="R0536"):
        await _started(place, roles[0])
    await set_up(place.setup(roles=roles, events=True, workflows=True), folder=tmp_path)
    assert (await _started(place, roles[0])).is_new
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await _started(place, roles[1])
    bus = PostgresBus("events", BusBinding(url=place.url, credentials_secret=roles[0].secret, archive_days=1))
    assert await bus.put("order.placed", {"order": 7}, source="shop")
    await bus.close()
    connection = await place.sign_in(roles[0].secret)
    assert await connection.fetchval("select count(*) from rung.event_archive") == 0
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await connection.execute("truncate rung.workflow_run")
    await connection.close()


async def _started(place: Place, role: RoleSetup) -> RunHandle:
    store = PostgresStore(WorkflowBinding(url=place.url, credentials_secret=role.secret))
    try:
        return await Workflow("flow", store).start(7, id="a")
    finally:
        await store.close()


async def test_it_may_run_again_and_twice_at_once(place: Place, tmp_path: Path) -> None:
    api = place.secret("api")
    setup = place.setup(roles=(RoleSetup(secret=api, queue=True),), migrations="migrations", carries=True)
    folder = _migrations(tmp_path)
    both = await asyncio.gather(set_up(setup, folder=folder), set_up(setup, folder=folder))
    assert sorted(len(applied) for applied in both) == [0, 1]
    (folder / "migrations" / "0002_more.sql").write_text("create table more (id int);")
    assert [each.name for each in await set_up(setup, folder=folder)] == ["more"]
    connection = await place.sign_in(api)
    assert await connection.fetch("select * from more") == [], "what a later migration creates is granted too"
    owners = await place.admin.fetch("select distinct tableowner from pg_tables where schemaname = 'public'")
    assert [row["tableowner"] for row in owners] == [f"{place.name}_owner"]
    await connection.close()


async def test_a_new_password_and_a_right_that_was_taken_away_come_into_force(
    place: Place, tmp_path: Path
) -> None:
    api = place.secret("api")
    await set_up(place.setup(roles=(RoleSetup(secret=api, queue=True),), carries=True), folder=tmp_path)
    old = login_of(place.manager.get_secret_value(SecretId=api)["SecretString"])
    text = json.dumps({"username": old.user, "password": "another"})
    place.manager.put_secret_value(SecretId=api, SecretString=text)
    SECRETS.forget()  # what was just asked for anew is not asked for again within a moment
    await set_up(place.setup(roles=(RoleSetup(secret=api),), carries=True), folder=tmp_path)
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(place.url, user=old.user, password=old.password)
    connection = await place.sign_in(api)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await connection.fetch("select * from rung.message")
    await connection.close()


async def test_what_cannot_be_done_is_a_finding(place: Place, tmp_path: Path) -> None:
    with pytest.raises(MachineError) as raised:
        await set_up(place.setup(roles=(RoleSetup(secret="not-there"),)), folder=tmp_path)
    assert raised.value.findings[0].code == "R0418"
    with pytest.raises(MachineError) as raised:
        await set_up(place.setup(extensions=("no_such_extension",)), folder=tmp_path)
    assert raised.value.findings[0].code == "R0417"
    away = DatabaseSetup(url="postgresql://127.0.0.1:1/x", credentials_secret=place.master)
    with pytest.raises(MachineError) as raised:
        await set_up(away, folder=tmp_path)
    assert raised.value.findings[0].code == "R0407"


async def test_the_command_says_what_it_did_and_ends(place: Place, aws: Emulator, tmp_path: Path) -> None:
    setup = place.setup(roles=(RoleSetup(secret=place.secret("api")),), migrations="migrations")
    folder = _migrations(tmp_path)
    environment = {**os.environ, **aws.environment(), "RUNG_DATABASE_SETUP": msgspec.json.encode(setup).decode()}

    def run(**changes: str) -> tuple[int, list[dict[str, Any]]]:
        command = [sys.executable, "-m", "rung.runtime.migrate"]
        done = subprocess.run(
            command, cwd=folder, env={**environment, **changes}, capture_output=True, text=True, timeout=30
        )
        lines = (done.stdout + done.stderr).splitlines()
        return done.returncode, [json.loads(line) for line in lines if line.startswith("{")]

    status, events = await asyncio.to_thread(run)
    assert (status, [event["event"] for event in events]) == (0, ["applied", "the database is ready"]), events
    status, events = await asyncio.to_thread(run, RUNG_DATABASE_SETUP="{}")
    assert (status, events[0]["event"]) == (1, "the variable does not describe a database")


async def test_a_verifier_is_what_the_server_itself_would_store(postgres_url: str) -> None:
    admin = await asyncpg.connect(postgres_url)
    verifier = verifier_of("s3cret")
    assert "s3cret" not in verifier
    name = f"verified_{secrets.token_hex(4)}"
    await admin.execute(f"create role {name} login password '{verifier}'")
    assert await admin.fetchval("select rolpassword from pg_authid where rolname = $1", name) == verifier
    address = urlsplit(postgres_url)
    url = f"postgresql://{address.hostname}:{address.port}{address.path}"
    await (await asyncpg.connect(url, user=name, password="s3cret")).close()
    await admin.execute(f"drop role {name}")
    await admin.close()
