"""One operation of the API: everything that its route and its part of the OpenAPI document are made from."""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Any, Generic, Literal, TypeAlias, TypeVar

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from rung.runtime import serving_tenant
from track.api.access import Access, SignedIn, admit
from track.api.callers import Caller
from track.api.messages import json, read
from track.problems import invalid, not_found

BodyType = TypeVar("BodyType")
Method: TypeAlias = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Call(Generic[BodyType]):
    """One request, read and admitted."""

    request: Request
    caller: Caller
    body: BodyType

    def path(self, name: str) -> str:
        """A part of the path."""
        return str(self.request.path_params[name])

    def path_id(self, name: str) -> uuid.UUID:
        """A part of the path that is an identifier. Raises Problem 404: what is not one names nothing."""
        try:
            return uuid.UUID(self.path(name))
        except ValueError:
            raise not_found(f"the {name}") from None

    def query(self, name: str) -> str:
        """A query parameter, empty when it was not given. Raises Problem 422 for one longer than any we know."""
        text = self.request.query_params.get(name, "")
        if len(text) > 300 or "\x00" in text:
            raise invalid(f"{name} is at most 300 characters")
        return text

    def after(self) -> uuid.UUID | None:
        """Where a page begins: the `next` of the page before. Raises Problem 422."""
        try:
            return uuid.UUID(self.query("after")) if self.query("after") else None
        except ValueError:
            raise invalid("after is the `next` of the page before") from None

    def limit(self) -> int:
        """How many items a page holds. Raises Problem 422."""
        return self.whole_number("limit", default=50, least=1, most=200)

    def whole_number(self, name: str, *, default: int, least: int, most: int) -> int:
        """A query parameter that is an integer between `least` and `most`. Raises Problem 422."""
        text = self.query(name)
        if text == "":
            return default
        if not (text.isascii() and text.isdecimal()) or not least <= int(text) <= most:
            raise invalid(f"{name} is a whole number from {least} to {most}")
        return int(text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An answer with more to it than its body."""

    value: Any
    headers: Mapping[str, str] = field(default_factory=dict)
    #: Called with the response, to set or remove cookies.
    finish: Callable[[Response], None] | None = None


Handler: TypeAlias = Callable[[Call[Any]], Awaitable[Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """A query parameter."""

    name: str
    description: str
    kind: Literal["string", "integer"] = "string"


#: The parameters of every list that has pages.
PAGED = (
    Parameter(name="after", description="the `next` of the page before"),
    Parameter(name="limit", description="items on the page, 1 to 200", kind="integer"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """`answer`: the type of the body; a `media_type` other than JSON is written as it is."""

    method: Method
    path: str
    handler: Handler
    summary: str
    tag: str
    answer: Any
    access: Access = field(default_factory=SignedIn)
    body: Any = None
    status: int = 200
    query: tuple[Parameter, ...] = ()

    @property
    def name(self) -> str:
        """The operationId: what the method of a generated client is called."""
        return self.handler.__name__

    def route(self) -> Route:
        """What Starlette serves."""
        return Route(self.path, self._serve, methods=[self.method], name=self.name)

    async def _serve(self, request: Request) -> Response:
        caller = await admit(self.access, request)
        body = None if self.body is None else await read(request, self.body)
        with nullcontext() if caller.tenant is None else serving_tenant(caller.tenant):
            result = await self.handler(Call(request=request, caller=caller, body=body))
        return self._answer(result)

    def _answer(self, result: Any) -> Response:
        if isinstance(result, Response):
            return result
        reply = result if isinstance(result, Reply) else Reply(value=result)
        response = json(reply.value, status=self.status, headers=reply.headers)
        if reply.finish is not None:
            reply.finish(response)
        return response
