"""No way across: every other organisation, and nobody, tries every route, in any order and after accidents."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import pytest
import pytest_asyncio

from rung.testing.tenancy import CrossTenantMachine, Reply, Thing, assert_isolated, search

NAMES = ("Acme", "Globex", "Initech")
LETTER = {"html": "<p>Hello</p>", "recipients": [{"email": "ada@readers.example"}]}

#: How each kind of thing is made, where the word goes, and every route that takes its id.
MAKE: dict[str, tuple[str, Any]] = {
    "template": ("templates", lambda word: {"name": word, "subject": word, "html": "<p>x</p>"}),
    "mail": ("mails", lambda word: {**LETTER, "subject": word}),
    "later": ("mails", lambda word: {**LETTER, "subject": word, "kind": "campaign", "campaign": word}),
    "suppression": ("suppressions", lambda word: {"email": f"{word}@readers.example"}),
    "webhook": ("webhooks", lambda word: {"url": f"https://{word}.example/hook"}),
    "key": ("keys", lambda word: {"name": word, "scopes": ["mails:read"]}),
}
LISTS = (
    "templates", "mails", "campaigns", "suppressions", "webhooks", "keys", "audit", "members", "invitations",
    "export", "operations", "billing", "residency", "",
)  # fmt: skip
#: method, path below the organisation, body
ROUTES: dict[str, tuple[tuple[str, str, Any], ...]] = {
    "template": (
        ("GET", "templates/{id}", None),
        ("PUT", "templates/{id}", {"name": "mine", "subject": "s", "html": "h"}),
        ("DELETE", "templates/{id}", None),
        ("POST", "mails", {"template_id": "{id}", "recipients": [{"email": "a@readers.example"}]}),
    ),
    "mail": (("GET", "mails/{id}", None),),
    "later": (("GET", "mails/{id}", None), ("DELETE", "mails/{id}", None)),
    "suppression": (("DELETE", "suppressions/{id}", None),),
    "webhook": (
        ("GET", "webhooks/{id}/deliveries", None),
        ("PATCH", "webhooks/{id}", {"enabled": False}),
        ("POST", "webhooks/{id}/rotate", None),
        ("DELETE", "webhooks/{id}", None),
    ),
    "key": (("DELETE", "keys/{id}", None),),
}
KINDS = tuple(MAKE)


class TrackMachine(CrossTenantMachine):
    """Three organisations of one track; every attempt is an HTTP request."""

    kinds = KINDS
    track: ClassVar[Any] = None

    async def open(self) -> None:
        from track.resources import db

        self.database = db
        self.browsers: dict[str | None, Any] = {None: self.track.browser()}
        for name in NAMES:
            office = await self.track.office(name)
            self.browsers[office.id] = office.owner
        self.tenants = tuple(each for each in self.browsers if each is not None)  # type: ignore[misc]

    async def close(self) -> None:
        await _close()

    async def make(self, tenant: str, kind: str, word: str) -> str:
        path, body = MAKE[kind]
        answer = await self._ask(tenant, "POST", f"/api/organisations/{tenant}/{path}", body(word))
        assert answer.status in (201, 202), answer.body
        found = answer.json
        match kind:
            case "mail" | "later":
                return str(found["mails"][0]["id"])
            case "suppression":
                return str(found["email"])
            case "key":
                return str(found["key"]["id"])
            case _:
                return str(found["id"])

    async def read_own(self, thing: Thing) -> str:
        path, _ = MAKE[thing.kind]
        answer = await self._ask(thing.tenant, "GET", f"/api/organisations/{thing.tenant}/{path}?limit=200")
        return str(answer.body.decode())

    def attempts_on(self, thing: Thing) -> Sequence[tuple[str, Any]]:
        found = [(f"list {path}", self._list(path, thing)) for path in LISTS]
        found += [
            (f"{method} {path}", self._reach(method, path, body, thing, foreign=foreign))
            for method, path, body in ROUTES[thing.kind]
            for foreign in (True, False)
        ]
        return found

    def _list(self, path: str, thing: Thing) -> Any:
        """A list of the owner's organisation, and the same list of one's own."""

        async def attempt(who: str | None) -> Reply:
            answer = await self._ask(who, "GET", f"/api/organisations/{thing.tenant}/{path}".rstrip("/"))
            text = answer.body.decode()
            if who is not None and who != thing.tenant:
                own = await self._ask(who, "GET", f"/api/organisations/{who}/{path}".rstrip("/"))
                text += own.body.decode()
            return Reply(text, answer.status)

        return attempt

    def _reach(self, method: str, path: str, body: Any, thing: Thing, *, foreign: bool) -> Any:
        """The thing by its id: under its owner's organisation (`foreign`), and under one's own."""

        async def attempt(who: str | None) -> Reply:
            if who == thing.tenant and method != "GET":
                return Reply("")
            place = thing.tenant if foreign or who is None else who
            given = body if body is None else {
                name: value.replace("{id}", thing.id) if isinstance(value, str) else value
                for name, value in body.items()
            }  # fmt: skip
            target = f"/api/organisations/{place}/{path.format(id=thing.id)}"
            answer = await self._ask(who, method, target, given)
            return Reply(answer.body.decode(), answer.status)

        return attempt

    async def _ask(self, who: str | None, method: str, path: str, body: Any = None) -> Any:
        from rung.runtime.errors import OverloadedError
        from track.problems import Problem

        try:
            return await self.browsers[who].request(method, path, body)
        except OverloadedError as error:  # the server in front of the application answers this as 503
            return await _refused(Problem(503, "overloaded", str(error)))


async def _refused(problem: Any) -> Any:
    from track.problems import answer

    response = await answer(None, problem)

    class _Answer:
        status = response.status_code
        body = bytes(response.body)

    return _Answer


def _search(url: str, attempts: int) -> None:
    class Offices:
        """What the machine needs of `Track`, without a connection of another loop."""

        browser = staticmethod(lambda: _conftest().Browser())

        @staticmethod
        async def office(name: str) -> Any:
            return await _conftest().Track(url=url, behind=None).office(name)

    TrackMachine.track = Offices
    assert search(TrackMachine, attempts=attempts, steps=12) >= attempts


async def _close() -> None:
    """Everything that this loop has opened: the next run has another loop."""
    from rung.runtime import lifespan
    from track.resources import deliveries_queue, outgoing, store, stripe_events

    for queue in (outgoing, stripe_events, deliveries_queue):
        await queue.close()
    await lifespan.close_all()
    await store.connection.close()


@pytest_asyncio.fixture(loop_scope="session")
async def alone(track: Any) -> str:
    """The machine has event loops of its own: what the other tests have opened is closed before."""
    await _close()
    return str(track.url)


def _conftest() -> Any:
    import sys

    return next(module for name, module in sys.modules.items() if name.endswith("track.tests.conftest"))


@pytest.mark.timeout(120)
def test_no_organisation_reaches_anything_of_another(alone: str) -> None:
    _search(alone, 500)


@pytest.mark.soak
def test_no_organisation_reaches_anything_of_another_in_a_hundred_thousand_attempts(
    track_environment: str,
) -> None:
    _search(track_environment, 100_000)


async def test_the_catalogue_keeps_tenants_apart(track: Any) -> None:
    await assert_isolated(track.url, serving_role="track_app")
