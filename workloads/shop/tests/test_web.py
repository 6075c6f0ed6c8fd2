"""The front end in a real Chromium, against the real gateway, API and fulfilment worker.

Browsing, cart, checkout and order status work with the mouse, with the keyboard alone, and at 360 pixels;
axe finds nothing wrong with any page; an order that is sent twice is one order.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import pytest_asyncio
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, Page, Route, async_playwright, expect

from rung.local.process import free_port

HERE = Path(__file__).resolve().parent
CHROMIUM = Path("/usr/bin/chromium")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
PHONE = {"width": 360, "height": 740}
DESK = {"width": 1200, "height": 800}

expect.set_options(timeout=20_000)

pytestmark = [
    pytest.mark.browser,
    pytest.mark.timeout(120),
    pytest.mark.xdist_group("browser"),
    pytest.mark.skipif(not CHROMIUM.exists(), reason="no Chromium in /usr/bin"),
]


def _start(directory: Path, name: str, *arguments: str) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "PYTHONPATH": str(HERE.parent), "RUNG_STATE": str(directory), "RUNG_NODE": name}
    with (directory / f"{name}.log").open("wb") as log:
        return subprocess.Popen(
            [sys.executable, "-m", *arguments], env=environment, stdout=log, stderr=log, cwd=HERE.parent
        )


@pytest.fixture(scope="module")
def site(shop_environment: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The gateway with the site and the API, and one fulfilment worker. The address to open."""
    directory = tmp_path_factory.mktemp("site")
    routes = {
        "services": [
            {"name": "api", "kind": "asgi", "app": "shop.api:app", "upstream": None, "health": "/health"}
        ],
        "sites": [{"name": "web", "directory": str(HERE.parent / "web"), "spa": True}],
        "routes": [
            {"path": "/api/*", "host": None, "target": "api", "sticky": False},
            {"path": "/*", "host": None, "target": "web", "sticky": False},
        ],
    }
    (directory / "routes.json").write_text(json.dumps(routes))
    port = free_port()
    address = ["--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    work = ["--name", "fulfil", "--queue", "orders", "--handler", "shop.fulfilment:handle"]
    processes = [
        _start(directory, "gateway", "rung.local.gateway", "--routes", str(directory / "routes.json"), *address),
        _start(directory, "fulfil", "rung.runtime.worker", *work),
    ]
    try:
        _wait_ready(directory / "gateway.log", processes[0])
        yield f"http://127.0.0.1:{port}"
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            with suppress(subprocess.TimeoutExpired):
                process.wait(15)
            process.kill()


def _wait_ready(log: Path, process: subprocess.Popen[bytes]) -> None:
    import time

    deadline = time.monotonic() + 20
    while '"ready"' not in log.read_text():
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.05)


