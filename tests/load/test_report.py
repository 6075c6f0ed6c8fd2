"""The HTML report: self-contained, safe, complete as text, and accessible in a real browser."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from tests.load.example import example_result

from rung.charts import Line, Plot, draw, log_ticks, nice_ticks
from rung.load.report import render_report
from rung.load.report_plots import thin

CHROMIUM = Path("/usr/bin/chromium")


class Outline(HTMLParser):
    """Open elements and ids."""

    def __init__(self) -> None:
        super().__init__()
        self.identities: list[str] = []
        self.open: list[str] = []
        self.figures = self.tables = 0

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.identities += [value for name, value in attributes if name == "id" and value]
        self.figures += tag == "svg" and ("role", "img") in attributes
        self.tables += tag == "table"
        if tag not in ("meta", "link"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        """Nothing stays open."""

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_page_is_whole_and_asks_for_nothing() -> None:
    page = render_report(example_result(slow=True, errors=True))
    outline = Outline()
    outline.feed(page)
    assert outline.open == []
    assert len(outline.identities) == len(set(outline.identities))
    assert outline.figures == 8  # four plots, wide and narrow
    assert outline.tables == 7  # one per plot, objectives, requests, errors
    assert not re.search(r"(src|href)=['\"](?!#|data:)", page)
    assert "<script" not in page
    assert "&lt;script&gt;" in page  # what the server said is shown as text


def test_a_run_without_errors_has_no_empty_plot() -> None:
    assert "every request was answered rightly" in render_report(example_result())


def test_long_runs_are_thinned_without_hiding_the_worst_second() -> None:
    seconds = example_result().seconds * 60
    thinned = thin(seconds, at_most=100)
    assert len(thinned) <= 100
    assert max(second.p99_ms for second in thinned) == max(second.p99_ms for second in seconds)
    assert thin(seconds[:50], at_most=100) == seconds[:50]


@pytest.mark.parametrize(("highest", "top"), [(0, 1), (7, 8), (1_000, 1_000), (2_340, 3_000), (0.03, 0.03)])
def test_ticks_are_round_and_reach_over_the_values(highest: float, top: float) -> None:
    ticks = nice_ticks(highest)
    assert ticks[0] == 0
    assert ticks[-1] == pytest.approx(top)
    assert 2 <= len(ticks) <= 6


def test_logarithmic_ticks_enclose_the_values() -> None:
    assert log_ticks(0.8, 45) == [0.5, 1, 2, 5, 10, 20, 50]
    ticks = log_ticks(0.09, 9_000)
    assert ticks[0] <= 0.09
    assert ticks[-1] >= 9_000
    assert len(ticks) <= 12


def test_a_gap_in_the_values_is_a_gap_in_the_line() -> None:
    plot = Plot(identity="p", title="t", description="d", x=[0, 1, 2, 3], x_ticks=[(0, "0")], x_label="",
                lines=[Line(name="a", style="one", values=[1.0, None, 2.0, 3.0])], y_label=str)  # fmt: skip
    path = re.search(r'class="line one" d="([^"]+)"', draw(plot))
    assert path is not None
    assert path[1].count("M") == 2


@pytest.mark.browser
@pytest.mark.skipif(not CHROMIUM.exists(), reason="no Chromium on this machine")
@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (360, "dark")])
def test_a_browser_finds_it_accessible_and_quiet(tmp_path: Path, width: int, scheme: str) -> None:
    from axe_playwright_python.sync_playwright import Axe
    from playwright.sync_api import sync_playwright

    page_file = tmp_path / "load.html"
    page_file.write_text(render_report(example_result(slow=True, errors=True)), encoding="utf-8")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        try:
            context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme)  # type: ignore[arg-type]
            page = context.new_page()
            requests: list[str] = []
            messages: list[str] = []
            page.on("request", lambda request: requests.append(request.url))
            page.on("console", lambda message: messages.append(message.text))
            page.goto(page_file.as_uri())
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            assert page.locator("svg[role=img]:visible").count() == 4
            page.keyboard.press("Tab")
            assert page.evaluate("document.activeElement.className") == "skip"
            summary = page.locator("summary").first
            summary.focus()
            page.keyboard.press("Enter")
            assert page.locator("details[open] table").first.is_visible()
            found = Axe().run(page)
            assert found.violations_count == 0, found.generate_report()
            assert [url for url in requests if not url.startswith(("file:", "data:"))] == []
            assert messages == []
        finally:
            browser.close()
