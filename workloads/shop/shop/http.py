"""Reading requests and writing answers: typed JSON in, bytes out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from shop.problems import Problem

BodyType = TypeVar("BodyType")

BODY_BYTES_MAX = 256 * 1024


class Input(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The base of every request body: a field we do not know is an error, not silence."""


async def read(request: Request, kind: type[BodyType]) -> BodyType:
    """The JSON body as `kind`.

    Only `application/json` is read: a form on another site cannot send that without asking the browser first.
    Raises Problem 415, 413 or 422.
    """
    return decode(await request.body(), kind, request.headers.get("content-type", ""))


def decode(body: bytes, kind: type[BodyType], content_type: str) -> BodyType:
    """A JSON body as `kind`. Raises Problem 415, 413 or 422."""
    if content_type != "application/json" and content_type.partition(";")[0].strip().lower() != "application/json":
        raise Problem(415, "not_json", "send application/json")
    if len(body) > BODY_BYTES_MAX:
        raise Problem(413, "too_large", f"at most {BODY_BYTES_MAX} bytes")
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, ValueError) as error:
        raise Problem(422, "invalid", str(error)[:300]) from None


def json(value: Any, *, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """`value` as JSON that nobody stores."""
    return Response(
        msgspec.json.encode(value),
        status_code=status,
        media_type="application/json",
        headers={"cache-control": "no-store", **(headers or {})},
    )


def whole_number(request: Request, name: str, *, default: int, least: int, most: int) -> int:
    """A query parameter that is an integer between `least` and `most`. Raises Problem 422."""
    text = request.query_params.get(name)
    if text is None or text == "":
        return default
    if not (text.isascii() and text.isdecimal() and len(text) <= 12) or not least <= int(text) <= most:
        raise Problem(422, "invalid", f"{name} is a whole number from {least} to {most}")
    return int(text)
