"""`rung tenants` as a person and a program use it: plans first, then what was agreed to, then what was done."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from tests.tenants.moving_kit import SERVING_ROLE, System

from rung.cli.main import main


async def rung(kit: System, *words: str) -> int:
    return await asyncio.to_thread(main, ["tenants", *words, "--url", kit.url])


async def as_json(kit: System, capsys: pytest.CaptureFixture[str], *words: str) -> Any:
    assert await rung(kit, *words, "--format", "json") == 0
    return json.loads(capsys.readouterr().out)


async def test_a_move_from_plan_to_end(kit: System, capsys: pytest.CaptureFixture[str]) -> None:
    plan = await as_json(kit, capsys, "move", "acme", "--to", "schema:acme_own")
    assert plan == {
        "schema": "rung.tenants/1",
        "plan": "move acme to schema:acme_own; it can only be read meanwhile",
        "rows": {"customer": 20, "invoice": 20},
        "done": False,
    }
    assert (await as_json(kit, capsys, "list"))["tenants"] == []
    done = await as_json(kit, capsys, "move", "acme", "--to", "schema:acme_own", "--yes")
    assert done["step"] == "flipped"
    [row] = (await as_json(kit, capsys, "list"))["tenants"]
    assert (row["tier"], row["target"], row["epoch"], row["step"]) == ("schema", "acme_own", 1, "flipped")
    assert await rung(kit, "list") == 0
    assert "moving from shared" in capsys.readouterr().out
    assert await rung(kit, "move", "acme", "--finish") == 1
    assert "R0437" in capsys.readouterr().err
    assert (await as_json(kit, capsys, "move", "acme", "--finish", "--now"))["deleted"] == 40


async def test_nothing_is_deleted_without_a_word(
    kit: System, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = str(tmp_path / "acme.zip")
    assert await rung(kit, "export", "acme", "--to", file) == 0
    assert "          20  public.customer" in capsys.readouterr().out
    assert await rung(kit, "delete", "acme") == 0
    assert "nothing is done: add --yes" in capsys.readouterr().out
    assert await kit.rows_of("acme") == 20
    assert await rung(kit, "delete", "acme", "--yes") == 0
    assert await kit.rows_of("acme") == 0
    assert await rung(kit, "restore", file, "--resurrect", "--yes") == 0
    assert await kit.rows_of("acme") == 20


async def test_check(kit: System, capsys: pytest.CaptureFixture[str]) -> None:
    assert (await as_json(kit, capsys, "check", "--serving-role", SERVING_ROLE))["findings"] == []
    await kit.owner.execute("create view everybody as select * from customer")
    assert await rung(kit, "check") == 1
    assert "R0413" in capsys.readouterr().out


async def test_policies_are_a_migration(kit: System, capsys: pytest.CaptureFixture[str]) -> None:
    assert await asyncio.to_thread(main, ["tenants", "policies", "stray", "--type", "uuid"]) == 0
    await kit.owner.execute("create table stray (tenant_id uuid primary key)")
    await kit.owner.execute(capsys.readouterr().out)
    assert await rung(kit, "check") == 0


@pytest.mark.parametrize(
    "words",
    [
        ("move", "acme", "--to", "cloud:9"),
        ("move", "a b", "--to", "schema:x"),
        ("move", "acme"),
        ("policies", "a;b"),
        ("move", "acme", "--to", "database:x", "--target-url", "x"),
    ],
)
async def test_a_wrong_command_line(kit: System, words: tuple[str, ...]) -> None:
    url = [] if words[0] == "policies" else ["--url", kit.url]
    assert await asyncio.to_thread(main, ["tenants", *words, *url]) == 2
