"""From steps to bytes on the wire: everything that can be encoded once is encoded once."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import msgspec

from rung.load.journey import Body, Step, User

_NAME = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")

Part = Callable[[User], str]


def template(text: str, *, escape: bool = False) -> str | Part:
    """`text` itself when it names nothing, else a function that fills in its {names}, URL-escaped on request."""
    pieces = _NAME.split(text)
    if len(pieces) == 1:
        return text

    def fill(user: User) -> str:
        filled = pieces.copy()
        for index in range(1, len(filled), 2):
            value = value_of(user, filled[index])
            filled[index] = quote(value, safe="") if escape else value
        return "".join(filled)

    return fill


def value_of(user: User, name: str) -> str:
    """A value of the user's state as text; `unique` is fresh each time. KeyError when it was never captured."""
    if name == "unique":
        return f"{user.random.getrandbits(128):032x}"
    return str(user.state[name])


def fill_json(document: Any, user: User) -> Any:
    """`document` with the {names} in its strings filled in; a string that is one name keeps the value's type."""
    if isinstance(document, str):
        whole = _NAME.fullmatch(document)
        if whole and whole[1] != "unique":
            return user.state[whole[1]]
        filled = template(document)
        return filled if isinstance(filled, str) else filled(user)
    if isinstance(document, dict):
        return {key: fill_json(value, user) for key, value in document.items()}
    if isinstance(document, list | tuple):
        return [fill_json(value, user) for value in document]
    return document


class Compiled:
    """A step made ready to send: `encode(user)` is the whole request."""

    __slots__ = ("_body", "_head", "_path", "_static", "expect", "index", "reads_body", "step")

    def __init__(self, step: Step, *, host: str, index: int) -> None:
        self.step = step
        self.index = index
        self.expect = frozenset(step.expect)
        self.reads_body = step.check is not None or step.reads is not None
        self._path = template(step.path, escape=True) if isinstance(step.path, str) else step.path
        self._body = _body_of(step.body)
        headers = {"Host": host, "Accept": "*/*", "User-Agent": "rung-load"}
        if self._body is not None and not isinstance(step.body, bytes | str):
            headers["Content-Type"] = "application/json"
        headers |= step.headers
        self._head = [template(f"{name}: {value}\r\n") for name, value in headers.items()]
        self._static: bytes | None = self._encode_static()

    def encode(self, user: User) -> bytes:
        """The request's bytes. Raises KeyError when a name was never captured."""
        if self._static is not None and not user.cookies:
            return self._static
        return self._build(user)

    def _encode_static(self) -> bytes | None:
        parts: list[object] = [self._path, self._body, *self._head]
        if any(callable(part) for part in parts):
            return None
        return self._build(_NOBODY)

    def _build(self, user: User) -> bytes:
        path = self._path if isinstance(self._path, str) else self._path(user)
        lines = [part if isinstance(part, str) else part(user) for part in self._head]
        head = f"{self.step.method} {path} HTTP/1.1\r\n" + "".join(lines)
        if user.cookies:
            head += "Cookie: " + "; ".join(f"{name}={value}" for name, value in user.cookies.items()) + "\r\n"
        body = self._body(user) if callable(self._body) else self._body
        if body is None:
            length = "" if self.step.method in _BODILESS else "Content-Length: 0\r\n"
            return f"{head}{length}\r\n".encode("latin-1")
        return f"{head}Content-Length: {len(body)}\r\n\r\n".encode("latin-1") + body


_BODILESS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
_NOBODY = User(0)


def _body_of(body: Body) -> bytes | Callable[[User], bytes] | None:
    if body is None or isinstance(body, bytes):
        return body
    if isinstance(body, str):
        text = template(body)
        return text.encode() if isinstance(text, str) else lambda user: text(user).encode()
    if callable(body):
        return lambda user: _to_bytes(body(user))
    encoded = msgspec.json.encode(body)
    if not _NAME.search(encoded.decode()):
        return encoded
    return lambda user: msgspec.json.encode(fill_json(body, user))


def _to_bytes(value: Any) -> bytes:
    if isinstance(value, bytes):
        return value
    return value.encode() if isinstance(value, str) else msgspec.json.encode(value)
