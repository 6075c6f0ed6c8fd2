"""In a flood a site's files are shed last: a page whose script is refused stays blank."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from rung.local.gateway.dispatch import Gateway
from rung.local.gateway.routes import RouteEntry, RoutesFile, ServiceEntry, SiteEntry
from rung.runtime.http.settings import CRITICAL, NORMAL, HttpSettings
from rung.testing.asgi import call

APPLICATION = """
async def app(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"api"})
"""


@pytest.fixture
def gateway(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Gateway:
    """A service and a site on one port."""
    (tmp_path / "flooded_application.py").write_text(APPLICATION)
    (tmp_path / "app.js").write_text("export {};")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "flooded_application", raising=False)
    file = RoutesFile(
        services=(ServiceEntry(name="api", kind="asgi", app="flooded_application:app"),),
        sites=(SiteEntry(name="web", directory=str(tmp_path)),),
        routes=(RouteEntry(path="/api/*", target="api"), RouteEntry(path="/*", target="web")),
    )
    return Gateway(file, HttpSettings(priorities=(("/api/checkout", CRITICAL),)))


async def test_the_flood_on_the_service_refuses_no_file(gateway: Gateway) -> None:
    shedder = gateway.state.shedder(0.02)
    now = 0.0
    for _ in range(30):  # late because of what is asked of the service, while somebody opens the page
        now += 0.1
        shedder.asked = [1, 100, 0]
        shedder.observe(0.1, now, now)
        if shedder.shares[NORMAL] <= 0.02:
            break
    pages = [(await call(gateway, "/api/products")).status for _ in range(100)]
    assert pages.count(503) > 90
    assert [(await call(gateway, "/app.js")).status for _ in range(100)] == [200] * 100
    assert (await call(gateway, "/api/checkout")).status == 200


async def test_only_a_process_that_is_late_without_pages_too_refuses_files(gateway: Gateway) -> None:
    shedder = gateway.state.shedder(0.02)
    shedder.active, shedder.shares = True, [0.25, 0.02, 0.0]
    files = [(await call(gateway, "/app.js")).status for _ in range(200)]
    assert 100 < files.count(503) < 190
