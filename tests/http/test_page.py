"""A page is made once and sent as it is: whole, compressed, or not at all to who has it; before any routing."""

from __future__ import annotations

import gzip
from collections.abc import Sequence
from typing import Any

import pytest

from rung.runtime.http import Page, PageCodec, pages_first

BODY = b'{"items": [' + b'"a longer word",' * 100 + b'"last"]}'
Headers = Sequence[tuple[bytes, bytes]]


async def ask(app: Any, path: str = "/", method: str = "GET", headers: Headers = ()) -> tuple[int, Any, bytes]:
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    await app(
        {"type": "http", "method": method, "path": path, "query_string": b"q=1", "headers": headers}, receive, send
    )
    return sent[0]["status"], dict(sent[0]["headers"]), b"".join(each.get("body", b"") for each in sent[1:])


async def test_the_answer_says_what_it_is_and_how_long_it_holds() -> None:
    status, headers, body = await ask(Page(BODY, cache_control="public, max-age=5"))
    assert (status, body) == (200, BODY)
    assert headers[b"content-length"] == b"%d" % len(BODY)
    assert headers[b"cache-control"] == b"public, max-age=5"
    assert headers[b"vary"] == b"accept-encoding"


async def test_it_is_compressed_once_for_who_takes_it() -> None:
    page = Page(BODY)
    status, headers, body = await ask(page, headers=[(b"accept-encoding", b"br, gzip")])
    assert (status, headers[b"content-encoding"]) == (200, b"gzip")
    assert gzip.decompress(body) == BODY
    assert headers[b"content-length"] == b"%d" % len(body)
    assert page.messages([(b"accept-encoding", b"gzip")])[1]["body"] is body
    assert b"content-encoding" not in (await ask(page, headers=[(b"accept-encoding", b"br")]))[1]


async def test_a_short_one_is_not_compressed() -> None:
    status, headers, body = await ask(Page(b"{}"), headers=[(b"accept-encoding", b"gzip")])
    assert (status, body, b"content-encoding" in headers) == (200, b"{}", False)


@pytest.mark.parametrize("asked", [b'W/"other", %s', b"%s", b"*"])
async def test_who_has_it_is_told_so(asked: bytes) -> None:
    page = Page(BODY)
    tags = asked % page.etag if b"%s" in asked else asked
    status, headers, body = await ask(page, headers=[(b"accept-encoding", b"gzip"), (b"if-none-match", tags)])
    assert (status, body, headers[b"etag"]) == (304, b"", page.etag)


async def test_another_tag_gets_the_page() -> None:
    assert (await ask(Page(BODY), headers=[(b"if-none-match", b'W/"other"')]))[0] == 200
    assert Page(BODY).etag != Page(BODY + b" ").etag


def test_a_cache_gives_the_same_page_back() -> None:
    page = Page(b"a\nb\n", cache_control="no-store", content_type="text/plain")
    again = PageCodec().decode(PageCodec().encode(page))
    assert (again.body, again.cache_control, again.content_type, again.etag) == (
        b"a\nb\n",
        "no-store",
        "text/plain",
        page.etag,
    )
    with pytest.raises(ValueError, match="unpack"):
        PageCodec().decode(b"no lines at all")


async def test_only_gets_of_pages_at_hand_pass_the_framework_by() -> None:
    async def framework(scope: Any, receive: Any, send: Any) -> None:
        await Page(b"framework")(scope, receive, send)

    def find(path: str, query: bytes) -> Page | None:
        return Page(b"at hand") if (path, query) == ("/hot", b"q=1") else None

    app = pages_first(framework, find)
    assert (await ask(app, "/hot"))[2] == b"at hand"
    assert (await ask(app, "/cold"))[2] == b"framework"
    assert (await ask(app, "/hot", "POST"))[2] == b"framework"
