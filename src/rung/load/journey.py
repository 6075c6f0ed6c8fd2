"""What a user does: journeys of weighted steps, as plain data and functions.

    buy = Journey(
        "buy",
        weight=5,
        steps=[
            Step("GET", "/api/products?limit=20", reads=capture(product="items.*.id")),
            Step("POST", "/api/cart/items", body={"product": "{product}", "quantity": 1}, expect=(201,)),
            Step("POST", "/api/checkout", headers={"Idempotency-Key": "{unique}"}, expect=(201, 409)),
        ],
    )

`{name}` in a path, a header or a JSON body is filled from the user's state; `{unique}` is a fresh value per
request. A callable in their place gets the user and returns the finished value. Cookies are kept per user.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import msgspec

#: A long list is asked for by many; a short answer is decoded sooner than it is found again.
_REMEMBERED_FROM_BYTES = 1_000

JSON = Any  # what a JSON document decodes to


class User:
    """One connected user: a number, a state that steps fill, cookies, and randomness of its own.

    Its own, because responses overtake one another: a shared stream of randomness would be dealt out in
    another order in every run, and the seed would reproduce nothing.
    """

    __slots__ = ("_random", "_seed", "cookies", "number", "state")

    def __init__(self, number: int, seed: int = 0) -> None:
        self.number = number
        self.state: dict[str, Any] = {}
        self.cookies: dict[str, str] = {}
        self._seed = seed
        self._random: random.Random | None = None

    @property
    def random(self) -> random.Random:
        """Seeded by the run's seed and the user's number; made when first asked for (it takes 2.5 KB)."""
        if self._random is None:
            self._random = random.Random(self._seed * 1_000_003 + self.number)
        return self._random

    def forget(self) -> None:
        """Become a new visitor: no state, no cookies."""
        if self.state:
            self.state = {}
        if self.cookies:
            self.cookies = {}


class Response:
    """An HTTP response as it came: status, raw head, raw body."""

    __slots__ = ("body", "head", "status")

    def __init__(self, status: int, head: bytes, body: bytes) -> None:
        self.status = status
        self.head = head
        self.body = body

    def json(self) -> JSON:
        """The body as JSON. Raises msgspec.DecodeError."""
        return msgspec.json.decode(self.body)

    def headers(self, name: str) -> list[str]:
        """Every value of the header, in order; names match in any case."""
        wanted = name.lower().encode("latin-1")
        values = []
        for line in self.head.split(b"\r\n")[1:]:
            key, _, value = line.partition(b":")
            if key.lower() == wanted:
                values.append(value.strip().decode("latin-1"))
        return values


Reader = Callable[[User, Response], None]
Body = bytes | str | Mapping[str, Any] | Sequence[Any] | Callable[[User], Any] | None


@dataclass(frozen=True, slots=True)
class Step:
    """One request of a journey, and what its response must be.

    `name` groups requests in the table; it defaults to method and path without the query. `expect` lists the
    statuses that are right, `check` refuses a body, `reads` takes values into the user's state (raising means
    the body is invalid). `when` skips the step, `repeat` sends it between low and high times.
    """

    method: str
    path: str | Callable[[User], str]
    name: str = ""
    body: Body = field(default=None, kw_only=True)
    headers: Mapping[str, str] = field(default_factory=dict, kw_only=True)
    expect: tuple[int, ...] = field(default=(200, 201, 202, 204, 304), kw_only=True)
    check: Callable[[Response], bool] | None = field(default=None, kw_only=True)
    reads: Reader | None = field(default=None, kw_only=True)
    when: Callable[[User], bool] | None = field(default=None, kw_only=True)
    repeat: tuple[int, int] = field(default=(1, 1), kw_only=True)

    def __post_init__(self) -> None:
        if callable(self.path) and not self.name:
            raise ValueError("a step whose path is a function needs a name for the table")
        if isinstance(self.path, str) and not self.path.startswith("/"):
            raise ValueError(f"a step's path starts with /, got {self.path!r}")
        low, high = self.repeat
        if not 0 <= low <= high:
            raise ValueError(f"repeat needs 0 <= low <= high, got {self.repeat}")

    @property
    def route(self) -> str:
        """The path without its query, with `{names}` as written; a path in the name takes precedence."""
        named = self.name.removeprefix(f"{self.method} ")
        if isinstance(self.path, str) and not named.startswith("/"):
            return self.path.partition("?")[0]
        return named

    @property
    def group(self) -> str:
        """The row of the table that this step counts in."""
        return self.name or f"{self.method} {self.route}"


@dataclass(frozen=True, slots=True)
class Journey:
    """Steps that one visitor takes in order; `weight` is its share of all *requests* of the mix."""

    name: str
    steps: Sequence[Step]
    weight: float = field(default=1.0, kw_only=True)

    def __post_init__(self) -> None:
        if not self.steps or self.length <= 0:
            raise ValueError(f"journey {self.name!r} has no steps")
        if self.weight <= 0:
            raise ValueError(f"journey {self.name!r} needs a weight above 0, got {self.weight:g}")

    @property
    def length(self) -> float:
        """The mean number of requests of one visit."""
        return sum(sum(step.repeat) / 2 for step in self.steps)


def capture(**paths: str) -> Reader:
    """A reader that copies values out of a JSON response: capture(cart="id", product="items.*.id").

    A path is made of keys and list positions with dots between; `*` picks one element of a list at random.
    A path that leads nowhere raises, and the response counts as an invalid body.
    """
    routes = {name: path.split(".") for name, path in paths.items()}

    def read(user: User, response: Response) -> None:
        body = response.body
        document = _decode(body) if len(body) >= _REMEMBERED_FROM_BYTES else response.json()
        for name, keys in routes.items():
            user.state[name] = _walk(document, keys, user.random)

    return read


@lru_cache(maxsize=256)
def _decode(body: bytes) -> JSON:
    """A document that many users get: the same bytes are decoded once. Nobody changes it."""
    return msgspec.json.decode(body)


def _walk(document: JSON, keys: Sequence[str], random: random.Random) -> JSON:
    for key in keys:
        if isinstance(document, list):
            document = random.choice(document) if key == "*" else document[int(key)]
        else:
            document = document[key]
    return document
