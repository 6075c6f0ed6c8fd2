"""Answers that are not the wanted one: RFC 9457 problems with a stable `code` that a client can act on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response


class Problem(Exception):  # noqa: N818 - the RFC's word; it is an answer, not a failure
    """Raised anywhere below a route; becomes the response. `detail` is shown to whoever asked."""

    def __init__(
        self, status: int, code: str, detail: str, *, headers: Mapping[str, str] | None = None, **extra: Any
    ) -> None:
        super().__init__(f"{code}: {detail}")
        self.status = status
        self.code = code
        self.headers = dict(headers or {})
        self.body = {"type": "about:blank", "status": status, "code": code, "detail": detail, **extra}


class FieldMistake(msgspec.Struct, frozen=True, kw_only=True):
    """One mistake in a request's body: where (a JSON Pointer, RFC 6901), and what is wrong there."""

    pointer: str
    detail: str


class ProblemBody(msgspec.Struct, frozen=True, kw_only=True):
    """What a problem looks like; some have more fields. `errors`: where the body is wrong, when that is known."""

    type: str
    status: int
    code: str
    detail: str
    errors: list[FieldMistake] | msgspec.UnsetType = msgspec.UNSET


def not_found(what: str) -> Problem:
    """404: it is not there, or not yours. Nobody is told which."""
    return Problem(404, "not_found", f"{what} was not found")


def invalid(detail: str, *, field: str = "") -> Problem:
    """422: the request cannot mean anything. `field` is what of the body is wrong: `seats`, `members/0/email`."""
    errors: dict[str, Any] = {"errors": [{"pointer": f"/{field}", "detail": detail}]} if field else {}
    return Problem(422, "invalid", detail, **errors)


def too_many(retry_after_seconds: float) -> Problem:
    """429: come back later."""
    wait = str(max(1, round(retry_after_seconds)))
    return Problem(429, "too_many_requests", "wait a little", headers={"retry-after": wait})


async def answer(_: Request | None, problem: Exception) -> Response:
    """The problem as an HTTP response."""
    assert isinstance(problem, Problem)
    return Response(
        msgspec.json.encode(problem.body),
        status_code=problem.status,
        media_type="application/problem+json",
        headers={"cache-control": "no-store", **problem.headers},
    )
