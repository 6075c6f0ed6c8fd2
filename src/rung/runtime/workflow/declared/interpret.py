"""A definition on our engine: state after state, as ASL would have it."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from functools import partial
from typing import Any

from rung.runtime.workflow.context import WorkflowContext
from rung.runtime.workflow.declared.states import (
    ANY_ERROR,
    Approval,
    Choice,
    Definition,
    Fail,
    Map,
    Parallel,
    RetryRule,
    Rule,
    State,
    Task,
    Wait,
)
from rung.runtime.workflow.errors import Failure, StepFailedError
from rung.runtime.workflow.retry import ONCE, Retry

#: What ASL calls the errors that are not a function's own.
ASL_NAMES = {"TimeoutError": "States.Timeout", "WaitTimeoutError": "States.Timeout"}


async def interpret(definition: Definition, context: WorkflowContext, given: Any) -> Any:
    """Run the definition; the document at its end. Raises StepFailedError."""
    name: str | None = definition.start
    document = given
    while name is not None:
        state = definition.state(name)
        try:
            name, document = await _run(state, context, document)
        except StepFailedError as error:
            name, document = _caught(state, document, error)
    return document


async def _run(state: State, context: WorkflowContext, document: Any) -> tuple[str | None, Any]:
    match state:
        case Task():
            value = await context.step(
                state.name, found(state.function), document, retry=_retry(state.retry),
                timeout_seconds=state.timeout_seconds,
            )  # fmt: skip
            return state.next, placed(document, state.result, value)
        case Wait():
            await context.sleep(state.seconds, state.name)
            return state.next, document
        case Choice():
            return next((rule.next for rule in state.rules if holds(rule, document)), state.default), document
        case Fail():
            raise StepFailedError(state.name, Failure(kind=state.error, message=state.cause))
        case Approval():
            notify = partial(found(state.notify), document)
            answer = await context.approval(state.name, notify=notify, timeout_seconds=state.timeout_seconds)
            value = {"approved": answer.approved, "by": answer.by, "remark": answer.remark}
            return state.next, placed(document, state.result, value)
        case Parallel() | Map():
            return state.next, placed(document, state.result, await _branches(state, context, document))


async def _branches(state: Parallel | Map, context: WorkflowContext, document: Any) -> list[Any]:
    if isinstance(state, Map):
        each, items = state.each, at(document, state.items)

        async def one(inner: WorkflowContext, item: Any) -> Any:
            return await interpret(each, inner, item)

        return await context.map(state.name, items, one, concurrency=state.concurrency)
    branches = [partial(_branch, branch, document) for branch in state.branches]
    return await context.parallel(state.name, *branches)


async def _branch(definition: Definition, document: Any, inner: WorkflowContext) -> Any:
    return await interpret(definition, inner, document)


def _caught(state: State, document: Any, error: StepFailedError) -> tuple[str | None, Any]:
    failure = error.failure
    name = ASL_NAMES.get(failure.kind, failure.kind)
    for each in getattr(state, "catch", ()):
        if ANY_ERROR in each.errors or name in each.errors:
            told = {"Error": name, "Cause": failure.message}
            return each.next, placed(document, each.result, told)
    raise error


def _retry(rule: RetryRule | None) -> Retry:
    if rule is None:
        return ONCE
    return Retry(
        max_attempts=rule.max_attempts, initial_seconds=rule.interval_seconds, multiplier=rule.backoff_rate,
        maximum_seconds=rule.max_delay_seconds, jitter=rule.jitter,
        on=(Exception,) if ANY_ERROR in rule.errors else tuple(_OUR_NAMES.get(each, each) for each in rule.errors),
    )  # fmt: skip


_OUR_NAMES = {"States.Timeout": "TimeoutError", "States.TaskFailed": "Exception"}


def holds(rule: Rule, document: Any) -> bool:
    """Whether a rule holds. Values of other types are never equal, less or greater, as in ASL."""
    try:
        value = at(document, rule.path)
    except KeyError:
        return rule.test == "present" and rule.value is False
    if rule.test == "present":
        return rule.value is not False
    if _kind(value) != _kind(rule.value):
        return False
    match rule.test:
        case "equals":
            return bool(value == rule.value)
        case "less":
            return bool(value < rule.value)
        case "greater":
            return bool(value > rule.value)


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    return "number" if isinstance(value, int | float) else type(value).__name__


def at(document: Any, path: str) -> Any:
    """What stands at a path of the document. Raises KeyError."""
    for key in path.split(".") if path else ():
        if not isinstance(document, dict):
            raise KeyError(path)
        document = document[key]
    return document


def placed(document: Any, key: str | None, value: Any) -> Any:
    """The document with a value under a key; without a key, the value."""
    return value if key is None else {**(document if isinstance(document, dict) else {}), key: value}


def found(reference: str) -> Callable[..., Any]:
    """The function that `package.module:object` names."""
    module, _, path = reference.partition(":")
    value: Any = importlib.import_module(module)
    for part in path.split("."):
        value = getattr(value, part)
    function: Callable[..., Any] = value
    return function
