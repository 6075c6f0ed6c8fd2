"""Routes go to the most specific target; a site serves its folder, quickly, and nothing else."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from rung.errors import MachineError
from rung.local.gateway.routes import RouteEntry, compile_routes, read_routes
from rung.local.gateway.site import StaticSite
from rung.runtime.http import protect
from rung.testing.asgi import Answer, call


def target(path: str, host: str = "localhost") -> str | None:
    """Where a request goes under one set of overlapping routes."""
    routes = compile_routes(
        [
            RouteEntry(path="/*", target="web"),
            RouteEntry(path="/api/*", target="api"),
            RouteEntry(path="/api/admin/*", target="admin"),
            RouteEntry(path="/api/status", target="status"),
            RouteEntry(path="/*", target="tenant", host="tenant.example"),
        ]
    )
    return next((route.target for route in routes if route.matches(host, path)), None)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/", "web"),
        ("/api", "api"),
        ("/api/", "api"),
        ("/apix", "web"),
        ("/api/admin/users", "admin"),
        ("/api/status", "status"),
        ("/api/status/more", "api"),
    ],
)
def test_the_most_specific_route_wins(path: str, expected: str) -> None:
    """Longer before shorter, exact before prefix; a prefix ends at a slash."""
    assert target(path) == expected


def test_a_host_comes_before_every_path() -> None:
    """A route with a host is about that host alone."""
    assert target("/api/x", host="tenant.example") == "tenant"


def test_a_route_to_nowhere_is_a_finding_that_names_the_line(tmp_path: Path) -> None:
    """And every one of them is reported."""
    file = tmp_path / "routes.json"
    file.write_text(
        '{"services": [], "routes": [{"path": "/a/*", "target": "a", "location": "workload.py:7"},'
        ' {"path": "/b/*", "target": "b"}]}'
    )
    with pytest.raises(MachineError) as raised:
        read_routes(file)
    first, second = raised.value.findings
    assert (first.code, second.code) == ("R0352", "R0352")
    assert first.location is not None
    assert (first.location.file, first.location.line) == ("workload.py", 7)


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A built front end beside a file that is nobody's business."""
    folder = tmp_path / "dist"
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text("<h1>home</h1>")
    (folder / "assets" / "app.3f9a1c2b.js").write_text("let a = 1")
    (folder / "assets" / "app.3f9a1c2b.js.br").write_bytes(b"brotli")
    (folder / "big.bin").write_bytes(bytes(range(256)) * 8_000)
    (folder / ".env").write_text("SECRET=1")
    (tmp_path / "secret.txt").write_text("secret")
    (folder / "link.txt").symlink_to(tmp_path / "secret.txt")
    return folder


async def get(folder: Path, path: str, headers: tuple[tuple[str, str], ...] = (), method: str = "GET") -> Answer:
    """One request to the site, protected as in the gateway."""
    return await call(protect(StaticSite(folder, spa=True)), path, method=method, headers=headers)


async def test_pages_and_assets_are_cached_each_in_its_way(site: Path) -> None:
    """A fingerprinted name is immutable, a page must be asked for again."""
    page, asset = await get(site, "/"), await get(site, "/assets/app.3f9a1c2b.js")
    assert (page.body, page.headers["cache-control"]) == (b"<h1>home</h1>", "no-cache")
    assert "immutable" in asset.headers["cache-control"]
    assert asset.headers["content-type"].startswith("text/javascript")


async def test_an_unknown_page_is_the_application_and_an_unknown_asset_is_not(site: Path) -> None:
    """The fallback is for what a browser navigates to."""
    assert (await get(site, "/orders/17")).body == b"<h1>home</h1>"
    assert (await get(site, "/assets/gone.js")).status == 404


@pytest.mark.parametrize(
    "path", ["/../secret.txt", "/assets/../../secret.txt", "/link.txt", "/.env", "/a\0b.txt", "/..\\secret.txt"]
)
async def test_nothing_outside_of_the_folder_is_served(site: Path, path: str) -> None:
    """Neither by dots, nor by a symbolic link, nor hidden files."""
    answer = await get(site, path)
    assert answer.status == 404
    assert b"secret" not in answer.body.lower()


async def test_an_unchanged_file_is_not_sent_again(site: Path) -> None:
    """By ETag, and by date; a changed file is sent."""
    first = await get(site, "/")
    assert (await get(site, "/", (("if-none-match", first.headers["etag"]),))).status == 304
    assert (await get(site, "/", (("if-modified-since", first.headers["last-modified"]),))).status == 304
    (site / "index.html").write_text("<h1>new</h1>")
    os.utime(site / "index.html", (2_000_000_000, 2_000_000_000))
    changed = await get(site, "/", (("if-none-match", first.headers["etag"]),))
    assert (changed.status, changed.body) == (200, b"<h1>new</h1>")


async def test_a_precompressed_variant_is_preferred_where_it_is_understood(site: Path) -> None:
    """With its own ETag, so that caches keep them apart."""
    packed = await get(site, "/assets/app.3f9a1c2b.js", (("accept-encoding", "gzip, br"),))
    plain = await get(site, "/assets/app.3f9a1c2b.js")
    assert (packed.body, packed.headers["content-encoding"]) == (b"brotli", "br")
    assert packed.headers["etag"] != plain.headers["etag"]
    assert packed.headers["content-type"] == plain.headers["content-type"]


@pytest.mark.parametrize(
    ("asked", "status", "first", "size"),
    [
        ("bytes=0-9", 206, 0, 10),
        ("bytes=250-", 206, 250, 2_048_000 - 250),
        ("bytes=-5", 206, 2_047_995, 5),
        ("bytes=5-2,3-4", 200, 0, 2_048_000),
        ("bytes=9999999-", 416, 0, 0),
    ],
)
async def test_ranges_of_a_large_file(site: Path, asked: str, status: int, first: int, size: int) -> None:
    """One range is honoured, several are answered with the whole file, none that exists with 416."""
    answer = await get(site, "/big.bin", (("range", asked),))
    assert answer.status == status
    if status != 416:
        assert answer.body == (bytes(range(256)) * 8_000)[first : first + size]


async def test_head_has_the_length_and_no_body_and_nothing_else_is_allowed(site: Path) -> None:
    """A site is read-only."""
    head = await get(site, "/", method="HEAD")
    assert (head.status, head.body, head.headers["content-length"]) == (200, b"", "13")
    assert (await get(site, "/", method="POST")).status == 405
