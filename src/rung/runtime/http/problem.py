"""Errors as an HTTP client reads them: application/problem+json with a code and the correlation id.

Never a traceback, never the text of an unexpected exception: what our caller may know is in `Problem`, the
rest is in the log under the same correlation id. Format: RFC 9457.
"""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus

import msgspec

from rung.errors import ApplicationError
from rung.runtime.errors import DeadlineExceededError, OverloadedError, TenantError, UnavailableError
from rung.runtime.http.asgi import Header, Send


@dataclass(frozen=True, slots=True)
class Problem:
    """One answer of 400 or above. `code` is stable: programs may rely on it."""

    status: int
    code: str
    detail: str = ""
    retry_after_seconds: float | None = None


class HttpError(ApplicationError):
    """Raise it anywhere under `protect` to answer with its problem."""

    def __init__(
        self, status: int, code: str, detail: str = "", *, retry_after_seconds: float | None = None
    ) -> None:
        super().__init__(f"{status} {code}: {detail}")
        self.problem = Problem(status, code, detail, retry_after_seconds)


OVERLOADED = Problem(503, "overloaded", "too many requests are being served; send it again later", 1.0)
DEADLINE = Problem(504, "deadline-exceeded", "the answer was not ready within the deadline")
INTERNAL = Problem(500, "internal", "an unexpected error; the correlation id finds it in the log")
BODY_TOO_LARGE = Problem(413, "body-too-large", "the request body is larger than this path accepts")
BODY_TOO_SLOW = Problem(408, "body-too-slow", "the request body did not arrive in time")
ENCODING = Problem(415, "content-encoding", "compressed request bodies are not accepted here")


def problem_of(error: BaseException) -> Problem:
    """What the client is told of `error`."""
    match error:
        case HttpError():
            return error.problem
        case OverloadedError():
            return Problem(503, "overloaded", str(error), error.retry_after_seconds)
        case UnavailableError():
            return Problem(
                503, "unavailable", "a part of this service cannot be reached", error.retry_after_seconds
            )
        case DeadlineExceededError():
            return DEADLINE
        case TenantError():
            return Problem(404, "not-found", "there is no such thing")
        case _:
            return INTERNAL


def body_of(problem: Problem, correlation_id: str) -> bytes:
    """The problem as JSON."""
    document = {
        "type": "about:blank",
        "title": HTTPStatus(problem.status).phrase,
        "status": problem.status,
        "code": problem.code,
        "correlation_id": correlation_id,
    }
    if problem.detail:
        document["detail"] = problem.detail
    return msgspec.json.encode(document)


def headers_of(problem: Problem, length_bytes: int | None) -> list[Header]:
    """The headers that go with it; without a length the body is chunked.

    Retry-After is in whole seconds, at least one (RFC 9110, 10.2.3).
    """
    headers: list[Header] = [
        (b"content-type", b"application/problem+json"),
        (b"cache-control", b"no-store"),
    ]
    if length_bytes is not None:
        headers.append((b"content-length", b"%d" % length_bytes))
    if problem.retry_after_seconds is not None:
        headers.append((b"retry-after", b"%d" % max(1, round(problem.retry_after_seconds))))
    return headers


async def send_problem(send: Send, problem: Problem, correlation_id: str) -> None:
    """Answer with `problem`; `send` must not have started a response."""
    body = body_of(problem, correlation_id)
    await send(
        {"type": "http.response.start", "status": problem.status, "headers": headers_of(problem, len(body))}
    )
    await send({"type": "http.response.body", "body": body})
