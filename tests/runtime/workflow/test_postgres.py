"""The same engine on a real database: what survives, who holds a run, and what commits together."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import ExitStack, asynccontextmanager
from dataclasses import replace
from typing import Any

import asyncpg
import pytest

from rung.runtime import embedded
from rung.runtime.bindings import WorkflowBinding
from rung.runtime.context import current, serving_tenant
from rung.runtime.database.database import Database
from rung.runtime.errors import UnavailableError
from rung.runtime.workflow import RunFailedError, Workflow, WorkflowContext, client, install_workflows
from rung.runtime.workflow.driver import Ended
from rung.runtime.workflow.errors import FencedError
from rung.runtime.workflow.executor import Executor, ExecutorSettings
from rung.runtime.workflow.observe import FAILED, WAITING, Observer
from rung.runtime.workflow.postgres.adapter import PostgresStore
from rung.runtime.workflow.postgres.announcements import AT_ONCE
from rung.runtime.workflow.records import Record, Run
from rung.runtime.workflow.store import NewRun
from rung.runtime.workflow.tokens import hash_of, token_of
from rung.runtime.workflow.versions import Handler, versions_of

KEY = b"0123456789abcdef"
SETTINGS = ExecutorSettings(lease_seconds=30.0, poll_seconds=0.2)


class Place:
    """A database with workflow tables, and what opens stores of it."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.stores: list[PostgresStore] = []

    def store(self) -> PostgresStore:
        store = PostgresStore(WorkflowBinding(url=self.url))
        self.stores.append(store)
        return store

    def executor(self, handlers: Mapping[str, Handler], settings: ExecutorSettings = SETTINGS) -> Executor:
        store = self.store()
        versions = {name: versions_of(handler) for name, handler in handlers.items()}
        return Executor(store, versions, settings, wakeup=lambda: store.announcements, key=lambda: KEY)

    @asynccontextmanager
    async def running(self, handlers: Mapping[str, Handler], **options: Any) -> AsyncIterator[Executor]:
        executor = self.executor(handlers, **options)
        task = asyncio.create_task(executor.run())
        try:
            yield executor
        finally:
            executor.stop()
            await task

    def workflow(self, name: str = "flow") -> Workflow:
        return Workflow(name, self.store())


@pytest.fixture
async def place(postgres_url: str) -> AsyncIterator[Place]:
    found = Place(postgres_url)
    yield found
    for store in found.stores:
        await store.close()


@pytest.fixture
async def database(postgres_url: str) -> AsyncIterator[Database]:
    found = Database.from_url(postgres_url)
    await found.execute("create table effect (what text not null)")
    yield found
    await found.close()


async def test_a_run_that_is_started_elsewhere_is_carried_to_its_result(place: Place) -> None:
    async def flow(context: WorkflowContext, given: Any) -> Any:
        first = await context.step("first", lambda: given + 1)
        both = await context.map("both", [1, 2], lambda inner, item: inner.step("add", lambda: first + item))
        await context.sleep(0.01)
        return both

    async with place.running({"flow": flow}):
        run = await place.workflow().start(1)
        assert await run.result(timeout_seconds=20) == [3, 4]
        view = await run.status()
    assert view is not None
    assert view.state == "done"
    assert [each.name for each in view.records] == ["first", "add", "add", "sleep"]


async def test_an_end_in_another_process_is_heard_of(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "POLL_SECONDS", (600.0, 600.0))
    gate, looked, started = asyncio.Event(), asyncio.Event(), place.workflow()
    view = started.store.view

    async def looking(*arguments: Any, **options: Any) -> Any:
        found = await view(*arguments, **options)
        looked.set()
        return found

    monkeypatch.setattr(started.store, "view", looking)

    async def flow(context: WorkflowContext, given: Any) -> Any:
        return await context.step("wait", gate.wait)

    async with place.running({"flow": flow}):
        waiting = asyncio.create_task((await started.start()).result(timeout_seconds=20))
        await looked.wait()
        gate.set()
        assert await waiting is True


async def test_many_ends_at_once_are_heard_of(place: Place) -> None:
    told, heard = place.store().announcements, place.store().announcements
    await heard.listen()
    with ExitStack() as stack:
        news = [stack.enter_context(heard.end_of("flow", str(number))) for number in range(3 * AT_ONCE)]
        another = stack.enter_context(heard.end_of("another", "0"))
        for number in range(3 * AT_ONCE):
            told.announce_end("flow", str(number))
        async with asyncio.timeout(20):
            await asyncio.gather(*(each.wait() for each in news))
        assert not another.is_set()


