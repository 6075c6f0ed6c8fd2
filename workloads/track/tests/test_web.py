"""The front end in a real Chromium, against everything that `rung dev` starts for track.

Signing up, inviting, writing, reading what arrived, paying: with the mouse, with the keyboard alone, at 360 pixels
and in the dark. axe finds nothing wrong with any page, the console stays empty, and nothing breaks the content
security policy.
"""

from __future__ import annotations

import gzip
import json
import secrets
import shutil
import time
from base64 import b32decode
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import urlparse

import pytest
import pytest_asyncio
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, Page, Response, async_playwright, expect
from tests.local.dev import Dev, running

from track.accounts.totp import code_at

HERE = Path(__file__).resolve().parent
CHROMIUM = Path("/usr/bin/chromium")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
PHONE = {"width": 360, "height": 740}
DESK = {"width": 1200, "height": 800}
OPENED_MAX = 10
#: How Chromium tells of a style sheet, a script or a resource that was put off with a 503.
PUT_OFF = ("503 ", "status of 503", "application/problem+json")
PASSWORD = "correct horse battery"
FIRST_LOAD_BYTES_MAX = 120_000

expect.set_options(timeout=20_000)

pytestmark = [
    pytest.mark.browser,
    pytest.mark.timeout(120),
    pytest.mark.xdist_group("browser"),
    pytest.mark.skipif(not CHROMIUM.exists(), reason="no Chromium in /usr/bin"),
]


@pytest.fixture(scope="module")
def dev(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dev]:
    """track as `rung dev` runs it, on a copy: Postgres, Redis, the API, the sender, the inbox, the built site."""
    assert (HERE.parent / "web" / "dist" / "index.html").exists(), "make setup builds it"
    folder = tmp_path_factory.mktemp("dev") / "track"
    left_out = shutil.ignore_patterns("node_modules", "src", "tests", ".rung", "__pycache__")
    shutil.copytree(HERE.parent, folder, ignore=left_out)
    with running(folder / "workload.py") as started:
        yield started


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        started = await playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        yield started
        await started.close()


@dataclass
class Visit:
    """One visitor with one open page, and everything the browser complained about."""

    page: Page
    site: str
    told: list[str]
    email: str = ""

    async def open(self, path: str) -> None:
        """As a person does it: what a busy machine did not send whole is asked for again."""
        for _ in range(OPENED_MAX):
            known = len(self.told)
            await self.page.goto(self.site + path)
            if not any(each.startswith("503 ") for each in self.told[known:]):
                break
        await self.settled()

    async def settled(self) -> None:
        """Until the page is there, with everything that it loads."""
        await expect(self.page.locator("main h1")).to_be_visible()
        await expect(self.page.locator("[aria-busy=true]")).to_have_count(0)

    async def go(self, name: str) -> None:
        """By the navigation."""
        await self.page.get_by_role("navigation").get_by_role("link", name=name, exact=True).click()
        await expect(self.page.locator("main h1")).to_be_focused()
        await self.settled()

    async def press(self, name: str) -> None:
        await self.page.get_by_role("button", name=name, exact=True).click()

    async def fill(self, **fields: str) -> None:
        """Fields by their label, with _ for a space."""
        for label, text in fields.items():
            await self.page.get_by_label(label.replace("_", " "), exact=True).fill(text)

    async def sign_up(self, organisation: str | None = "Engines") -> str:
        """A new person by the API, since one test does it by the form. The organisation's address in the site."""
        self.email = self.email or _address()
        given = {"email": self.email, "password": PASSWORD, "name": "Ada", "organisation": organisation}
        answer = await self.page.context.request.post(f"{self.site}/api/sign-up", data=given)
        assert answer.status == 201, await answer.text()
        await self.open("/")
        return urlparse(self.page.url).path

    @property
    def complaints(self) -> list[str]:
        """What the browser complained of, without what a busy machine put off: the page asks for that again."""
        return [each for each in self.told if not any(sign in each for sign in PUT_OFF)]

    def expect_refusals(self, *statuses: int) -> None:
        """The browser complained of nothing else: it tells of every answer that is a refusal."""
        told = ("Failed to load resource", *(f"{status} " for status in statuses))
        assert [complaint for complaint in self.complaints if not complaint.startswith(told)] == []

    async def mailed_link(self, recipient: str) -> str:
        """The path of the first link in the latest mail to somebody, once that came."""
        inbox = f"{self.site}/api/inbox/mails"
        for _ in range(200):
            found = (await (await self.page.context.request.get(f"{inbox}?recipient={recipient}")).json())["items"]
            if found:
                mail = await (await self.page.context.request.get(f"{inbox}/{found[0]['id']}")).json()
                link = urlparse(mail["links"][0])
                return f"{link.path}#{link.fragment}"
            await self.page.wait_for_timeout(100)
        raise AssertionError(f"no mail came to {recipient}")


