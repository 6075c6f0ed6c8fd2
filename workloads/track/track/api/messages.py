"""Reading requests and writing answers: typed JSON in, typed JSON out."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from track.problems import Problem, invalid

BodyType = TypeVar("BodyType")

BODY_BYTES_MAX = 2 * 1024 * 1024


class Input(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The base of every request body: a field we do not know is an error, not silence."""


class Output(msgspec.Struct, frozen=True, kw_only=True):
    """The base of every answer."""


class Done(Output, frozen=True, kw_only=True):
    """It is done, and there is nothing more to say."""

    done: bool = True


async def read(request: Request, kind: type[BodyType]) -> BodyType:
    """The JSON body as `kind`.

    Only `application/json` is read: a form on another site cannot send that without asking the browser first.
    Raises Problem 415, 413 or 422.
    """
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if content_type != "application/json":
        raise Problem(415, "not_json", "send application/json")
    body = await request.body()
    if len(body) > BODY_BYTES_MAX:
        raise Problem(413, "too_large", f"at most {BODY_BYTES_MAX} bytes")
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, ValueError) as error:
        text = str(error)
        raise invalid(text[:300], field=field_of(text)[:300]) from None


#: What msgspec says of fields, and where: "Object missing required field `email` - at `$.recipients[0]`".
_FIELD = re.compile(r"Object (?:missing required|contains unknown) field `([^`]*)`")
_PLACE = re.compile(r" - at `\$([^`]*)`$")


def field_of(said: str) -> str:
    """What of a body msgspec complains about: `recipients/0/email`, empty for the body itself.

    A dictionary's key is not told, so the dictionary is named.
    """
    place, field = _PLACE.search(said), _FIELD.match(said)
    path = place[1].partition("[...]")[0] if place else ""
    names = re.findall(r"\w+", path)
    if field is not None:
        names.append(field[1].replace("~", "~0").replace("/", "~1"))
    return "/".join(names)


def json(value: Any, *, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """`value` as JSON that nobody stores."""
    return Response(
        msgspec.json.encode(value),
        status_code=status,
        media_type="application/json",
        headers={"cache-control": "no-store", **(headers or {})},
    )