async def test_start_in_a_transaction_exists_exactly_when_it_commits(place: Place, database: Database) -> None:
    flow = place.workflow()
    async with database.connection() as connection:
        await install_workflows(connection)
    with pytest.raises(ZeroDivisionError):
        await _start_and_fail(flow, database)
    async with database.transaction() as connection:
        kept = await flow.start(1, id="kept", transaction=connection)
        assert kept.is_new
        assert not (await flow.start(2, id="kept", transaction=connection)).is_new
        assert await kept.status() is None
    assert await flow.run("lost").status() is None
    assert (await kept.status()) is not None


async def _start_and_fail(flow: Workflow, database: Database) -> None:
    async with database.transaction() as connection:
        await flow.start(1, id="lost", transaction=connection)
        raise ZeroDivisionError


async def test_a_transaction_step_is_exactly_once_in_effect(place: Place, database: Database) -> None:
    async def charge(connection: Any, amount: int) -> int:
        await connection.execute("insert into effect values ($1)", f"charge {amount}")
        return amount

    async def flow(context: WorkflowContext, given: Any) -> Any:
        return await context.transaction("charge", database, charge, given)

    store = place.store()
    new = NewRun(workflow="flow", id="a", given="7", headers={})
    run = await store.start(new, hold_seconds=30, version="")
    assert run is not None
    # Another process has run the step of the same run already: its record is there, so our effect is rolled back.
    record = Record(path="0", name="charge", kind="transaction", output="7", order=1)
    async with database.transaction() as connection:
        await charge(connection, 7)
        assert await store.record_in(run, record, connection)
    executor = place.executor({"flow": flow})
    executor.begin(run, [])
    await executor.idle()
    assert await database.fetch_value("select count(*) from effect") == 1
    async with place.running({"flow": flow}):
        assert await place.workflow().run("a").result(timeout_seconds=20) == 7
    assert await database.fetch_value("select count(*) from effect") == 1


async def test_an_effect_and_its_record_are_rolled_back_together(place: Place, database: Database) -> None:
    async def charge(connection: Any) -> None:
        await connection.execute("insert into effect values ('charge')")
        raise ValueError("declined")

    async def flow(context: WorkflowContext, given: Any) -> None:
        await context.transaction("charge", database, charge)

    async with place.running({"flow": flow}):
        run = await place.workflow().start()
        with pytest.raises(RunFailedError, match="declined"):
            await run.result(timeout_seconds=20)
    assert await database.fetch_value("select count(*) from effect") == 0


async def test_who_lost_a_run_can_record_nothing_more(place: Place) -> None:
    store = place.store()
    new = NewRun(workflow="flow", id="a", given="null", headers={})
    first = await store.start(new, hold_seconds=0.001, version="")
    assert first is not None
    second = await _claimed(store, lease_seconds=30)
    assert (second.after_loss, second.fence) == (True, first.fence + 1)
    record = Record(path="0", name="s", kind="step", order=1)
    with pytest.raises(FencedError):
        await store.record(first, record)
    with pytest.raises(FencedError):
        await store.end(first, Ended(state="done"))
    with pytest.raises(FencedError):
        await store.take(first, "event:x", record)
    assert await store.extend([first], lease_seconds=30) == []
    await store.record(second, record)
    with pytest.raises(FencedError):  # a record that is there stays as it is
        await store.record(second, record)
    await store.end(second, Ended(state="done", output="1"))
    assert await store.claim({"flow": ""}, limit=10, lease_seconds=30) == []


async def test_executors_share_runs_and_none_runs_twice(place: Place) -> None:
    seen: list[str] = []

    async def flow(context: WorkflowContext, given: Any) -> None:
        await context.step("note", seen.append, context.run_id)

    async with place.running({"flow": flow}), place.running({"flow": flow}):
        runs = [await place.workflow().start(id=str(number)) for number in range(30)]
        for run in runs:
            await run.result(timeout_seconds=20)
    assert sorted(seen, key=int) == [str(number) for number in range(30)]


async def test_approval_wait_survives_restart(place: Place) -> None:
    tokens: list[str] = []

    async def flow(context: WorkflowContext, given: Any) -> Any:
        answer = await context.approval(
            "manager", notify=lambda request: tokens.append(request.token), timeout_seconds=3_600
        )
        return answer.by

    run = await place.workflow().start(id="a")
    async with place.running({"flow": flow}):
        await _until(lambda: bool(tokens))
    view = await run.status()
    assert view is not None
    assert view.state == "waiting"
    store = place.store()
    assert tokens == [token_of(KEY, view.number, "0")]
    async with place.running({"flow": flow}):
        assert await store.decide(hash_of(tokens[0]), approved=True, payload='{"approved":true,"by":"ada"}')
        assert await run.result(timeout_seconds=20) == "ada"
    assert not await store.decide(hash_of(tokens[0]), approved=False, payload='{"approved":false}')
    assert len(tokens) == 1