@pytest_asyncio.fixture(loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        started = await playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        yield started
        await started.close()


@dataclass
class Visit:
    """One open page, and everything the browser complained about while it was open."""

    page: Page
    site: str
    complaints: list[str]

    async def open(self, path: str) -> None:
        await self.page.goto(self.site + path)
        await expect(self.page.locator("main h1")).to_be_visible()
        await expect(self.page.locator("main[aria-busy]")).to_have_count(0)


async def _visit(browser: Browser, site: str, viewport: dict[str, int] = DESK, **options: Any) -> Visit:
    context = await browser.new_context(viewport=viewport, **options)  # type: ignore[arg-type]
    page = await context.new_page()
    page.set_default_timeout(15_000)
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    return Visit(page, site, complaints)


async def _in_stock(url: str) -> tuple[str, str]:
    """The slug and title of a product that can be bought in any number."""
    connection = await asyncpg.connect(url)
    row = await connection.fetchrow(
        """select p.slug, p.title from products p join variants v on v.product_id = p.id
             join inventory_items i on i.id = v.inventory_item_id
            group by p.id having min(i.on_hand - i.reserved) > 20 order by p.id limit 1"""
    )
    await connection.close()
    return row["slug"], row["title"]


async def _orders_of(url: str, email: str) -> list[Any]:
    connection = await asyncpg.connect(url)
    rows = await connection.fetch("select status, total_minor from orders where email = $1", email)
    await connection.close()
    return list(rows)


async def _fill_in(page: Page, email: str) -> None:
    for label, text in (
        ("E-mail", email),
        ("Name", "Ada Byron"),
        ("Address", "12 St James's Sq"),
        ("Town", "London"),
    ):
        await page.get_by_label(label).fill(text)


async def _to_checkout(visit: Visit, slug: str) -> None:
    await visit.open(f"/p/{slug}")
    await visit.page.get_by_role("button", name="Add to cart").click()
    await visit.page.get_by_role("link", name="check out").click()
    await expect(visit.page.get_by_role("heading", name="Checkout")).to_be_focused()


async def test_a_guest_browses_buys_and_sees_the_order_arrive(browser: Browser, site: str, shop: Any) -> None:
    visit = await _visit(browser, site)
    page = visit.page
    await visit.open("/")
    await expect(page.locator(".card")).to_have_count(24)
    await page.get_by_role("button", name="Show more").click()
    await expect(page.locator(".card")).to_have_count(48)
    slug, title = await _in_stock(shop.url)
    await visit.open(f"/p/{slug}")
    await page.get_by_label("Quantity").fill("2")
    await page.get_by_role("button", name="Add to cart").click()
    await expect(page.locator("[data-cart-count]")).to_have_text("2")
    await page.get_by_role("link", name="View cart").click()
    await expect(page.locator(".line")).to_contain_text(title)
    await page.get_by_role("link", name="Go to checkout").click()
    await _fill_in(page, "guest@example.com")
    await page.get_by_role("button", name="Place order").click()
    await expect(page.get_by_role("heading", name="Order no.")).to_be_visible()
    await expect(page.locator(".steps li[data-state=done]")).to_have_count(5, timeout=20_000)
    await expect(page.locator("[data-cart-count]")).to_be_hidden()
    assert [row["status"] for row in await _orders_of(shop.url, "guest@example.com")] == ["shipped"]
    assert visit.complaints == []


async def test_a_declined_payment_is_told(browser: Browser, site: str, shop: Any) -> None:
    visit = await _visit(browser, site)
    slug, _ = await _in_stock(shop.url)
    await _to_checkout(visit, slug)
    await _fill_in(visit.page, "declined@example.com")
    await visit.page.get_by_label("Test card that is declined").check()
    await visit.page.get_by_role("button", name="Place order").click()
    await expect(visit.page.locator(".notice.bad")).to_contain_text("Cancelled", timeout=20_000)
    assert visit.complaints == []


async def test_an_order_whose_answer_was_lost_is_placed_once(browser: Browser, site: str, shop: Any) -> None:
    visit = await _visit(browser, site)
    slug, _ = await _in_stock(shop.url)
    await _to_checkout(visit, slug)
    answers = 0

    async def lose_the_first(route: Route) -> None:
        nonlocal answers
        answers += 1
        if answers > 1:
            await route.continue_()
            return
        await route.fetch()  # the shop took the order; the buyer never hears of it
        await route.abort("connectionreset")

    await visit.page.route("**/api/checkout", lose_the_first)
    await _fill_in(visit.page, "lost@example.com")
    await visit.page.get_by_role("button", name="Place order").click()
    await expect(visit.page.get_by_role("heading", name="Order no.")).to_be_visible()
    assert answers == 2
    assert len(await _orders_of(shop.url, "lost@example.com")) == 1


async def test_everything_works_with_the_keyboard_alone(browser: Browser, site: str, shop: Any) -> None:
    visit = await _visit(browser, site)
    page = visit.page
    slug, title = await _in_stock(shop.url)
    await visit.open("/")
    await page.keyboard.press("Tab")
    await expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    await page.keyboard.press("Enter")
    await visit.open(f"/p/{slug}")
    await _tab_to(page, "Add to cart")
    await page.keyboard.press("Enter")
    await expect(page.locator("[data-cart-count]")).to_have_text("1")
    await _tab_to(page, "check out")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", name="Checkout")).to_be_focused()
    for text in ("keys@example.com", "Ada", "12 St James's Sq", "London"):
        await page.keyboard.press("Tab")
        await page.keyboard.type(text)
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", name="Order no.")).to_be_focused()
    await expect(page.locator(".summary")).to_contain_text(title)


async def _tab_to(page: Page, name: str) -> None:
    for _ in range(60):
        await page.keyboard.press("Tab")
        focused = await page.evaluate("document.activeElement.textContent.trim()")
        if focused == name:
            return
    raise AssertionError(f"{name!r} cannot be reached with Tab")


async def test_a_form_with_mistakes_says_which_and_moves_there(browser: Browser, site: str, shop: Any) -> None:
    visit = await _visit(browser, site)
    slug, _ = await _in_stock(shop.url)
    await _to_checkout(visit, slug)
    await visit.page.get_by_label("E-mail").fill("nobody")
    await visit.page.get_by_role("button", name="Place order").click()
    email = visit.page.get_by_label("E-mail")
    await expect(email).to_be_focused()
    await expect(email).to_have_attribute("aria-invalid", "true")
    assert await _orders_of(shop.url, "nobody") == []


async def test_a_guests_cart_comes_along_to_a_new_account_which_can_be_deleted(
    browser: Browser, site: str, shop: Any
) -> None:
    visit = await _visit(browser, site)
    page = visit.page
    slug, title = await _in_stock(shop.url)
    await visit.open(f"/p/{slug}")
    await page.get_by_role("button", name="Add to cart").click()
    await expect(page.locator("[data-cart-count]")).to_have_text("1")
    await visit.open("/account")
    new = page.locator("section", has_text="I am new here")
    await new.get_by_label("Name").fill("Ada")
    await new.get_by_label("E-mail").fill("ada@example.com")
    await new.get_by_label("Password").fill("a long password")
    await new.get_by_role("button", name="Create account").click()
    await expect(page.locator(".line")).to_contain_text(title)
    await page.get_by_role("link", name="Account", exact=True).click()
    await page.get_by_role("button", name="Delete my account").click()
    await page.get_by_role("button", name="Delete it").click()
    await expect(page.get_by_role("link", name="Sign in")).to_be_visible()
    connection = await asyncpg.connect(shop.url)
    assert await connection.fetchval("select count(*) from customers where email = 'ada@example.com'") == 0
    await connection.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_every_page_is_accessible_and_fits_a_phone(
    browser: Browser, site: str, shop: Any, scheme: Any
) -> None:
    visit = await _visit(browser, site, PHONE, color_scheme=scheme, reduced_motion="reduce")
    slug, _ = await _in_stock(shop.url)
    found: dict[str, list[str]] = {}
    await visit.open(f"/p/{slug}")
    await visit.page.get_by_role("button", name="Add to cart").click()
    await expect(visit.page.locator("[data-cart-count]")).to_have_text("1")
    for path in ("/", f"/p/{slug}", "/search?q=a", "/cart", "/checkout", "/account", "/orders", "/nowhere"):
        await visit.open(path)
        results = await Axe().run(visit.page)
        found[path] = [violation["id"] for violation in results.response["violations"]]
        width = await visit.page.evaluate("document.documentElement.scrollWidth")
        assert width <= PHONE["width"], f"{path} is {width} pixels wide"
    assert not any(found.values()), found


async def test_the_front_end_is_light(browser: Browser, site: str, shop: Any) -> None:
    visit = await _visit(browser, site)
    sizes: dict[str, int] = {}

    async def weigh(response: Any) -> None:
        sizes[response.url] = len(await response.body())

    visit.page.on("response", weigh)
    await visit.open("/")
    own = {url: size for url, size in sizes.items() if "/api/" not in url}
    assert sum(own.values()) < 80_000, own
    assert all(url.startswith(site) for url in sizes), "no request leaves the shop"
