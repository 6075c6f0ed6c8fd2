"""Where an organisation's data may be is kept where it can be, and told plainly where nobody knows."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest_asyncio


@pytest_asyncio.fixture(loop_scope="session")
async def in_region(track: Any) -> AsyncIterator[Any]:
    """Says where the database is, as its operator does; nowhere again afterwards."""
    from rung.runtime.tenants.residency import set_region

    async def say(region: str) -> None:
        await set_region(track.behind, region)

    yield say
    await track.behind.execute("comment on schema rung is null")


async def _state(office: Any) -> Any:
    return (await office.owner.get(f"{office.path}/residency")).json


async def test_what_nobody_has_said_is_not_claimed(track: Any) -> None:
    office = await track.office()
    assert await _state(office) == {"allowed": "eu", "region": None, "state": "unknown"}
    made = (await office.owner.post("/api/organisations", {"name": "Overseas", "residency": "us"})).json
    assert made["residency"] == "us"


async def test_an_organisation_is_made_only_where_its_data_may_be(track: Any, in_region: Any) -> None:
    before = await track.office()
    await in_region("us-east-1")
    refused = await before.owner.post("/api/organisations", {"name": "Here", "residency": "eu"})
    assert (refused.status, refused.json["code"]) == (409, "region_unavailable")
    assert (await _state(await track.office("There")))["allowed"] == "us", "who says nothing is where the data is"
    assert (await _state(before)) == {"allowed": "eu", "region": "us-east-1", "state": "broken"}
    await in_region("eu-west-1")
    assert (await _state(before))["state"] == "kept"


async def test_an_export_says_where_its_rows_were(track: Any, in_region: Any) -> None:
    office = await track.office()
    await in_region("eu-west-1")
    first = msgspec.json.decode((await office.owner.get(f"{office.path}/export")).body.splitlines()[0])
    assert first == {
        "table": "residency",
        "row": {"tenant_id": office.id, "allowed": "eu", "region": "eu-west-1", "state": "kept"},
    }


async def test_rungs_own_commands_read_it_from_the_row(track: Any) -> None:
    """`rung tenants move` and `restore` refuse by what the column says (tests/tenants/test_residency.py)."""
    said = await track.behind.fetchval(
        """select col_description('organisations'::regclass, attnum) from pg_attribute
            where attrelid = 'organisations'::regclass and attname = 'residency'"""
    )
    assert said == "rung: residency"


async def test_a_region_is_judged_by_its_whole_word(track: Any) -> None:
    from track.organisations.residency import judged

    assert judged("eu", "eurasia-1").state == "broken"
    assert judged("us", "us-east-1").state == "kept"
