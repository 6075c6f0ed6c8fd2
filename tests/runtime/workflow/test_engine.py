"""The engine without a database: steps, retries, branches, undoing, and the keys that make effects single."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from rung.runtime.workflow import (
    Failure,
    Retry,
    RunFailedError,
    StepFailedError,
    WorkflowContext,
    current_attempt,
)
from rung.testing.workflows import WorkflowRunner

QUICK = Retry(max_attempts=4, initial_seconds=10.0, multiplier=2.0)


class DeclinedError(ValueError):
    """A card was declined."""


class Effects(list[str]):
    """What was done, in order; `failing` names what raises, and how often."""

    def __init__(self, **failing: int) -> None:
        self.failing = failing

    def do(self, name: str) -> str:
        self.append(name)
        if self.failing.get(name, 0) > 0:
            self.failing[name] -= 1
            raise DeclinedError(f"{name} declined")
        return f"{name} done"


async def finish(handler: Any, given: Any = None, **options: Any) -> Any:
    runner = WorkflowRunner({"flow": handler})
    return await runner.result(await runner.start("flow", given, **options))


async def test_results_of_steps_are_json_and_the_same_after_a_replay() -> None:
    seen: list[Any] = []

    async def flow(context: WorkflowContext, given: Any) -> Any:
        seen.append(await context.step("pair", lambda: (1, {"a": 2})))
        await context.sleep(60)
        return given

    assert await finish(flow, {"tenant": 7}) == {"tenant": 7}
    assert seen == [[1, {"a": 2}], [1, {"a": 2}]]


async def test_a_step_that_is_done_is_not_done_again_after_a_wait() -> None:
    done = Effects()

    async def flow(context: WorkflowContext, given: Any) -> str:
        await context.step("first", done.do, "first")
        await context.sleep(3 * 86_400)
        return str(await context.step("second", done.do, "second"))

    runner = WorkflowRunner({"flow": flow})
    began = runner.clock.now()
    assert await runner.result(await runner.start("flow", deadline_seconds=10 * 86_400)) == "second done"
    assert done == ["first", "second"]
    assert runner.clock.now() - began == timedelta(days=3)


async def test_retry_with_backoff_then_catch() -> None:
    done = Effects(charge=9)
    runner = WorkflowRunner({"flow": _charging(done, catch=True)})
    run = await runner.start("flow")
    assert await runner.result(run) == "DeclinedError: charge declined"
    assert done == ["charge"] * 4
    # Full jitter: three rests, each between nothing and its bound (10, 20, 40 s).
    assert 0 < runner.clock.monotonic() <= 70


def _charging(done: Effects, *, catch: bool) -> Any:
    handlers = {ValueError: str} if catch else None

    async def flow(context: WorkflowContext, given: Any) -> Any:
        return await context.step("charge", done.do, "charge", retry=QUICK, catch=handlers)

    return flow


async def test_retry_stops_at_the_first_success_and_at_errors_it_is_not_for() -> None:
    done = Effects(charge=2)
    assert await finish(_charging(done, catch=False)) == "charge done"
    assert done == ["charge"] * 3

    async def flow(context: WorkflowContext, given: Any) -> None:
        await context.step("charge", again.do, "charge", retry=Retry(never=(DeclinedError,)))

    again = Effects(charge=9)
    with pytest.raises(RunFailedError, match="DeclinedError: charge declined"):
        await finish(flow)
    assert again == ["charge"]


async def test_backoff_is_not_begun_anew_by_a_crash() -> None:
    done = Effects(charge=9)
    runner = WorkflowRunner({"flow": _charging(done, catch=True)})
    run = await runner.start("flow")
    claimed = await runner.store.claim({"flow": ""}, limit=1, lease_seconds=1)
    runner.crash()
    assert len(claimed) == 1
    assert await runner.result(run) == "DeclinedError: charge declined"
    assert done == ["charge"] * 4


async def test_a_failed_step_raises_the_same_after_a_replay() -> None:
    kinds: list[bool] = []

    async def flow(context: WorkflowContext, given: Any) -> str:
        try:
            await context.step("charge", Effects(charge=1).do, "charge")
        except StepFailedError as error:
            kinds.append(error.is_a(ValueError) and error.is_a("DeclinedError") and not error.is_a(KeyError))
        await context.sleep(60)
        return "went on"

    assert await finish(flow) == "went on"
    assert kinds == [True, True]


async def test_saga_undoes_what_is_done_the_latest_first() -> None:
    done = Effects(ship=1)

    async def flow(context: WorkflowContext, given: Any) -> None:
        await context.step("reserve", done.do, "reserve", compensate=lambda result: done.do(f"release {result}"))
        await context.sleep(60)
        await context.step("charge", done.do, "charge", compensate=lambda result: done.do(f"refund {result}"))
        await context.step("look", done.do, "look")
        await context.step("ship", done.do, "ship", compensate=lambda result: done.do("never"))

    with pytest.raises(RunFailedError, match="DeclinedError: ship declined"):
        await finish(flow)
    assert done == ["reserve", "charge", "look", "ship", "refund charge done", "release reserve done"]


async def test_undoing_is_tried_again_and_not_repeated_after_a_wait() -> None:
    done = Effects(ship=1, refund=2)

    async def flow(context: WorkflowContext, given: Any) -> None:
        await context.step("reserve", done.do, "reserve", compensate=lambda _: done.do("release"))
        await context.step("charge", done.do, "charge", compensate=lambda _: done.do("refund"))
        await context.step("ship", done.do, "ship")

    with pytest.raises(RunFailedError):
        await finish(flow)
    assert done == ["reserve", "charge", "ship", "refund", "refund", "refund", "release"]


async def test_parallel_gives_the_results_in_order_and_they_overlap() -> None:
    order: list[str] = []

    async def slow(context: WorkflowContext) -> str:
        await context.sleep(60)
        order.append("slow")
        return "slow"

    async def quick(context: WorkflowContext) -> str:
        await context.step("quick", order.append, "quick")
        return "quick"

    async def flow(context: WorkflowContext, given: Any) -> Any:
        return await context.parallel("both", slow, quick)

    assert await finish(flow) == ["slow", "quick"]
    assert order == ["quick", "slow"]


async def test_parallel_partial_failure_policy() -> None:
    done = Effects(b=9, c=9)

    async def flow(context: WorkflowContext, given: Any) -> Any:
        async def one(inner: WorkflowContext, name: str) -> Any:
            return await inner.step(name, done.do, name)

        found = await context.map("all", ["a", "b", "c", "d"], one, concurrency=1, tolerate=given)
        return [each.failure.kind if isinstance(each, StepFailedError) else each for each in found]

    assert await finish(flow, 2) == ["a done", "DeclinedError", "DeclinedError", "d done"]
    done.clear()
    with pytest.raises(RunFailedError, match="c declined"):
        await finish(flow, 1)
    assert done == ["a", "b", "c"]
    done.clear()
    with pytest.raises(RunFailedError, match="b declined"):
        await finish(flow, 0)
    assert done == ["a", "b"]


async def test_what_a_failed_group_did_not_begin_does_not_run_after_a_replay() -> None:
    done = Effects(b=1)

    async def flow(context: WorkflowContext, given: Any) -> Any:
        async def long(inner: WorkflowContext) -> None:
            await inner.step("a", done.do, "a", compensate=lambda _: done.do("undo a"))
            await inner.sleep(3_600)
            await inner.step("later", done.do, "later")

        async def short(inner: WorkflowContext) -> None:
            await inner.sleep(60)
            await inner.step("b", done.do, "b")

        try:
            await context.parallel("both", long, short)
        except StepFailedError:
            await context.sleep(7_200)
        raise ValueError("in the end")

    with pytest.raises(RunFailedError, match="in the end"):
        await finish(flow)
    assert done == ["a", "b", "undo a"]


async def test_map_runs_so_many_at_a_time() -> None:
    running, most = 0, 0

    async def work(item: int) -> int:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0)
        running -= 1
        return item * 2

    async def flow(context: WorkflowContext, given: Any) -> Any:
        async def each(inner: WorkflowContext, item: int) -> Any:
            return await inner.step("double", work, item)

        return await context.map("all", range(20), each, concurrency=3)

    assert await finish(flow) == [item * 2 for item in range(20)]
    assert most == 3


async def test_the_idempotency_key_is_the_same_at_every_attempt_and_no_others() -> None:
    keys: list[str] = []

    def fail_once() -> None:
        keys.append(current_attempt().idempotency_key)
        if len(keys) == 1:
            raise OSError

    async def flow(context: WorkflowContext, given: Any) -> None:
        await context.step("one", fail_once, retry=QUICK)
        await context.step("two", fail_once)

    runner = WorkflowRunner({"flow": flow})
    await runner.result(await runner.start("flow", id="x"))
    assert keys == ["flow:x:0", "flow:x:0", "flow:x:1"]


async def test_a_condition_is_asked_until_it_is_true() -> None:
    answers = [None, {}, {"state": "ready"}]

    async def flow(context: WorkflowContext, given: Any) -> Any:
        return await context.wait_for_condition("ready", lambda: answers.pop(0), every_seconds=30)

    runner = WorkflowRunner({"flow": flow})
    assert await runner.result(await runner.start("flow")) == {"state": "ready"}
    assert runner.clock.monotonic() == pytest.approx(60, abs=1)


async def test_two_calls_at_once_in_one_branch_are_refused() -> None:
    async def flow(context: WorkflowContext, given: Any) -> None:
        await asyncio.gather(context.step("a", lambda: 1), context.step("b", lambda: 2))

    with pytest.raises(RunFailedError, match="R0533"):
        await finish(flow)


async def test_a_result_that_is_too_large_or_no_json_fails_its_step() -> None:
    async def large(context: WorkflowContext, given: Any) -> None:
        await context.step("read", lambda: "x" * 300_000)

    async def strange(context: WorkflowContext, given: Any) -> None:
        await context.step("open", object)

    for flow in (large, strange):
        with pytest.raises(RunFailedError, match="R0534"):
            await finish(flow)


def test_a_failure_names_what_it_derives_from() -> None:
    failure = Failure.of(DeclinedError("no"))
    assert failure.is_a(ValueError, KeyError)
    assert not failure.is_a(KeyError)
    assert str(failure) == "DeclinedError: no"
