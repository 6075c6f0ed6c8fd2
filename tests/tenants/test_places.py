"""What a process knows of tenants' places, while they change."""

from __future__ import annotations

from typing import Any, cast

from rung.runtime.bindings import PostgresBinding
from rung.runtime.context import Tenant
from rung.runtime.database.database import Database
from rung.runtime.tenants.places import TenantMap


class Changing:
    """A table in which a tenant is deleted while it is asked for: the news overtake the old answer."""

    name = "control"
    binding = PostgresBinding(url="postgresql://nobody@localhost:1/none")

    def __init__(self) -> None:
        self.map: TenantMap | None = None
        self.asked = 0

    async def fetch_row(self, *_: Any, across_tenants: bool) -> dict[str, Any]:
        assert across_tenants
        assert self.map is not None
        self.asked += 1
        if self.asked == 1:
            self.map.forget("acme")
        return {"tier": "shared", "target": "", "epoch": 1, "status": "active"}


async def test_an_answer_that_news_have_overtaken_is_not_kept() -> None:
    """It would be trusted for half a minute: long enough to write rows of a tenant that is deleted by then."""
    control = Changing()
    places = control.map = TenantMap(cast("Database", control))
    try:
        await places.place(Tenant("acme"))
        assert places.held(Tenant("acme")) is None
        await places.place(Tenant("acme"))
        assert places.held(Tenant("acme")) is not None
    finally:
        await places.close()