async def test_a_question_that_nobody_answered_is_asked_anew_when_the_run_is_resumed(place: Place) -> None:
    """With its notice, and with a link that decides: the old one was too late for ever, and the run was parked."""
    tokens: list[str] = []
    patience = [0.05, 3_600.0]

    async def flow(context: WorkflowContext, given: Any) -> Any:
        answer = await context.approval(
            "manager", notify=lambda request: tokens.append(request.token), timeout_seconds=patience[0]
        )
        return answer.by

    run = await place.workflow().start(id="a")
    async with place.running({"flow": flow}):
        with pytest.raises(RunFailedError, match="time is up"):
            await run.result(timeout_seconds=20)
        del patience[0]
        assert await run.resume()
        await _until(lambda: len(tokens) == 2)
        store = place.store()
        assert await store.decide(hash_of(tokens[1]), approved=True, payload='{"approved":true,"by":"ada"}')
        assert await run.result(timeout_seconds=20) == "ada"


async def test_cancel_reaches_a_run_that_another_process_holds(place: Place) -> None:
    began = asyncio.Event()

    async def hang() -> None:
        began.set()
        await asyncio.Event().wait()

    async def flow(context: WorkflowContext, given: Any) -> None:
        await context.step("hang", hang)

    async with place.running({"flow": flow}):
        run = await place.workflow().start()
        await began.wait()
        assert await run.cancel("enough")
        with pytest.raises(RunFailedError, match=r"cancelled.*enough"):
            await run.result(timeout_seconds=20)


async def test_a_parent_gets_the_result_of_its_child(place: Place) -> None:
    async def child(context: WorkflowContext, given: int) -> int:
        return given * 2

    async def flow(context: WorkflowContext, given: Any) -> Any:
        return await context.child("child", 21)

    async with place.running({"flow": flow, "child": child}):
        assert await (await place.workflow().start()).result(timeout_seconds=20) == 42


async def test_tenant_and_correlation_go_with_the_run(place: Place) -> None:
    seen: list[Any] = []

    def note() -> None:
        seen.append((current().tenant, current().correlation_id))

    async def flow(context: WorkflowContext, given: Any) -> None:
        await context.step("note", note)

    with serving_tenant("acme") as context:
        run = await place.workflow().start()
    async with place.running({"flow": flow}):
        await run.result(timeout_seconds=20)
    assert seen == [(context.tenant, context.correlation_id)]


async def test_a_run_that_kills_its_process_again_and_again_is_parked(place: Place) -> None:
    executor, run = place.executor({"flow": _hang}), await place.workflow().start(id="a")
    tasks: list[asyncio.Task[None]] = []
    async with asyncio.timeout(20):
        while (view := await run.status()) is None or view.state != "parked":
            claimed = await executor.store.claim({"flow": ""}, limit=1, lease_seconds=0.1)
            tasks += [executor.begin(each, []) for each in claimed]
            await asyncio.sleep(0.01)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    with pytest.raises(RunFailedError, match="R0537"):
        await run.result(timeout_seconds=5)


