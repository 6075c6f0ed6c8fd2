"""One list of cases on two engines: ours, and moto's interpreter of the Amazon States Language."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws
from moto.stepfunctions.parser.asl.eval.callback.callback import CallbackOutcomeFailure, CallbackOutcomeSuccess
from moto.stepfunctions.parser.models import stepfunctions_parser_backends
from tests.runtime.workflow import declared_cases as cases

from rung.runtime.workflow import RunFailedError, WorkflowError
from rung.runtime.workflow.declared import Choice, Definition, Rule, Task, Wait, to_asl
from rung.runtime.workflow.declared.interpret import found
from rung.testing.workflows import WorkflowRunner

SECONDS = 30.0
ACCOUNT, REGION = "123456789012", "eu-central-1"
Outcome = tuple[Any, str | None, str, dict[str, int]]


def expected(case: cases.Case) -> Outcome:
    return case.output, case.error, case.cause, case.called


async def on_our_engine(case: cases.Case) -> Outcome:
    cases.calls.clear()
    runner = WorkflowRunner({"flow": case.definition.handler})
    run = await runner.start("flow", case.given)
    await runner.settle()
    if any(state.name == "ask" for state in case.states):
        await runner.approve(run, "ask", approved=case.answer)
    try:
        return await runner.result(run), None, "", dict(cases.calls)
    except RunFailedError as error:
        return None, error.failure.kind, error.failure.message, dict(cases.calls)


class StepFunctions:
    """moto's interpreter, and a worker that does what a task of ours on AWS would do."""

    def __init__(self) -> None:
        self.states = boto3.client("stepfunctions", REGION)
        self.queue = boto3.client("sqs", REGION)
        self.url = self.queue.create_queue(QueueName="tasks")["QueueUrl"]
        roles = boto3.client("iam", REGION)
        self.role = roles.create_role(RoleName="r", AssumeRolePolicyDocument="{}")["Role"]["Arn"]

    def run(self, case: cases.Case) -> Outcome:
        cases.calls.clear()
        definition = json.dumps(to_asl(case.definition, queue_url=self.url))
        machine = self.states.create_state_machine(name=case.name, definition=definition, roleArn=self.role)
        begun = self.states.start_execution(
            stateMachineArn=machine["stateMachineArn"], input=json.dumps(case.given)
        )
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            self._work(case)
            ended = self.states.describe_execution(executionArn=begun["executionArn"])
            if ended["status"] != "RUNNING":
                output = json.loads(ended["output"]) if ended["status"] == "SUCCEEDED" else None
                return output, ended.get("error"), ended.get("cause", ""), dict(cases.calls)
            time.sleep(0.02)
        raise AssertionError("the execution goes on and on")

    def _work(self, case: cases.Case) -> None:
        for message in self.queue.receive_message(QueueUrl=self.url, MaxNumberOfMessages=1).get("Messages", ()):
            self.queue.delete_message(QueueUrl=self.url, ReceiptHandle=message["ReceiptHandle"])
            sent = json.loads(message["Body"])
            function = found(sent["function"])
            try:
                if sent["kind"] == "approval":
                    function(sent["document"], None)
                    result: Any = {"approved": case.answer, "by": "", "remark": ""}
                else:
                    result = function(sent["document"])
            except Exception as error:
                kind, cause = type(error).__name__, str(error)
                _answer(CallbackOutcomeFailure(callback_id=sent["token"], error=kind, cause=cause))
            else:
                _answer(CallbackOutcomeSuccess(callback_id=sent["token"], output=json.dumps(result)))


def _answer(outcome: Any) -> None:
    """SendTaskSuccess or SendTaskFailure. moto 5.2's own drop the cause of a failure."""
    backend = stepfunctions_parser_backends[ACCOUNT][REGION]
    answered = [
        execution.exec_worker.env.callback_pool_manager.notify(callback_id=outcome.callback_id, outcome=outcome)
        for execution in backend._get_executions()
    ]
    assert any(answered)


@pytest.fixture(scope="module")
def step_functions() -> Iterator[StepFunctions]:
    with mock_aws(config={"stepfunctions": {"execute_state_machine": True}}):
        yield StepFunctions()


def _on_moto(case: cases.Case) -> Any:
    """moto 5.2 gives a task with a token the same one at each retry, so its first answer counts for all."""
    once = pytest.mark.xfail(case.name == "retry-succeeds", reason="moto keeps the first answer", strict=True)
    return pytest.param(case, id=case.name, marks=once)


@pytest.mark.parametrize("case", cases.CASES, ids=lambda case: case.name)
async def test_on_our_engine(case: cases.Case) -> None:
    assert await on_our_engine(case) == expected(case)


@pytest.mark.parametrize("case", [_on_moto(case) for case in cases.CASES])
async def test_on_step_functions(case: cases.Case, step_functions: StepFunctions) -> None:
    assert await asyncio.to_thread(step_functions.run, case) == expected(case)


def test_a_name_that_is_missing_or_double_is_refused() -> None:
    with pytest.raises(WorkflowError, match="no state 'b'; it has a"):
        Definition("f", "a", (Wait(name="a", seconds=1, next="b"),))
    with pytest.raises(WorkflowError, match="two states 'a'"):
        Definition("f", "a", (Wait(name="a", seconds=1), Wait(name="a", seconds=2)))


def test_a_comparison_that_asl_does_not_have_is_refused() -> None:
    rule = Rule(path="x", test="less", value=True, next="a")
    definition = Definition(
        "f", "c", (Choice(name="c", rules=(rule,), default="a"), Task(name="a", function="m:f"))
    )
    with pytest.raises(ValueError, match="ASL cannot compare 'x'"):
        to_asl(definition, queue_url="q")


def test_asl_counts_retries_and_not_attempts() -> None:
    (retrier,) = to_asl(Definition("f", "a", (cases.task("a", "decline", retry=cases.QUICK),)), queue_url="q")[
        "States"
    ]["a"]["Retry"]
    assert (retrier["MaxAttempts"], retrier["MaxDelaySeconds"], retrier["JitterStrategy"]) == (2, 60, "NONE")


def test_every_kind_of_state_is_in_a_case() -> None:
    used = Counter(type(state).__name__ for case in cases.CASES for state in case.states)
    assert set(used) == {"Task", "Wait", "Choice", "Parallel", "Map", "Approval", "Fail"}
