"""CloudFront's functions rewrite pages and nothing else: run as what they are, in a browser's JavaScript."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.terraform.module_harness import MODULES

CHROMIUM = Path("/usr/bin/chromium")
PAGE, DATA = "text/html,application/xhtml+xml", "application/json"
#: function, path, what the browser accepts, what CloudFront then asks the bucket for
CASES = [
    ("spa", "/", PAGE, "/index.html"),
    ("spa", "/basket", PAGE, "/index.html"),
    ("spa", "/basket/7", "*/*", "/index.html"),
    ("spa", "/assets/app.4f2a.js", PAGE, "/assets/app.4f2a.js"),
    ("spa", "/basket", DATA, "/basket"),
    ("spa", "/.well-known/apple-app-site-association", PAGE, "/.well-known/apple-app-site-association"),
    ("pages", "/", PAGE, "/index.html"),
    ("pages", "/guide/", PAGE, "/guide/index.html"),
    ("pages", "/guide", PAGE, "/guide/index.html"),
    ("pages", "/guide/map.svg", PAGE, "/guide/map.svg"),
    ("pages", "/.well-known/assetlinks", PAGE, "/.well-known/assetlinks"),
]


@pytest.mark.browser
@pytest.mark.skipif(not CHROMIUM.exists(), reason="no Chromium on this machine")
def test_pages_are_rewritten_and_files_are_not() -> None:
    from playwright.sync_api import sync_playwright

    functions = {path.stem: path.read_text() for path in (MODULES / "distribution").glob("*.js")}
    assert set(functions) == {function for function, *_ in CASES}
    calls = [
        f"(() => {{ {functions[function]} return handler({json.dumps(_event(path, accept))}).uri; }})()"
        for function, path, accept, _ in CASES
    ]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        asked = browser.new_page().evaluate(f"[{', '.join(calls)}]")
        browser.close()
    assert asked == [wanted for *_, wanted in CASES]


def _event(path: str, accept: str) -> dict[str, object]:
    """A viewer request as CloudFront hands it to a function (AWS, "CloudFront Functions event structure")."""
    return {"request": {"method": "GET", "uri": path, "headers": {"accept": {"value": accept}}}}
