"""A machine that tries to reach one tenant's things as another, through whatever channels an application has.

Hypothesis decides who makes what, who asks for whose, and which accident happens in between; every thing carries
a word that nobody can guess. A word that is seen by anybody but its tenant is a way across. So the machine needs
to know nothing about an application but how it is called:

    class ShopMachine(CrossTenantMachine):
        kinds = ("order",)
        async def open(self): self.database, self.app = ...
        async def make(self, tenant, kind, word): return the id of a new thing of `tenant` that contains `word`
        async def read_own(self, tenant, thing): return text in which its own tenant sees the word
        def attempts_on(self, thing): return every (name, coroutine function of the tenant who tries) there is
        async def close(self): await self.database.close()

Each attempt returns a `Reply`: what came back, its status where it has one. For another tenant's thing that has to
be 404 and not 403, which would tell that the thing is there; without any tenant, anything but success.
"""

from __future__ import annotations

import asyncio
import random
import secrets
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from rung.errors import ApplicationError
from rung.runtime.context import serving_tenant
from rung.runtime.database.database import Database
from rung.runtime.errors import OverloadedError

#: Attempts that run at once: more than a small pool has connections, so that these change hands all the time.
CROWD = 24
#: Runs in which Hypothesis has nobody reach for anything; so many in a row mean that there is nothing to reach.
IDLE_MAX = 10
#: Under a crowd a pool refuses: no answer, and no way across.
BUSY = 503
PATIENCE = 20
ACCIDENTS = ("error", "arguments", "exception", "cancelled", "timeout", "nested")


@dataclass(frozen=True, slots=True, kw_only=True)
class Thing:
    """One thing that the machine has made."""

    tenant: str
    kind: str
    id: str
    word: str


@dataclass(frozen=True, slots=True)
class Reply:
    """What an attempt brought: everything that its caller can see. `status`: of HTTP, where it has one."""

    text: str
    status: int | None = None


#: An attempt, given the tenant who tries; None: nobody is signed in.
Attempt = Callable[[str | None], Awaitable[Reply]]


class CrossTenantMachine(RuleBasedStateMachine):
    """Subclass it: see the module. One event loop for each run, one word for each thing."""

    tenants: ClassVar[Sequence[str]] = ("acme", "globex", "initech-3")
    kinds: ClassVar[Sequence[str]] = ("thing",)
    #: Statuses that another tenant's thing may be answered with, and those of a caller without a tenant.
    refused: ClassVar[frozenset[int]] = frozenset({404})
    anonymous: ClassVar[frozenset[int]] = frozenset({401, 404})
    #: For the accidents: the database as the serving role, with a small pool. Set it in `open`.
    database: Database | None = None
    attempts: ClassVar[int] = 0
    things_max: ClassVar[int] = 12
    #: What was found, in words: kept here, since what one run of a crowd shows, the next may not.
    ways: ClassVar[tuple[str, ...]] = ()

    def __init__(self) -> None:
        super().__init__()
        self.things: list[Thing] = []
        self._runner = asyncio.Runner()
        self._run(self.open())
        for tenant in range(len(self.tenants)):
            for kind in range(len(self.kinds)):
                self.make_a_thing(tenant, kind)

    async def open(self) -> None:
        """Make the application ready, empty of things of earlier runs."""

    async def close(self) -> None:
        """End what `open` began."""

    async def make(self, tenant: str, kind: str, word: str) -> str:
        """Have `tenant` make a thing of this kind that contains `word`; its id."""
        raise AssertionError(f"{type(self).__name__} needs make()")

    async def read_own(self, thing: Thing) -> str:
        """What the thing's own tenant sees of it: the machine checks that nobody changed it."""
        raise AssertionError(f"{type(self).__name__} needs read_own()")

    def attempts_on(self, thing: Thing) -> Sequence[tuple[str, Attempt]]:
        """Every way to reach for the thing, each with a name: routes, lists, cache, jobs, sockets."""
        raise AssertionError(f"{type(self).__name__} needs attempts_on()")

    def teardown(self) -> None:
        """Close what was opened; called by Hypothesis after each run."""
        try:
            self._run(self.close())
        finally:
            self._runner.close()

    def _run(self, coroutine: Any) -> Any:
        return self._runner.run(coroutine)

    @rule(tenant=st.integers(0, 99), kind=st.integers(0, 99))
    def somebody_makes_something(self, tenant: int, kind: int) -> None:
        """In whatever state the connections are now."""
        self.make_a_thing(tenant, kind)

    def make_a_thing(self, tenant: int, kind: int) -> None:
        """For the tenant and of the kind of these numbers. The oldest is forgotten where there are many."""
        owner = self.tenants[tenant % len(self.tenants)]
        what = self.kinds[kind % len(self.kinds)]
        word = f"word{secrets.token_hex(8)}"
        identity = self._run(_patiently(lambda: self.make(owner, what, word)))
        self.things = [*self.things, Thing(tenant=owner, kind=what, id=identity, word=word)][-self.things_max :]

    @rule(seed=st.integers(0, 2**32 - 1))
    def everybody_reaches_for_everything(self, seed: int) -> None:
        """Every tenant, and nobody, tries every way to every thing; many at once, in any order."""
        tried = [
            (thing, who, name, attempt)
            for thing in self.things
            for name, attempt in self.attempts_on(thing)
            for who in (*self.tenants, None)
        ]
        random.Random(seed).shuffle(tried)
        for start in range(0, len(tried), CROWD):
            self._run(self._crowd(tried[start : start + CROWD]))

    async def _crowd(self, tried: Sequence[tuple[Thing, str | None, str, Attempt]]) -> None:
        outcomes = await asyncio.gather(*(self._try(*each) for each in tried), return_exceptions=True)
        for outcome in outcomes:
            if isinstance(outcome, BaseException):
                raise outcome

    async def _try(self, thing: Thing, who: str | None, name: str, attempt: Attempt) -> None:
        type(self).attempts += 1
        try:
            reply = await attempt(who)
        except ApplicationError as error:  # the application was told no: what it would answer is its text
            reply = Reply(str(error))
        foreign = [each for each in self.things if each.tenant != who and each.word in reply.text]
        if foreign:
            self._found(f"{name}: {who} sees {foreign[0].kind} {foreign[0].id} of {foreign[0].tenant}")
        allowed = self.anonymous if who is None else self.refused
        if reply.status is not None and who != thing.tenant and reply.status not in {*allowed, BUSY}:
            what = f"{name}: {who} asks for {thing.kind} {thing.id} of {thing.tenant}"
            self._found(f"{what} and is answered {reply.status}")

    def _found(self, way: str) -> None:
        type(self).ways = (*self.ways, way)
        raise AssertionError(way)

    @rule(tenant=st.integers(0, 99), accident=st.sampled_from(ACCIDENTS))
    def have_an_accident(self, tenant: int, accident: str) -> None:
        """Something fails on a connection that the next tenant will be given."""
        if self.database is not None:
            self._run(_accident(self.database, self.tenants[tenant % len(self.tenants)], accident))

    @rule()
    def everybody_still_has_what_was_made(self) -> None:
        """No attempt has changed or removed what belongs to another."""
        for thing in self.things:
            if thing.word not in self._run(_patiently(partial(self.read_own, thing))):
                self._found(f"{thing.kind} {thing.id} of {thing.tenant} was changed by another tenant")

    @invariant()
    def connections_are_nobodys(self) -> None:
        """No idle connection remembers a tenant."""
        if self.database is not None:
            database = self.database
            assert not self._run(_patiently(lambda: _remembered(database)))


