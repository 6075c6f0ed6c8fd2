"""The engine without a database: waits, children, ends before the end, versions, what a replay may not do."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from rung.runtime.workflow import (
    RunFailedError,
    StepFailedError,
    Versions,
    WaitTimeoutError,
    WorkflowContext,
)
from rung.testing.workflows import WorkflowRunner


class Effects(list[str]):
    """What was done, in order; `failing` names what raises, once."""

    def __init__(self, *failing: str) -> None:
        self.failing = list(failing)

    def do(self, name: str) -> str:
        self.append(name)
        if name in self.failing:
            self.failing.remove(name)
            raise ValueError(f"{name} declined")
        return f"{name} done"


async def test_an_event_may_come_before_it_is_waited_for_and_is_taken_once() -> None:
    async def flow(context: WorkflowContext, given: Any) -> Any:
        first = await context.wait_for_event("paid")
        try:
            await context.wait_for_event("paid", timeout_seconds=60)
        except WaitTimeoutError:
            return [first, "no second"]
        return "twice"

    runner = WorkflowRunner({"flow": flow})
    run = await runner.start("flow")
    assert await run.signal("paid", {"amount": 5})
    await runner.settle(until=runner.clock.now() + timedelta(seconds=61))
    assert await runner.result(run) == [{"amount": 5}, "no second"]
    assert not await run.signal("paid")


async def test_an_event_wakes_a_run_that_waits_for_it() -> None:
    async def flow(context: WorkflowContext, given: Any) -> Any:
        return await context.wait_for_event("paid")

    runner = WorkflowRunner({"flow": flow})
    run = await runner.start("flow")
    await runner.settle()
    with pytest.raises(AssertionError, match="waits for event 'paid'"):
        await runner.result(run)
    await run.signal("paid", 5)
    assert await runner.result(run) == 5


async def test_an_approval_is_asked_once_and_answered_once() -> None:
    mails: list[str] = []

    async def flow(context: WorkflowContext, given: Any) -> Any:
        answer = await context.approval(
            "manager",
            notify=lambda request: mails.append(request.url("https://a.example/ok/")),
            timeout_seconds=3_600,
        )
        return [answer.approved, answer.by]

    runner = WorkflowRunner({"flow": flow})
    run = await runner.start("flow")
    await runner.settle()
    runner.crash()
    await runner.settle()
    (mail_sent,) = mails
    assert mail_sent.startswith("https://a.example/ok/")
    assert await runner.approve(run, "manager", approved=False, by="ada")
    assert not await runner.approve(run, "manager")
    assert await runner.result(run) == [False, "ada"]


async def test_an_approval_that_nobody_gives_times_out() -> None:
    async def flow(context: WorkflowContext, given: Any) -> Any:
        try:
            return await context.approval("manager", notify=lambda request: None, timeout_seconds=3_600)
        except WaitTimeoutError:
            return "too late"

    runner = WorkflowRunner({"flow": flow})
    run = await runner.start("flow")
    await runner.settle(until=runner.clock.now() + timedelta(hours=2))
    assert await runner.result(run) == "too late"
    assert not await runner.approve(run, "manager")


async def test_a_child_gives_its_result_and_its_failure() -> None:
    async def child(context: WorkflowContext, given: int) -> int:
        await context.sleep(60)
        if given < 0:
            raise ValueError("negative")
        return given * 2

    async def flow(context: WorkflowContext, given: Any) -> Any:
        good = await context.child("child", 4)
        try:
            await context.child("child", -4)
        except StepFailedError as error:
            return [good, str(error.failure)]

    runner = WorkflowRunner({"flow": flow, "child": child})
    assert await runner.result(await runner.start("flow")) == [8, "ValueError: negative"]


async def test_cancel_stops_a_wait_undoes_and_ends_children() -> None:
    done = Effects()

    async def child(context: WorkflowContext, given: Any) -> None:
        await context.step("inner", done.do, "inner", compensate=lambda _: done.do("undo inner"))
        await context.wait_for_event("never")

    async def flow(context: WorkflowContext, given: Any) -> None:
        await context.step("outer", done.do, "outer", compensate=lambda _: done.do("undo outer"))
        await context.child("child")

    runner = WorkflowRunner({"flow": flow, "child": child})
    run = await runner.start("flow")
    await runner.settle()
    assert await run.cancel("the customer left")
    with pytest.raises(RunFailedError, match="cancelled: CancelledError: the customer left"):
        await runner.result(run)
    assert sorted(done) == ["inner", "outer", "undo inner", "undo outer"]
    assert not await run.cancel("again")


async def test_the_deadline_ends_a_run_that_waits_and_undoes() -> None:
    done = Effects()

    async def flow(context: WorkflowContext, given: Any) -> None:
        await context.step("reserve", done.do, "reserve", compensate=lambda _: done.do("release"))
        await context.wait_for_event("never")

    runner = WorkflowRunner({"flow": flow})
    run = await runner.start("flow", deadline_seconds=600)
    await runner.settle(until=runner.clock.now() + timedelta(seconds=601))
    with pytest.raises(RunFailedError, match="DeadlineExceededError"):
        await runner.result(run)
    assert done == ["reserve", "release"]


async def test_a_step_ends_at_its_timeout() -> None:
    async def flow(context: WorkflowContext, given: Any) -> None:
        await context.step("hang", asyncio.sleep, 3_600, timeout_seconds=0.01)

    runner = WorkflowRunner({"flow": flow})
    run = await runner.start("flow")
    with pytest.raises(RunFailedError, match="TimeoutError"):
        await runner.result(run)


async def test_nondeterminism_is_detected_and_the_run_is_parked() -> None:
    done = Effects()

    async def old(context: WorkflowContext, given: Any) -> None:
        await context.step("reserve", done.do, "reserve")
        await context.sleep(60)

    async def new(context: WorkflowContext, given: Any) -> str:
        await context.step("check stock", done.do, "check")
        return "new"

    runner = WorkflowRunner({"flow": old})
    run = await runner.start("flow")
    await runner.settle(until=runner.clock.now())
    runner.replace({"flow": new})
    with pytest.raises(RunFailedError, match=r"parked.*R0531.*step 'reserve'.*step 'check stock'"):
        await runner.result(run)
    assert done == ["reserve"]
    runner.replace({"flow": old})
    assert await run.resume()
    assert await runner.result(run) is None


async def test_code_that_returns_before_its_history_is_nondeterminism_too() -> None:
    async def old(context: WorkflowContext, given: Any) -> None:
        await context.step("reserve", lambda: None)
        await context.sleep(60)

    async def new(context: WorkflowContext, given: Any) -> None:
        return None

    runner = WorkflowRunner({"flow": old})
    run = await runner.start("flow")
    await runner.settle(until=runner.clock.now())
    runner.replace({"flow": new})
    with pytest.raises(RunFailedError, match=r"R0531.*nothing: it has returned"):
        await runner.result(run)


async def test_an_old_run_goes_round_a_change_and_a_new_one_takes_it() -> None:
    async def old(context: WorkflowContext, given: Any) -> list[str]:
        steps = [await context.step("reserve", lambda: "reserve")]
        await context.sleep(60)
        return steps

    async def new(context: WorkflowContext, given: Any) -> list[str]:
        steps = []
        if await context.version("check-stock"):
            steps.append(await context.step("check", lambda: "check"))
        steps.append(await context.step("reserve", lambda: "reserve"))
        await context.sleep(60)
        return steps

    runner = WorkflowRunner({"flow": old})
    run = await runner.start("flow")
    await runner.settle(until=runner.clock.now())
    runner.replace({"flow": new})
    assert await runner.result(run) == ["reserve"]
    assert await runner.result(await runner.start("flow")) == ["check", "reserve"]


async def test_a_run_follows_the_version_that_it_began_with() -> None:
    async def one(context: WorkflowContext, given: Any) -> str:
        await context.sleep(60)
        return "one"

    async def two(context: WorkflowContext, given: Any) -> str:
        return "two"

    runner = WorkflowRunner({"flow": Versions({"1": one})})
    run, gone = await runner.start("flow"), await runner.start("flow")
    await runner.settle(until=runner.clock.now())
    runner.replace({"flow": Versions({"1": one, "2": two})})
    assert await runner.result(await runner.start("flow")) == "two"
    assert await runner.result(run) == "one"
    assert await gone.result(timeout_seconds=1) == "one"

    late = WorkflowRunner({"flow": Versions({"1": one})})
    left = await late.start("flow")
    await late.settle(until=late.clock.now())
    late.replace({"flow": Versions({"2": two})})
    with pytest.raises(RunFailedError, match="R0532"):
        await late.result(left)
    assert await left.resume(from_step="sleep", newest_version=True)
    assert await late.result(left) == "two"


async def test_resume_from_a_step_does_it_and_what_follows_again() -> None:
    done = Effects("ship")

    async def flow(context: WorkflowContext, given: Any) -> str:
        await context.step("charge", done.do, "charge")
        return str(await context.step("ship", done.do, "ship"))

    runner = WorkflowRunner({"flow": flow})
    run = await runner.start("flow")
    with pytest.raises(RunFailedError):
        await runner.result(run)
    with pytest.raises(LookupError, match="no step 'pack'"):
        await run.resume(from_step="pack")
    assert await run.resume()
    assert await runner.result(run) == "ship done"
    assert done == ["charge", "ship", "ship"]
    assert not await run.resume()


async def test_resume_asks_a_question_anew_that_nobody_answered_in_time() -> None:
    requests: list[Any] = []

    async def flow(context: WorkflowContext, given: Any) -> bool:
        answer = await context.approval("manager", notify=requests.append, timeout_seconds=3_600)
        return answer.approved

    runner = WorkflowRunner({"flow": flow})
    run = await runner.start("flow")
    await runner.settle(until=runner.clock.now() + timedelta(hours=2))
    with pytest.raises(RunFailedError, match="time is up"):
        await runner.result(run)
    assert await run.resume()
    await runner.settle()
    assert len(requests) == 2
    assert await runner.approve(run, "manager")
    assert not await runner.approve(run, "manager")
    assert await runner.result(run) is True


async def test_the_same_id_twice_is_the_same_run() -> None:
    done = Effects()

    async def flow(context: WorkflowContext, given: Any) -> Any:
        return await context.step("charge", done.do, given)

    runner = WorkflowRunner({"flow": flow})
    first = await runner.start("flow", "a", id="order-7")
    second = await runner.start("flow", "b", id="order-7")
    assert (first.is_new, second.is_new) == (True, False)
    assert await runner.result(second) == "a done"
    assert (await runner.start("flow", "c", id="order-7")).is_new is False
    assert done == ["a"]
