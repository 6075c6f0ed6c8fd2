"""A streaming reverse proxy as an ASGI application, for services that are programs of their own."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import suppress
from http.cookies import CookieError, SimpleCookie

import aiohttp
from multidict import CIMultiDict

from rung.runtime.context import EPOCH_HEADER, TENANT_HEADER, USER_HEADER, current, to_headers
from rung.runtime.http.asgi import Header, Receive, Scope, Send
from rung.runtime.http.problem import HttpError

#: RFC 9110, 7.6.1: these speak about one connection and are never forwarded.
_HOP_BY_HOP = frozenset(
    {b"connection", b"keep-alive", b"proxy-authenticate", b"proxy-authorization", b"proxy-connection", b"te",
     b"trailer", b"transfer-encoding", b"upgrade"}
)  # fmt: skip
#: Nor what only we may say: the public chooses neither tenant nor user.
_NOT_FORWARDED = _HOP_BY_HOP | {name.encode() for name in (TENANT_HEADER, EPOCH_HEADER, USER_HEADER)}
_CONNECT_SECONDS = 2.0
_STICKY_COOKIE = "rung-upstream"


class Proxy:
    """Forwards to one of `upstreams`; with `sticky`, a cookie brings a client back to the same one."""

    def __init__(
        self, upstreams: tuple[str, ...], *, sticky: bool = False, chance: random.Random | None = None
    ) -> None:
        assert upstreams
        self._upstreams = upstreams
        self._sticky = sticky and len(upstreams) > 1
        self._chance = chance or random.Random()
        self._session: aiohttp.ClientSession | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Forward one request or WebSocket. HttpError 502 when the upstream cannot be reached."""
        index, cookie = self._choose(scope)
        if scope["type"] == "websocket":
            await self._websocket(scope, receive, send, self._upstreams[index])
        else:
            await self._http(scope, receive, send, self._upstreams[index], cookie)

    async def close(self) -> None:
        """Close the connections to the upstreams."""
        if self._session is not None:
            await self._session.close()

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=30.0),
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_SECONDS),
                auto_decompress=False,
                cookie_jar=aiohttp.DummyCookieJar(),
                skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding", "Content-Type"),
            )
        return self._session

    def _choose(self, scope: Scope) -> tuple[int, Header | None]:
        """The index of the upstream, and the cookie to set so that it is chosen again."""
        if not self._sticky:
            return self._chance.randrange(len(self._upstreams)), None
        asked = _cookie(scope, _STICKY_COOKIE)
        if asked.isdecimal() and int(asked) < len(self._upstreams):
            return int(asked), None
        index = self._chance.randrange(len(self._upstreams))
        return index, (b"set-cookie", f"{_STICKY_COOKIE}={index}; Path=/; HttpOnly; SameSite=Lax".encode())

    async def _http(
        self, scope: Scope, receive: Receive, send: Send, upstream: str, cookie: Header | None
    ) -> None:
        body = _body(receive) if _has_body(scope) else None
        try:
            response = await self._open().request(
                scope["method"], _url(upstream, scope), headers=_forwarded(scope), data=body, allow_redirects=False
            )
        except (aiohttp.ClientConnectionError, TimeoutError) as error:
            raise _unreachable(error) from error
        async with response:
            headers = [
                (name.lower(), value) for name, value in response.raw_headers if name.lower() not in _HOP_BY_HOP
            ]
            if cookie is not None:
                headers.append(cookie)
            await send({"type": "http.response.start", "status": response.status, "headers": headers})
            try:
                await _copy(response, send)
            except aiohttp.ClientError as error:
                raise ConnectionAbortedError("the upstream broke its response off") from error

    async def _websocket(self, scope: Scope, receive: Receive, send: Send, upstream: str) -> None:
        await receive()
        try:
            other = await self._open().ws_connect(
                _url(upstream, scope),
                headers=_forwarded(scope, websocket=True),
                protocols=scope.get("subprotocols", ()),
                autoclose=False,
                max_msg_size=0,
            )
        except (aiohttp.ClientError, TimeoutError):
            await send({"type": "websocket.close", "code": 1014})
            return
        async with other:
            await send({"type": "websocket.accept", "subprotocol": other.protocol})
            pumps = {asyncio.create_task(_upward(receive, other)), asyncio.create_task(_downward(other, send))}
            try:
                await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for pump in pumps:
                    pump.cancel()
                await asyncio.gather(*pumps, return_exceptions=True)


def _url(upstream: str, scope: Scope) -> str:
    query: bytes = scope["query_string"]
    raw: bytes = scope.get("raw_path") or scope["path"].encode()
    return upstream + raw.decode("latin-1") + ("?" + query.decode("latin-1") if query else "")


def _forwarded(scope: Scope, *, websocket: bool = False) -> CIMultiDict[str]:
    """The client's headers without those of its connection, and who it was; the context travels too."""
    headers: CIMultiDict[str] = CIMultiDict()
    for name, value in scope["headers"]:
        if name not in _NOT_FORWARDED and not (websocket and name.startswith(b"sec-websocket")):
            headers.add(name.decode("latin-1"), value.decode("latin-1"))
    client = scope.get("client") or ("", 0)
    earlier = headers.get("x-forwarded-for")
    headers["x-forwarded-for"] = f"{earlier}, {client[0]}" if earlier else str(client[0])
    headers["x-forwarded-proto"] = "https" if scope["scheme"] in {"https", "wss"} else "http"
    if "host" in headers:
        headers["x-forwarded-host"] = headers["host"]
    headers.update(to_headers(current()))
    return headers


def _has_body(scope: Scope) -> bool:
    names = {name for name, _ in scope["headers"]}
    return b"content-length" in names or b"transfer-encoding" in names


async def _body(receive: Receive) -> AsyncIterator[bytes]:
    while True:
        message = await receive()
        if message["type"] != "http.request":
            raise ConnectionAbortedError("the client is gone")
        if message.get("body"):
            yield message["body"]
        if not message.get("more_body", False):
            return


async def _copy(response: aiohttp.ClientResponse, send: Send) -> None:
    async for chunk in response.content.iter_any():
        await send({"type": "http.response.body", "body": chunk, "more_body": True})
    await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _upward(receive: Receive, other: aiohttp.ClientWebSocketResponse) -> None:
    while True:
        message = await receive()
        if message["type"] == "websocket.disconnect":
            await other.close(code=message.get("code") or 1000)
            return
        text = message.get("text")
        if text is not None:
            await other.send_str(text)
        else:
            await other.send_bytes(message["bytes"])


async def _downward(other: aiohttp.ClientWebSocketResponse, send: Send) -> None:
    async for message in other:
        if message.type == aiohttp.WSMsgType.TEXT:
            await send({"type": "websocket.send", "text": message.data})
        elif message.type == aiohttp.WSMsgType.BINARY:
            await send({"type": "websocket.send", "bytes": message.data})
    with suppress(Exception):
        await send({"type": "websocket.close", "code": other.close_code or 1000})


def _cookie(scope: Scope, name: str) -> str:
    for header, value in scope["headers"]:
        if header == b"cookie":
            with suppress(CookieError):
                found = SimpleCookie(value.decode("latin-1")).get(name)
                if found is not None:
                    return found.value
    return ""


def _unreachable(error: BaseException) -> HttpError:
    if isinstance(error, TimeoutError):
        return HttpError(504, "upstream-timeout", "the service did not answer in time")
    return HttpError(502, "upstream", "the service cannot be reached", retry_after_seconds=1.0)