async def _visit(browser: Browser, dev: Dev, viewport: dict[str, int] = DESK, **options: Any) -> Visit:
    context = await browser.new_context(viewport=viewport, **options)  # type: ignore[arg-type]
    page = await context.new_page()
    page.set_default_timeout(15_000)
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("response", lambda answer: complaints.append(_refusal(answer)) if answer.status >= 400 else None)
    return Visit(page, dev.url, complaints)


def _refusal(answer: Response) -> str:
    return f"{answer.status} {answer.request.method} {urlparse(answer.url).path}"


def _address(name: str = "ada") -> str:
    return f"{name}-{secrets.token_hex(4)}@example.com"


async def test_from_signing_up_to_reading_the_mail_in_the_inbox(browser: Browser, dev: Dev) -> None:
    visit, bob = await _visit(browser, dev), _address("bob")
    page = visit.page
    await visit.open("/")
    await page.get_by_role("link", name="Create an account").click()
    await visit.fill(Name="Ada", **{"E-mail": _address()}, Password=PASSWORD, Organisation="Engines")
    await visit.press("Create account")
    await expect(page.get_by_role("heading", name="Mails", exact=True)).to_be_visible()
    await visit.go("Templates")
    await visit.fill(Name="Welcome", Subject="Hello {{ name }}", HTML="<h1>Hello {{ name }}</h1>")
    await visit.press("Save template")
    await page.get_by_role("link", name="Write with Welcome").click()
    preview = page.frame_locator("iframe")
    await expect(preview.get_by_role("heading", name="Hello ‹name›")).to_be_visible()
    await visit.fill(Recipients=f"{bob}, name=Bob")
    await expect(preview.get_by_role("heading", name="Hello Bob")).to_be_visible()
    await visit.press("Send")
    await expect(page.locator("output")).to_contain_text("The mail is on its way")
    await expect(page.get_by_role("row", name=bob).locator(".badge")).to_have_text("sent")
    await visit.go("Local inbox")
    await visit.fill(Search=f"hello {bob}")
    await page.get_by_role("link", name="Hello Bob").click()
    await expect(page.frame_locator("iframe").get_by_role("heading", name="Hello Bob")).to_be_visible()
    await visit.press("Text")
    await expect(page.get_by_label("The mail as text")).to_contain_text("Hello Bob")
    await page.get_by_text("Headers").click()
    await expect(page.locator(".header", has_text="Subject")).to_contain_text("Hello Bob")
    assert visit.complaints == []


async def test_an_invited_person_joins_by_the_link_in_the_mail(browser: Browser, dev: Dev) -> None:
    owner, guest = await _visit(browser, dev), await _visit(browser, dev)
    guest.email = _address("carl")
    home = await owner.sign_up()
    await owner.open(f"{home}/members")
    await owner.fill(**{"E-mail": guest.email})
    await owner.press("Send invitation")
    await expect(owner.page.get_by_role("region", name="Open invitations")).to_contain_text(guest.email)
    await guest.open(await guest.mailed_link(guest.email))
    await guest.page.get_by_role("link", name="Create an account").click()
    await expect(guest.page.get_by_label("E-mail")).to_have_value(guest.email)
    await guest.fill(Name="Carl", Password=PASSWORD)
    await guest.press("Create account")
    await guest.press("Join Engines")
    await expect(guest.page.get_by_role("heading", name="Mails", exact=True)).to_be_visible()
    await guest.go("Members")
    await expect(guest.page.get_by_role("region", name="Members")).to_contain_text(guest.email)
    await expect(guest.page.get_by_role("button", name="Send invitation")).to_have_count(0)
    await owner.open(f"{home}/members")
    await owner.press(f"Role of {guest.email}")
    await owner.page.get_by_role("combobox", name="Role").last.select_option("admin")
    await owner.press("Change role")
    await expect(owner.page.get_by_role("dialog")).to_have_count(0)
    await expect(owner.page.get_by_role("row", name=guest.email)).to_contain_text("admin")
    await expect(owner.page.get_by_role("button", name=f"Role of {guest.email}")).to_be_focused()
    await guest.page.reload()
    await expect(guest.page.get_by_role("button", name="Send invitation")).to_be_visible()
    assert owner.complaints + guest.complaints == []