async def test_a_loss_that_cannot_be_noted_leaves_the_run_to_the_end_of_its_lease(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(run: Run, *, losses: int, records: int) -> None:
        del run, losses, records
        raise UnavailableError("the database is away")

    await place.workflow().start(id="a")
    executor = place.executor({"flow": _hang})
    monkeypatch.setattr(executor.store, "note_loss", away)
    (run,) = await executor.store.claim({"flow": ""}, limit=1, lease_seconds=30.0)
    await executor.begin(replace(run, after_loss=True), [])


async def _hang(context: WorkflowContext, given: Any) -> None:
    await asyncio.Event().wait()


async def test_a_drain_lets_the_step_end_and_gives_the_run_back(place: Place) -> None:
    began, go_on, done = asyncio.Event(), asyncio.Event(), []

    async def slow() -> None:
        began.set()
        await go_on.wait()
        done.append("first")

    async def flow(context: WorkflowContext, given: Any) -> str:
        await context.step("first", slow)
        await context.step("second", done.append, "second")
        return "end"

    run = await place.workflow().start(id="a")
    executor = place.executor({"flow": flow})
    task = asyncio.create_task(executor.run())
    await began.wait()
    executor.stop()
    await asyncio.sleep(0)
    go_on.set()
    await task
    assert done == ["first"]
    async with place.running({"flow": flow}):
        assert await run.result(timeout_seconds=20) == "end"
    assert done == ["first", "second"]


async def test_a_drain_begins_while_every_place_is_taken_by_a_long_step(place: Place) -> None:
    """Who is told to end has half a minute, and not as long as the shortest of the steps that run."""
    began = asyncio.Event()

    async def long() -> None:
        began.set()
        await asyncio.Event().wait()

    async def flow(context: WorkflowContext, given: Any) -> None:
        await context.step("long", long)

    await place.workflow().start(id="a")
    settings = ExecutorSettings(concurrency=1, poll_seconds=0.2, drain_seconds=0.05)
    executor = place.executor({"flow": flow}, settings)
    task = asyncio.create_task(executor.run())
    await began.wait()
    await asyncio.sleep(0)
    executor.stop()
    async with asyncio.timeout(20):
        await task


async def test_a_serving_role_runs_workflows_and_changes_no_table(place: Place, postgres_url: str) -> None:
    connection = await asyncpg.connect(postgres_url)
    await connection.execute("create role workflow_server")
    try:
        await install_workflows(connection, roles=["workflow_server"])
        await connection.execute("set role workflow_server")
        assert await connection.fetchval("select count(*) from rung.workflow_run") == 0
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute("truncate rung.workflow_run")
    finally:
        await connection.execute("reset role")
        await connection.execute("drop owned by workflow_server")
        await connection.execute("drop role workflow_server")
        await connection.close()


async def test_runs_that_ended_long_ago_are_forgotten(place: Place) -> None:
    store = place.store()
    run = await store.start(NewRun(workflow="flow", id="a", given="1", headers={}), hold_seconds=30, version="")
    assert run is not None
    await store.record(run, Record(path="0", name="s", kind="step", order=1))
    await store.end(run, Ended(state="done"))
    assert await store.forget(retention_seconds=60) == 0
    assert await store.forget(retention_seconds=-60) == 1
    assert await store.view("flow", "a") is None


async def test_all_that_is_too_old_is_forgotten_at_once(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """A thousand a minute would be 16 runs a second, and a table that grows for ever above that."""
    executor, left = place.executor({}), [1_000, 1_000, 7]

    async def forget(*, retention_seconds: float) -> int:
        del retention_seconds
        return left.pop(0)

    monkeypatch.setattr(executor.store, "forget", forget)
    await executor._forget()
    assert left == []


async def _claimed(store: PostgresStore, *, lease_seconds: float) -> Run:
    """The one run that is due, as soon as its lease has ended."""
    async with asyncio.timeout(20):
        while not (found := await store.claim({"flow": ""}, limit=10, lease_seconds=lease_seconds)):  # noqa: ASYNC110
            await asyncio.sleep(0.005)
    return found[0]


async def _until(condition: Any) -> None:
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110 - it is another task's list
            await asyncio.sleep(0.01)


async def test_how_long_a_run_waits_for_a_process_is_known(place: Place) -> None:
    """What is held, what rests, and what ended is nobody's wait."""
    store = place.store()
    workflow = place.workflow()
    assert await store.oldest_due_seconds(["flow"]) == 0.0
    await workflow.start(1, id="first")
    await store.fetch("update rung.workflow_run set wake_at = now() - interval '90 s'")
    assert 90.0 <= await store.oldest_due_seconds(["flow", "another"]) < 150.0
    assert await store.oldest_due_seconds(["another"]) == 0.0
    await store.claim({"flow": ""}, limit=1, lease_seconds=30)
    assert await store.oldest_due_seconds(["flow"]) == 0.0


async def test_failed_runs_are_told_once_and_cancelled_ones_are_none(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], place: Place
) -> None:
    monkeypatch.setenv(embedded.VARIABLE, embedded.WANTED)
    observer = Observer("flow")
    (run,) = [await place.store().start(NewRun(workflow="flow", id="1", given="1", headers={}))]
    assert run is not None
    for state in ("failed", "cancelled", "parked", "done"):
        observer.ended(run, Ended(state=state))  # type: ignore[arg-type]
    capsys.readouterr()
    observer.tell(1.25)
    observer.tell(0.0)
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines() if "_aws" in line]
    assert [(each[FAILED], each[WAITING]) for each in told] == [(2.0, 1.25), (0.0, 0.0)]
