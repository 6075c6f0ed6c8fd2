"""Answers that many people ask for, kept as the very bytes that go out: encoded, compressed and tagged once.

    pages = cache("cache", codec=PageCodec())

    async def product(slug: str) -> Page | None:
        return await pages.get_or_load(slug, lambda: render(slug), ttl_seconds=60)

    app = pages_first(framework, lambda path, query: pages.held(path.removeprefix("/products/")))

What this process has in memory is then answered before any routing. Everything else goes the framework's way,
where a Page is an ASGI application (Starlette takes it as a response).
"""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Awaitable, Callable, Sequence

from rung.runtime.http.asgi import ASGIApp, AsgiMessage, Header, Receive, Scope, Send

#: Shorter bodies are not worth compressing.
GZIP_FROM_BYTES = 512
GZIP_LEVEL = 5

#: The page for a path (decoded) and a query string (as sent), when it is at hand; never waits, never raises.
Find = Callable[[str, bytes], "Page | None"]
_Messages = tuple[AsgiMessage, AsgiMessage]


class Page:
    """One answer of status 200 and its entity tag; 304 for who has it, gzip for who takes it.

    `cache_control` is what the client is told, as in RFC 9111.
    """

    __slots__ = ("_plain", "_unchanged", "_zipped", "body", "cache_control", "content_type", "etag")

    def __init__(
        self, body: bytes, *, cache_control: str = "no-cache", content_type: str = "application/json"
    ) -> None:
        self.body = body
        self.cache_control = cache_control
        self.content_type = content_type
        #: Weak: the same tag stands for the body compressed and not.
        self.etag = b'W/"%s"' % hashlib.blake2b(body, digest_size=12).hexdigest().encode()
        self._plain: _Messages | None = None
        self._zipped: _Messages | None = None
        self._unchanged: _Messages | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a GET or HEAD request."""
        start, body = self.messages(scope["headers"])
        await send(start)
        await send(body)

    def messages(self, headers: Sequence[Header]) -> _Messages:
        """The two messages of the answer to a request with these headers. Shared: they are not to be changed."""
        takes_gzip = False
        for name, value in headers:
            if name == b"accept-encoding":
                takes_gzip = b"gzip" in value
            elif name == b"if-none-match" and self._is_one_of(value):
                self._unchanged = self._unchanged or self._made(304, b"")
                return self._unchanged
        if takes_gzip and len(self.body) >= GZIP_FROM_BYTES:
            if self._zipped is None:
                packed = gzip.compress(self.body, GZIP_LEVEL, mtime=0)
                self._zipped = self._made(200, packed, (b"content-encoding", b"gzip"))
            return self._zipped
        self._plain = self._plain or self._made(200, self.body)
        return self._plain

    def _is_one_of(self, tags: bytes) -> bool:
        """RFC 9110, 13.1.2."""
        return tags == b"*" or self.etag in (tag.strip() for tag in tags.split(b","))

    def _made(self, status: int, body: bytes, *more: Header) -> _Messages:
        headers: list[Header] = [
            (b"etag", self.etag),
            (b"cache-control", self.cache_control.encode("latin-1")),
            (b"vary", b"accept-encoding"),
            *more,
        ]
        if status == 200:
            headers.append((b"content-type", self.content_type.encode("latin-1")))
            headers.append((b"content-length", b"%d" % len(body)))
        return (
            {"type": "http.response.start", "status": status, "headers": headers},
            {"type": "http.response.body", "body": body},
        )


class PageCodec:
    """How a cache keeps a Page: its two headers and its body travel, the rest is made again where they arrive."""

    name = "page"

    def encode(self, value: Page) -> bytes:
        """Two lines, then the body."""
        return b"\n".join(
            (value.cache_control.encode("latin-1"), value.content_type.encode("latin-1"), value.body)
        )

    def decode(self, data: bytes) -> Page:
        """The page again. Raises ValueError for other bytes."""
        cache_control, content_type, body = data.split(b"\n", 2)
        return Page(
            body, cache_control=cache_control.decode("latin-1"), content_type=content_type.decode("latin-1")
        )


class PagesFirst:
    """`app`, but a GET of a page that `find` has at hand is answered at once. Made by `pages_first`."""

    def __init__(self, app: ASGIApp, find: Find) -> None:
        self._app = app
        #: `protect` asks it too: in a flood these pages go out before anything is made for their requests.
        self.find = find

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Serve one request."""
        if scope["type"] == "http" and scope["method"] == "GET":
            page = self.find(scope["path"], scope["query_string"])
            if page is not None:
                return page(scope, receive, send)
        return self._app(scope, receive, send)


def pages_first(app: ASGIApp, find: Find) -> PagesFirst:
    """`app`, but a GET of a page that `find` has at hand is answered at once.

    That saves what a framework does around a request, and in a flood what `protect` does: such a page then costs
    what a refusal costs, so it is never refused. For pages whose answer depends on path and query alone.
    """
    return PagesFirst(app, find)


def find_of(app: ASGIApp) -> Find | None:
    """How `app` finds pages that are at hand, when it was made by `pages_first`."""
    return app.find if isinstance(app, PagesFirst) else None