async def _patiently(call: Callable[[], Awaitable[str]]) -> str:
    """What the machine itself needs to know is asked again when the pool is full after an accident."""
    for _ in range(PATIENCE):
        try:
            return await call()
        except OverloadedError as error:
            await asyncio.sleep(error.retry_after_seconds / 10)
    return await call()


async def _accident(database: Database, tenant: str, accident: str) -> None:
    with serving_tenant(tenant):
        await asyncio.gather(_cause(database, accident), return_exceptions=True)


async def _cause(database: Database, accident: str) -> None:
    match accident:
        case "error":
            await database.fetch("select 1 / 0")
        case "arguments":
            await database.fetch("select $1::int", "not a number")
        case "timeout":
            async with database.transaction() as connection:
                await connection.execute("set local statement_timeout = 1; select pg_sleep(5)")
        case "nested":
            async with database.transaction() as connection, connection.transaction():
                await connection.execute("no such statement")
        case "cancelled":
            task = asyncio.create_task(database.fetch("select pg_sleep(5)"))
            await asyncio.sleep(0.002)
            task.cancel()
            await task
        case _:
            async with database.transaction():
                raise ZeroDivisionError


async def _remembered(database: Database) -> str:
    async with database.connection() as one, database.connection() as two:
        sql = "select coalesce(current_setting('app.tenant_id', true), '')"
        return str(await one.fetchval(sql)) + str(await two.fetchval(sql))


def search(machine: type[CrossTenantMachine], *, attempts: int = 10_000, steps: int = 30) -> int:
    """Run the machine, from the start again and again, until it has made so many attempts; how many it made.

    Raises AssertionError with the first way across that is found, and Hypothesis prints the steps that led there.
    A machine that makes no attempts at all fails too.
    """
    began, idle = machine.attempts, 0
    quick = settings(
        max_examples=5,
        stateful_step_count=steps,
        deadline=None,
        database=None,
        # Attempts run concurrently: a run that is shortened would be another run, and take as long.
        phases=(Phase.generate,),
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
    )
    while machine.attempts - began < attempts:
        before = machine.attempts
        try:
            run_state_machine_as_test(machine, settings=quick)
        except Exception as error:
            if machine.ways:
                raise AssertionError(machine.ways[0]) from error
            raise
        idle = 0 if machine.attempts > before else idle + 1
        assert idle < IDLE_MAX, "the machine made no attempt: are there tenants and ways to their things?"
    return machine.attempts - began
