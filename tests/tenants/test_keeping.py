"""Export, delete and restore of one tenant: complete, compared, and without a trace in anybody else's rows."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest
from tests.tenants.moving_kit import TENANTS, System

from rung.errors import MachineError
from rung.runtime import serving_tenant
from rung.runtime.bindings import QueueBinding, WorkflowBinding
from rung.runtime.bus.schema import install_bus
from rung.runtime.database.database import Database
from rung.runtime.errors import TenantError
from rung.runtime.queue import PostgresQueue
from rung.runtime.tenants.archive import read_manifest
from rung.runtime.tenants.keeping import Keeper
from rung.runtime.tenants.places import Place
from rung.runtime.webhooks import Deliveries
from rung.runtime.workflow import Workflow
from rung.runtime.workflow.postgres.adapter import PostgresStore


def keeper(kit: System) -> Keeper:
    return Keeper(kit.owner, kit.sites)


async def test_out_gone_and_back(kit: System, tmp_path: Path) -> None:
    file = tmp_path / "acme.zip"
    before = {tenant: await kit.seen(tenant) for tenant in TENANTS}
    manifest = await keeper(kit).export("acme", file)
    assert [(table.name, table.rows) for table in manifest.tables] == [
        ("public.customer", 20),
        ("public.invoice", 20),
    ]
    with zipfile.ZipFile(file) as archive:
        rows = [json.loads(line) for line in archive.open("public.invoice.ndjson")]
    assert {row["tenant_id"] for row in rows} == {"acme"}
    assert "doubled" not in rows[0]
    assert await keeper(kit).delete("acme") == {"customer": 20, "invoice": 20}
    assert await kit.rows_of("acme") == 0
    kit.database.places.map.forget()  # type: ignore[union-attr]
    with pytest.raises(TenantError):
        await kit.seen("acme")
    assert {tenant: await kit.seen(tenant) for tenant in TENANTS[1:]} == {
        each: before[each] for each in TENANTS[1:]
    }
    with pytest.raises(MachineError, match="tombstone"):
        await keeper(kit).restore(file)
    await keeper(kit).restore(file, resurrect=True)
    kit.database.places.map.forget()  # type: ignore[union-attr]
    assert {tenant: await kit.seen(tenant) for tenant in TENANTS} == before
    assert await kit.owner.fetchval("select count(*) from pg_trigger where tgname = 'rung_refuse_frozen'") == 0


async def test_a_restore_goes_where_the_tenant_is_now(kit: System, tmp_path: Path) -> None:
    file = tmp_path / "acme.zip"
    before = await kit.seen("acme")
    await keeper(kit).export("acme", file)
    await kit.mover().move("acme", Place(tier="schema", target="acme_own"))
    await kit.mover().finish("acme", now=True)
    await kit.database.execute("update customer set name = 'spoilt'", tenant="acme")
    with pytest.raises(MachineError, match="it has 40 rows"):
        await keeper(kit).restore(file)
    await keeper(kit).restore(file, replace=True)
    assert await kit.seen("acme") == before
    assert await kit.rows_of("acme") == 0


async def test_one_person_by_the_declared_columns(kit: System, tmp_path: Path) -> None:
    file = tmp_path / "person.zip"
    manifest = await keeper(kit).export("acme", file, subject="p3@example.com")
    assert [(table.name, table.rows) for table in manifest.tables] == [
        ("public.customer", 1),
        ("public.invoice", 1),
    ]
    assert b"globex" not in file.read_bytes()
    with pytest.raises(MachineError, match="one person"):
        await keeper(kit).restore(file)
    await kit.owner.execute("comment on column customer.email is null; comment on column invoice.email is null")
    with pytest.raises(MachineError, match="R0439"):
        await keeper(kit).export("acme", file, subject="p3@example.com")


def rewrite(file: Path, name: str, change: tuple[str, str], *, checksum: bool) -> None:
    """Another content for one file of an archive; with `checksum` the manifest agrees to it."""
    import hashlib

    with zipfile.ZipFile(file) as archive:
        contents = {each: archive.read(each) for each in archive.namelist()}
    contents[name] = contents[name].replace(change[0].encode(), change[1].encode())
    if checksum:
        manifest = json.loads(contents["manifest.json"])
        for table in manifest["tables"]:
            table["sha256"] = hashlib.sha256(contents[f"{table['name']}.ndjson"]).hexdigest()
        contents["manifest.json"] = json.dumps(manifest).encode()
    with zipfile.ZipFile(file, "w") as archive:
        for each, content in contents.items():
            archive.writestr(each, content)


@pytest.mark.parametrize(
    ("change", "checksum", "said"),
    [
        (('"n7"', '"n8"'), False, "other contents than were written: public.customer"),
        (('"tenant_id":"acme"', '"tenant_id":"globex"'), True, "restored|duplicate key|violates"),
        (('"born":"2020', '"born":"never'), True, "invalid input syntax"),
    ],
)
async def test_an_archive_that_was_changed_restores_nothing(
    kit: System, tmp_path: Path, change: tuple[str, str], checksum: bool, said: str
) -> None:
    file = tmp_path / "acme.zip"
    await keeper(kit).export("acme", file)
    before = {tenant: await kit.seen(tenant) for tenant in TENANTS}
    rewrite(file, "public.customer.ndjson", change, checksum=checksum)
    with pytest.raises(MachineError, match=f"R0438(.|\n)*({said})"):
        await keeper(kit).restore(file, replace=True)
    assert {tenant: await kit.seen(tenant) for tenant in TENANTS} == before


def test_what_is_no_archive(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_text("hello")
    for file in (tmp_path / "a.zip", tmp_path / "none.zip"):
        with pytest.raises(MachineError, match="R0438"):
            read_manifest(file)


async def test_a_row_of_another_tenant_beside_all_of_its_own_is_refused(kit: System, tmp_path: Path) -> None:
    """Whoever restores may be a superuser, whom no policy is asked for."""
    file = tmp_path / "acme.zip"
    await keeper(kit).export("acme", file)
    with zipfile.ZipFile(file) as archive:
        first = archive.read("public.customer.ndjson").decode().splitlines()[0]
    stray = json.dumps({**json.loads(first), "tenant_id": "globex", "id": 999_999, "email": None})
    rewrite(file, "public.customer.ndjson", (first, f"{first}\n{stray}"), checksum=True)
    before = {tenant: await kit.seen(tenant) for tenant in TENANTS}
    with pytest.raises(MachineError, match="20 rows exported, 21 of acme restored"):
        await keeper(kit).restore(file, replace=True)
    assert {tenant: await kit.seen(tenant) for tenant in TENANTS} == before


async def test_its_messages_go_too(kit: System) -> None:
    queue = PostgresQueue("jobs", QueueBinding(url=kit.url))
    for tenant in ("acme", "acme", "globex"):
        with serving_tenant(tenant):
            await queue.send("{}")
    assert (await keeper(kit).counts("acme"))["rung.message"] == 2
    assert (await keeper(kit).delete("acme"))["rung.message"] == 2
    [left] = await queue.receive(max_messages=10)
    assert left.headers["x-rung-tenant"] == "globex"
    await queue.close()


async def test_its_webhooks_runs_and_events_go_too(kit: System) -> None:
    """They hold what its customers wrote, and the keys that sign in its name."""
    queue = PostgresQueue("hooks", QueueBinding(url=kit.url))
    flow = Workflow("flow", PostgresStore(WorkflowBinding(url=kit.url)))
    await install_bus(kit.owner)
    database = Database.from_url(kit.url, pool_size=2)
    deliveries = Deliveries(database, queue)
    try:
        for tenant in ("acme", "globex"):
            await deliveries.register(tenant, "https://hooks.example.com/in")
            await deliveries.publish(tenant, "member.invited", {"email": "ada@example.com"})
            with serving_tenant(tenant):
                await flow.start({"email": "ada@example.com"})
        for number, tenant in enumerate(("acme", "globex")):
            put = "insert into rung.event_archive (bus, id, headers, body) values ('events', $1, $2, '')"
            await kit.owner.execute(put, number, json.dumps({"x-rung-tenant": tenant}))
        kept = (
            "webhook_endpoint",
            "webhook_key",
            "webhook_event",
            "webhook_delivery",
            "workflow_run",
            "event_archive",
        )
        gone = await keeper(kit).delete("acme")
        assert {name: gone[f"rung.{name}"] for name in kept} == dict.fromkeys(kept, 1)
        left = {name: await kit.owner.fetchval(f"select count(*) from rung.{name}") for name in kept}
        assert left == dict.fromkeys(kept, 1)
        assert len(await deliveries.list("globex")) == 1
    finally:
        await database.close()
        await flow.store.close()  # type: ignore[attr-defined]
        await queue.close()


async def test_a_tenant_that_moves_is_not_deleted(kit: System) -> None:
    await kit.mover().move("acme", Place(tier="schema", target="acme_own"))
    with pytest.raises(MachineError, match="finish or abort"):
        await keeper(kit).delete("acme")
