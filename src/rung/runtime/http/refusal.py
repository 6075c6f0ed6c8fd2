"""The shortest way to 503: when refusing costs as much as serving, a flood leaves no time to serve anybody."""

from __future__ import annotations

import random
from collections.abc import Sequence

from rung.runtime.http.asgi import AsgiMessage, Header
from rung.runtime.http.problem import OVERLOADED, Problem, body_of, headers_of

#: A body of fewer than 10,000 bytes is short.
_SHORT_DIGITS = 4
_NO_ID = "0" * 32


def is_short(headers: Sequence[Header]) -> bool:
    """Whether the body has a length, and one that arrives with the headers as a rule."""
    for name, value in headers:
        if name == b"content-length":
            return len(value) <= _SHORT_DIGITS and value.isdigit()
        if name == b"transfer-encoding":
            return False
    return True


class Refusal:
    """The two messages of a 503, made once but for the correlation id and the second to come back in."""

    def __init__(self, security_headers: Sequence[Header]) -> None:
        self._starts = [self._headers(seconds) for seconds in (1.0, 2.0)]
        self._body = body_of(OVERLOADED, _NO_ID).split(_NO_ID.encode())
        self._security_headers = list(security_headers)

    @staticmethod
    def _headers(seconds: float) -> list[Header]:
        problem = Problem(503, OVERLOADED.code, OVERLOADED.detail, seconds)
        return headers_of(problem, len(body_of(problem, _NO_ID)))

    def messages(self) -> tuple[AsgiMessage, AsgiMessage]:
        """For one refusal. The id only names it in the caller's log: it need not be secret."""
        bits = random.getrandbits(128)
        name = b"%032x" % bits
        headers = [*self._starts[bits & 1], (b"x-correlation-id", name), *self._security_headers]
        start = {"type": "http.response.start", "status": 503, "headers": headers}
        return start, {"type": "http.response.body", "body": name.join(self._body)}

    def headers(self, given: Sequence[Header]) -> list[Header]:
        """The headers of an answer that takes the shortest way too: `given` and ours."""
        name = b"%032x" % random.getrandbits(128)
        return [*given, (b"x-correlation-id", name), *self._security_headers]
