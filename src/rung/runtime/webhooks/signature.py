"""What every scheme of signatures shares: headers, secrets that rotate, the age of a message."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias, cast

from rung.runtime.clock import Clock
from rung.runtime.webhooks.errors import SignatureRefusedError

TOLERANCE_SECONDS = 300.0
#: More secrets, or more signatures in a header, than a rotation needs are work that a stranger asks for.
SIGNATURES_MAX = 16
_DIGITS_MAX = 12

#: One secret, several while they rotate, or a function that gives them as they are now.
Secrets: TypeAlias = "str | Sequence[str] | Callable[[], str | Sequence[str]]"
#: As a framework gives them: a mapping, or ASGI's pairs of bytes.
Headers: TypeAlias = "Mapping[str, str] | Iterable[tuple[bytes, bytes]]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """A webhook whose sender is proven. `payload` is the body byte for byte; `timestamp` in seconds since 1970."""

    id: str
    timestamp: int
    payload: bytes


class Signature(Protocol):
    """A scheme: how the sender of a body proves itself."""

    def verify(self, body: bytes, headers: Headers) -> Verified:
        """The webhook, or SignatureRefusedError."""
        ...


def secrets_of(given: Secrets) -> tuple[str, ...]:
    """The secrets of this moment; none is empty. Raises SignatureRefusedError when there is none to check with."""
    found = given() if callable(given) else given
    secrets = (found,) if isinstance(found, str) else tuple(found)
    if not secrets or not all(secrets):
        raise SignatureRefusedError("there is no secret to check the signature with")
    return secrets


def header_of(headers: Headers, name: str) -> str:
    """The value of header `name` (lower case), whatever its case there. A second one of that name is refused."""
    pairs: Iterable[tuple[str | bytes, str | bytes]]
    pairs = cast("Mapping[str, str]", headers).items() if isinstance(headers, Mapping) else headers
    values = [_text(value) for key, value in pairs if _text(key).lower() == name]
    if len(values) != 1:
        raise SignatureRefusedError(f"{len(values) or 'no'} header {name}")
    return values[0]


def _text(given: str | bytes) -> str:
    return given if isinstance(given, str) else given.decode("latin-1")


def bytes_of(body: object) -> bytes:
    """The body as it came. Raises TypeError for anything but bytes: a body that was parsed is no longer signed."""
    if isinstance(body, bytes):
        return body
    if isinstance(body, bytearray | memoryview):
        return bytes(body)
    raise TypeError(f"the body is {type(body).__name__}: a signature is checked on the raw bytes of the request")


def timestamp_of(text: str) -> int:
    """Seconds since 1970, from ASCII digits alone. Raises SignatureRefusedError."""
    if not (text.isascii() and text.isdecimal()) or len(text) > _DIGITS_MAX:
        raise SignatureRefusedError("the timestamp is not a number of seconds")
    return int(text)


def require_fresh(timestamp: int, tolerance_seconds: float, clock: Clock) -> None:
    """Raise SignatureRefusedError unless `timestamp` is at most so far from now, on either side."""
    away = abs(clock.now().timestamp() - timestamp)
    if away > tolerance_seconds:
        raise SignatureRefusedError(f"the timestamp is {away:.0f} s from now; {tolerance_seconds:g} s are allowed")


def any_equal(expected: Iterable[bytes], given: Sequence[bytes]) -> bool:
    """Whether one of `given` is one of `expected`, in a time that tells nothing about either."""
    found = False
    for one in expected:
        for other in given:
            found |= hmac.compare_digest(one, other)
    return found