async def test_an_organisation_pays_for_seats_that_it_lacks_and_goes_back(browser: Browser, dev: Dev) -> None:
    visit = await _visit(browser, dev)
    page = visit.page
    home = await visit.sign_up()
    await visit.open(f"{home}/members")
    for _ in range(4):
        await visit.fill(**{"E-mail": _address("seat")})
        await visit.press("Send invitation")
        await expect(page.get_by_label("E-mail")).to_have_value("")
    await expect(page.get_by_text("5 of 5 seats are taken")).to_be_visible()
    await visit.fill(**{"E-mail": _address("seat")})
    await visit.press("Send invitation")
    await expect(page.get_by_label("E-mail")).to_have_accessible_description(
        "all 5 seats are taken: add seats, or take somebody out"
    )
    await visit.go("Plan")
    await visit.press("Choose Business")
    await expect(page.get_by_role("dialog")).to_contain_text("$245.00 now, then $245.00 a month")
    await visit.press("Go to payment")
    await page.get_by_label("Card").select_option("declined")
    await visit.press("Pay")
    await expect(page.get_by_label("Card")).to_have_accessible_description("the card was declined")
    await page.get_by_label("Card").select_option("paid")
    await visit.press("Pay")
    now = page.locator(".card", has_text="Now")
    await expect(now).to_contain_text("Business active Renewed on")
    await expect(now).to_contain_text("5 of 20 seats are taken")
    await visit.press("Choose Team")
    await expect(page.get_by_role("dialog")).to_contain_text("are credited, then $95.00 a month")
    await visit.press("Change the plan")
    await expect(now).to_contain_text("Team active")
    await visit.press("Choose Free")
    await visit.press("End the subscription")
    await expect(now).to_contain_text("then the free plan")
    await visit.go("Audit log")
    await expect(page.get_by_role("region", name="Audit log")).to_contain_text("subscription.cancel_asked")
    visit.expect_refusals(402, 409)


async def test_a_session_that_was_ended_elsewhere_says_so_and_goes_on_where_it_was(
    browser: Browser, dev: Dev
) -> None:
    here, there = await _visit(browser, dev), await _visit(browser, dev)
    home = await here.sign_up()
    await there.open(f"{home}/members")
    await there.fill(**{"E-mail": here.email}, Password=PASSWORD)
    await there.press("Sign in")
    await expect(there.page.get_by_role("heading", name="Members", exact=True, level=1)).to_be_visible()
    await here.open("/account")
    await here.press("Sign out there")
    await expect(here.page.get_by_role("region", name="Sessions").get_by_role("row")).to_have_count(2)
    await there.page.get_by_role("navigation").get_by_role("link", name="Templates").click()
    await expect(there.page.locator("output")).to_contain_text("Your session has ended")
    await there.fill(**{"E-mail": here.email}, Password=PASSWORD)
    await there.press("Sign in")
    await expect(there.page.get_by_role("heading", name="Templates", exact=True, level=1)).to_be_visible()
    assert here.complaints == []


