"""A definition as the Amazon States Language, with JSONPath.

Source: https://states-language.net/spec.html (2026-11-21).

A task is sent to an SQS queue together with a task token; whoever works the queue off calls the function and
answers with SendTaskSuccess or SendTaskFailure. An approval is the same, and the answer comes from a person.
"""

from __future__ import annotations

from typing import Any

from rung.runtime.workflow.declared.states import (
    Approval,
    Catch,
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

SEND_AND_WAIT = "arn:aws:states:::sqs:sendMessage.waitForTaskToken"
_COMPARISONS = {
    (str, "equals"): "StringEquals",
    (str, "less"): "StringLessThan",
    (str, "greater"): "StringGreaterThan",
    (float, "equals"): "NumericEquals",
    (float, "less"): "NumericLessThan",
    (float, "greater"): "NumericGreaterThan",
    (bool, "equals"): "BooleanEquals",
}


def to_asl(definition: Definition, *, queue_url: str) -> dict[str, Any]:
    """The state machine, ready for `json.dumps`. Raises ValueError for a comparison that ASL does not have."""
    return {"Comment": definition.name, **_machine(definition, queue_url)}


def _machine(definition: Definition, queue_url: str) -> dict[str, Any]:
    states = {state.name: _state(state, queue_url) for state in definition.states}
    return {"StartAt": definition.start, "States": states}


def _state(state: State, queue_url: str) -> dict[str, Any]:
    match state:
        case Task():
            sent = _sent("task", state.name, state.function, queue_url)
            return {**sent, "TimeoutSeconds": state.timeout_seconds, **_retry(state.retry), **_flow(state)}
        case Approval():
            sent = _sent("approval", state.name, state.notify, queue_url)
            return {**sent, "TimeoutSeconds": state.timeout_seconds, **_flow(state)}
        case Wait():
            return {"Type": "Wait", "Seconds": state.seconds, **_next(state.next)}
        case Choice():
            choices = [{**_rule(rule), "Next": rule.next} for rule in state.rules]
            return {"Type": "Choice", "Choices": choices, "Default": state.default}
        case Fail():
            return {"Type": "Fail", "Error": state.error, "Cause": state.cause}
        case Parallel():
            branches = [_machine(branch, queue_url) for branch in state.branches]
            return {"Type": "Parallel", "Branches": branches, **_flow(state)}
        case Map():
            processor = {"ProcessorConfig": {"Mode": "INLINE"}, **_machine(state.each, queue_url)}
            return {
                "Type": "Map", "ItemsPath": _path(state.items), "MaxConcurrency": state.concurrency,
                "ItemProcessor": processor, **_flow(state),
            }  # fmt: skip


def _sent(kind: str, name: str, function: str, queue_url: str) -> dict[str, Any]:
    body = {"kind": kind, "state": name, "function": function, "token.$": "$$.Task.Token", "document.$": "$"}
    return {
        "Type": "Task",
        "Resource": SEND_AND_WAIT,
        "Parameters": {"QueueUrl": queue_url, "MessageBody": body},
    }


def _flow(state: Task | Approval | Parallel | Map) -> dict[str, Any]:
    catch = {"Catch": [_catch(each) for each in state.catch]} if state.catch else {}
    return {"ResultPath": _path(state.result or ""), **catch, **_next(state.next)}


def _next(name: str | None) -> dict[str, Any]:
    return {"End": True} if name is None else {"Next": name}


def _path(dotted: str) -> str:
    return f"$.{dotted}" if dotted else "$"


def _catch(catch: Catch) -> dict[str, Any]:
    return {"ErrorEquals": list(catch.errors), "ResultPath": _path(catch.result or ""), "Next": catch.next}


def _retry(rule: RetryRule | None) -> dict[str, Any]:
    """ASL counts the retries, not the attempts."""
    if rule is None:
        return {}
    retrier = {
        "ErrorEquals": list(rule.errors),
        "IntervalSeconds": rule.interval_seconds,
        "MaxAttempts": rule.max_attempts - 1,
        "BackoffRate": rule.backoff_rate,
        "MaxDelaySeconds": rule.max_delay_seconds,
        "JitterStrategy": "FULL" if rule.jitter else "NONE",
    }
    return {"Retry": [retrier]}


def _rule(rule: Rule) -> dict[str, Any]:
    """A comparison. What is not there is no error: ASL would fail on it, so that is asked first."""
    there = {"Variable": _path(rule.path), "IsPresent": rule.test != "present" or rule.value is not False}
    if rule.test == "present":
        return there
    kind = bool if isinstance(rule.value, bool) else str if isinstance(rule.value, str) else float
    name = _COMPARISONS.get((kind, rule.test))
    if name is None:
        raise ValueError(f"ASL cannot compare {rule.path!r} by {rule.test!r} with {rule.value!r}")
    return {"And": [there, {"Variable": _path(rule.path), name: rule.value}]}
