"""The cases that both engines run: a definition, an input, and what comes of it on each."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from rung.runtime.workflow.declared import (
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

HERE = __name__
#: How often each function was called, by name: retries are counted by this.
calls: Counter[str] = Counter()


def double(document: Any) -> Any:
    calls["double"] += 1
    return (document["amount"] if isinstance(document, dict) else document) * 2


def greet(document: Any) -> str:
    calls["greet"] += 1
    return f"hello {document['name']}"


def decline(document: Any) -> None:
    calls["decline"] += 1
    raise ValueError("card declined")


def fail_twice(document: Any) -> str:
    calls["fail_twice"] += 1
    if calls["fail_twice"] < 3:
        raise ConnectionError("not yet")
    return "third time"


def refuse_odd(document: Any) -> int:
    calls["refuse_odd"] += 1
    if document % 2:
        raise ValueError(f"{document} is odd")
    return int(document)


def tell(document: Any, request: Any) -> None:
    calls["tell"] += 1


@dataclass(frozen=True, kw_only=True)
class Case:
    """`output` when it succeeds, else `error` and `cause`. `called` is exact: a retry too many is a difference."""

    name: str
    states: tuple[State, ...]
    given: Any
    output: Any = None
    error: str | None = None
    cause: str = ""
    called: dict[str, int] = field(default_factory=dict)
    #: The person's answer, where one is asked.
    answer: bool = True

    @property
    def definition(self) -> Definition:
        return Definition(self.name, self.states[0].name, self.states)


def task(name: str, function: str, **options: Any) -> Task:
    return Task(name=name, function=f"{HERE}:{function}", **options)


def only(name: str, function: str) -> Definition:
    return Definition(name, name, (task(name, function),))


QUICK = RetryRule(errors=("ConnectionError",), max_attempts=3, interval_seconds=1, backoff_rate=1.0, jitter=False)
LARGE = Choice(
    name="large", default="small",
    rules=(
        Rule(path="order.total", test="greater", value=100, next="big"),
        Rule(path="order.kind", value="gift", next="big"),
        Rule(path="order.paid", value=True, next="big"),
        Rule(path="order.vip", test="present", next="big"),
    ),
)  # fmt: skip
ENDS = (Fail(name="big", error="Big"), Fail(name="small", error="Small"))


def branching(name: str, order: Any, error: str) -> Case:
    return Case(name=name, states=(LARGE, *ENDS), given={"order": order}, error=error)


CASES = (
    Case(name="one-task", states=(task("a", "double"),), given={"amount": 4}, output=8, called={"double": 1}),
    Case(
        name="result-is-placed", given={"name": "ada", "amount": 4}, called={"double": 1, "greet": 1},
        states=(task("a", "double", result="twice", next="b"), task("b", "greet", result="text")),
        output={"name": "ada", "amount": 4, "twice": 8, "text": "hello ada"},
    ),
    Case(
        name="error-ends-it", states=(task("a", "decline", next="b"), task("b", "greet")), given={},
        error="ValueError", cause="card declined", called={"decline": 1},
    ),
    Case(
        name="catch-goes-on", given={"name": "ada"}, called={"decline": 1, "greet": 1},
        states=(
            task("a", "decline", catch=(Catch(errors=("KeyError",), next="c"), Catch(next="b"))),
            task("b", "greet", result="text"),
            Fail(name="c", error="Wrong"),
        ),
        output={"name": "ada", "error": {"Error": "ValueError", "Cause": "card declined"}, "text": "hello ada"},
    ),
    Case(
        name="retry-succeeds", states=(task("a", "fail_twice", retry=QUICK, result="said"),), given={},
        output={"said": "third time"}, called={"fail_twice": 3},
    ),
    Case(
        name="retry-then-catch", given={}, called={"decline": 2},
        states=(
            task("a", "decline", retry=RetryRule(max_attempts=2, jitter=False), catch=(Catch(next="b"),)),
            Fail(name="b", error="GivenUp", cause="after the last"),
        ),
        error="GivenUp", cause="after the last",
    ),
    Case(
        name="retry-is-for-other-errors", states=(task("a", "decline", retry=QUICK),), given={},
        error="ValueError", cause="card declined", called={"decline": 1},
    ),
    branching("choice-number", {"total": 101}, "Big"),
    branching("choice-not-greater", {"total": 100}, "Small"),
    branching("choice-text", {"kind": "gift"}, "Big"),
    branching("choice-truth", {"paid": True}, "Big"),
    branching("choice-truth-is-no-text", {"paid": "true"}, "Small"),
    branching("choice-present", {"vip": None}, "Big"),
    branching("choice-text-is-no-number", {"total": "101"}, "Small"),
    Case(
        name="wait-keeps-the-document", states=(Wait(name="w", seconds=1),), given={"a": [1, None, "x"]},
        output={"a": [1, None, "x"]},
    ),
    Case(
        name="parallel-in-order", given={"amount": 3, "name": "ada"}, called={"double": 1, "greet": 1},
        states=(Parallel(name="p", branches=(only("x", "double"), only("y", "greet")), result="both"),),
        output={"amount": 3, "name": "ada", "both": [6, "hello ada"]},
    ),
    Case(
        name="parallel-failure-is-caught", given={"amount": 3}, called={"decline": 1},
        states=(
            Parallel(name="p", branches=(only("x", "decline"),), catch=(Catch(errors=("ValueError",), next="f"),)),
            Fail(name="f", error="Caught"),
        ),
        error="Caught",
    ),
    Case(
        name="map-in-order", given={"items": [1, 2, 3]}, called={"double": 3},
        states=(Map(name="m", items="items", each=only("x", "double"), concurrency=2),), output=[2, 4, 6],
    ),
    Case(
        name="map-of-nothing", given={"items": []}, output=[],
        states=(Map(name="m", items="items", each=only("x", "double")),),
    ),
    Case(
        name="map-fails-fast", given={"items": [2, 3, 4]}, called={"refuse_odd": 2}, error="ValueError",
        cause="3 is odd",
        states=(Map(name="m", items="items", each=only("x", "refuse_odd"), concurrency=1),),
    ),
    Case(
        name="approved", given={"amount": 5}, called={"tell": 1, "double": 1},
        states=(
            Approval(name="ask", notify=f"{HERE}:tell", timeout_seconds=60, result="answer", next="c"),
            Choice(name="c", rules=(Rule(path="answer.approved", value=True, next="do"),), default="no"),
            task("do", "double"),
            Fail(name="no", error="Rejected"),
        ),
        output=10,
    ),
    Case(
        name="rejected", given={"amount": 5}, called={"tell": 1}, answer=False, error="Rejected",
        states=(
            Approval(name="ask", notify=f"{HERE}:tell", timeout_seconds=60, result="answer", next="c"),
            Choice(name="c", rules=(Rule(path="answer.approved", value=True, next="do"),), default="no"),
            task("do", "double"),
            Fail(name="no", error="Rejected"),
        ),
    ),
)  # fmt: skip