async def test_a_second_factor_is_set_up_and_then_asked_for(browser: Browser, dev: Dev) -> None:
    visit = await _visit(browser, dev)
    page = visit.page
    await visit.sign_up()
    await visit.open("/account")
    await visit.press("Set up a second factor")
    dialog = page.get_by_role("dialog")
    await expect(dialog.get_by_role("img", name="QR code")).to_be_visible()
    secret = await dialog.locator(".secret").inner_text()
    await dialog.get_by_label("Code that it shows").fill("000000")
    await visit.press("Confirm")
    await expect(dialog.get_by_label("Code that it shows")).to_have_attribute("aria-invalid", "true")
    await dialog.get_by_label("Code that it shows").fill(code_at(b32decode(secret), int(time.time()) // 30))
    await visit.press("Confirm")
    recovery = (
        await page.get_by_role("dialog", name="Your recovery codes").locator(".secret").inner_text()
    ).split()
    await visit.press("I have kept it")
    await page.get_by_role("button", name="Sign out", exact=True).click()
    await visit.fill(**{"E-mail": visit.email}, Password=PASSWORD)
    await visit.press("Sign in")
    await visit.fill(Code=recovery[0])
    await visit.press("Go on")
    await expect(page.get_by_role("heading", name="Account", exact=True)).to_be_visible()
    visit.expect_refusals(422)


@pytest.fixture
def receiver() -> Iterator[ThreadingHTTPServer]:
    """An organisation's own system. `told`: the kinds of the events that it was sent."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            event = json.loads(self.rfile.read(int(self.headers["content-length"])))
            server.told.append(event["type"])  # type: ignore[attr-defined]
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.told = []  # type: ignore[attr-defined]
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


async def test_a_bounce_is_told_to_the_organisations_own_system_and_told_again(
    browser: Browser, dev: Dev, receiver: Any
) -> None:
    visit, gone = await _visit(browser, dev), _address("bounce")
    page = visit.page
    home = await visit.sign_up()
    await visit.open(f"{home}/webhooks")
    await visit.fill(Address=f"http://127.0.0.1:{receiver.server_port}/hook", Events="mail.*")
    await visit.press("Add endpoint")
    await expect(page.get_by_role("dialog").locator(".secret")).to_contain_text("whsec_")
    await visit.press("I have kept it")
    await visit.open(f"{home}/compose")
    await visit.fill(Recipients=f"{gone}, name=Nobody", Subject="Hello")
    await visit.press("Send")
    await expect(page.get_by_role("row", name=gone).locator(".badge")).to_have_text("bounced")
    await visit.go("Suppressions")
    await expect(page.get_by_role("row", name=gone)).to_contain_text("bounce")
    await visit.go("Webhooks")
    await page.get_by_role("button", name="Deliveries: ").click()
    delivery = page.get_by_role("row", name="mail.bounced")
    await expect(delivery.locator(".badge")).to_have_text("succeeded")
    await visit.press("Send mail.bounced again")
    await expect(delivery).to_contain_text("attempt 2")
    assert receiver.told == ["mail.bounced", "mail.bounced"]
    await page.get_by_role("button", name="Switch off: ").click()
    await expect(page.get_by_role("button", name="Switch on: ")).to_be_visible()
    await visit.go("Operations")
    await expect(page.locator(".tiles > div", has_text="Webhooks switched off").locator("dd")).to_have_text("1")
    shown = ("Queue depth", "Oldest that waits", "99 of 100 are sent within", "Webhook deliveries that failed")
    for title in shown:
        await expect(page.locator(".charts .card", has_text=title)).to_be_visible()
    await expect(page.locator(".card", has_text="Where the data is")).to_contain_text("nothing proves it")
    assert visit.complaints == []


async def test_a_key_is_shown_once_and_opens_what_it_may(browser: Browser, dev: Dev) -> None:
    visit = await _visit(browser, dev)
    page = visit.page
    home = await visit.sign_up()
    await visit.open(f"{home}/keys")
    await visit.fill(Name="the shop")
    await visit.press("Create key")
    secret = await page.get_by_role("dialog", name="Your new key").locator(".secret").inner_text()
    await visit.press("I have kept it")
    await expect(page.get_by_role("row", name="the shop")).to_contain_text("mails:write")
    assert secret not in await page.content()
    mails = f"{dev.url}/api/organisations/{home.rpartition('/')[2]}/mails"
    stranger = await (await browser.new_context()).request.post(
        mails,
        headers={"authorization": f"Bearer {secret}"},
        data={"recipients": [{"email": _address()}], "subject": "Hello", "html": "<p>Hello</p>"},
    )
    assert stranger.status == 202, await stranger.text()
    await visit.press("Revoke the shop")
    await page.get_by_role("dialog").get_by_role("button", name="Revoke").click()
    await expect(page.get_by_text("There is no key yet.")).to_be_visible()
    assert visit.complaints == []


async def test_an_account_is_taken_along_and_deleted(browser: Browser, dev: Dev) -> None:
    visit = await _visit(browser, dev)
    page = visit.page
    await visit.sign_up(organisation=None)
    await visit.open("/account")
    async with page.expect_download() as saved:
        await visit.press("Download my data")
    assert visit.email in (await (await saved.value).path()).read_text()
    await visit.press("Delete my account")
    confirmation = page.get_by_role("dialog").get_by_label(f"Type {visit.email} to confirm")
    await confirmation.fill("somebody else")
    await visit.press("Delete it for ever")
    await expect(confirmation).to_have_attribute("aria-invalid", "true")
    await confirmation.fill(visit.email)
    await visit.press("Delete it for ever")
    await expect(page.get_by_role("heading", name="Sign in", exact=True)).to_be_visible()
    assert visit.complaints == []


async def test_a_form_says_what_is_wrong_next_to_the_field_and_moves_there(browser: Browser, dev: Dev) -> None:
    visit, taken = await _visit(browser, dev), await _visit(browser, dev)
    await taken.sign_up()
    page = visit.page
    await visit.open("/sign-up")
    await visit.fill(Name="Ada", **{"E-mail": "nobody"}, Password=PASSWORD, Organisation="Engines")
    await visit.press("Create account")
    email = page.get_by_label("E-mail")
    await expect(email).to_be_focused()
    await expect(email).to_have_attribute("aria-invalid", "true")
    await email.fill(taken.email)
    await visit.press("Create account")
    await expect(email).to_have_accessible_description("this address has an account: sign in")
    await expect(email).to_be_focused()
    visit.expect_refusals(409)


async def test_the_main_flow_works_with_the_keyboard_alone(browser: Browser, dev: Dev) -> None:
    visit, bob = await _visit(browser, dev), _address("bob")
    page = visit.page
    await visit.open("/sign-up")
    for text in ("Ada", _address(), PASSWORD, "Engines"):
        await _tab_to(page, "input")
        await page.keyboard.type(text)
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", name="Mails", exact=True)).to_be_visible()
    await page.reload()
    await visit.settled()
    await page.keyboard.press("Tab")
    await expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    await page.keyboard.press("Enter")
    await _tab_to(page, "a", "Write a mail")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", name="Write a mail")).to_be_focused()
    await _tab_to(page, "textarea")
    await page.keyboard.type(f"{bob}, name=Bob")
    await _tab_to(page, "input")
    await page.keyboard.type("Keys")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("row", name=bob)).to_contain_text("Keys")
    assert visit.complaints == []


async def _tab_to(page: Page, selector: str, text: str = "") -> None:
    for _ in range(60):
        await page.keyboard.press("Tab")
        focused = page.locator(f"{selector}:focus", has_text=text) if text else page.locator(f"{selector}:focus")
        if await focused.count() == 1:
            return
    raise AssertionError(f"{selector} {text!r} cannot be reached with Tab")


INSIDE = "/compose /templates /members /suppressions /plan /keys /webhooks /audit /operations /settings /nowhere"


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_every_page_is_accessible_and_fits_a_phone(browser: Browser, dev: Dev, scheme: Any) -> None:
    visit = await _visit(browser, dev, PHONE, color_scheme=scheme, reduced_motion="reduce")
    outside = ("/sign-in", "/sign-up", "/sign-in/link", "/sign-in/provider/local", "/inbox")
    found = {path: await _judge(visit, path) for path in outside}
    home = await visit.sign_up()
    for path in (home, *(home + path for path in INSIDE.split()), "/account", "/new"):
        found[path] = await _judge(visit, path)
    assert not any(found.values()), found
    assert visit.complaints == []


async def _judge(visit: Visit, path: str) -> list[str]:
    """What axe says of a page, and whether it is too wide."""
    await visit.open(path)
    results = await Axe().run(visit.page)
    width = await visit.page.evaluate("document.documentElement.scrollWidth")
    wide = [f"{width} pixels wide"] if width > PHONE["width"] else []
    return [violation["id"] for violation in results.response["violations"]] + wide


async def test_the_first_load_is_light_and_nothing_moves_or_leaves_the_site(browser: Browser, dev: Dev) -> None:
    visit = await _visit(browser, dev)
    await visit.page.add_init_script(
        """window.moved = 0; new PerformanceObserver(list => list.getEntries().forEach(
               entry => { if (!entry.hadRecentInput) window.moved += entry.value; }))
           .observe({type: "layout-shift", buffered: true});"""
    )
    await visit.sign_up()
    answers: list[Response] = []
    visit.page.on("response", lambda answer: answers.append(answer))
    await visit.open("/")
    await visit.page.wait_for_load_state("networkidle")
    own = {each.url: len(gzip.compress(await each.body())) for each in answers if "/api/" not in each.url}
    assert any(url.endswith(".js") for url in own), own
    assert sum(own.values()) < FIRST_LOAD_BYTES_MAX, own
    assert all(each.url.startswith(dev.url) for each in answers), "no request leaves the site"
    assert await visit.page.evaluate("window.moved") < 0.1
