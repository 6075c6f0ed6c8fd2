"""What a declared workflow is made of: inert data, checked when it is made.

The whole of a workflow's knowledge is one JSON document, the input at first. Each state gets all of it; what the
state gives replaces it, or stands under the key `result`. `next` None: the workflow ends with the document.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Literal

from rung.runtime.workflow.errors import WorkflowError

#: What matches every error, in our words and in those of ASL.
ANY_ERROR = "States.ALL"
Test = Literal["equals", "less", "greater", "present"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryRule:
    """At most `max_attempts` tries after one of `errors` (class names). Rests as ASL has them: whole seconds."""

    errors: tuple[str, ...] = (ANY_ERROR,)
    max_attempts: int = 3
    interval_seconds: int = 1
    backoff_rate: float = 2.0
    max_delay_seconds: int = 60
    jitter: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Catch:
    """One of `errors` goes on at `next`, with `{"Error", "Cause"}` under the key `result` (None: as document)."""

    errors: tuple[str, ...] = (ANY_ERROR,)
    next: str
    result: str | None = "error"


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """A function of the document, `package.module:object`."""

    name: str
    function: str
    result: str | None = None
    retry: RetryRule | None = None
    catch: tuple[Catch, ...] = ()
    timeout_seconds: int = 60
    next: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """Go on so many seconds later."""

    name: str
    seconds: int
    next: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What stands at `path` (keys with dots between) is compared with `value`: text, number, or truth."""

    path: str
    test: Test = "equals"
    value: str | float | bool = True
    next: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The first rule that holds says where to go on, else `default`."""

    name: str
    rules: tuple[Rule, ...]
    default: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """A person's answer `{"approved", "by", "remark"}`; `notify` is a function that sends the link."""

    name: str
    notify: str
    timeout_seconds: int
    result: str | None = "approval"
    catch: tuple[Catch, ...] = ()
    next: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Parallel:
    """Branches that each get the document; the list of what they end with."""

    name: str
    branches: tuple[Definition, ...]
    result: str | None = None
    catch: tuple[Catch, ...] = ()
    next: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Map:
    """`each` for every item of the list at `items`, so many at a time; the list of what they end with."""

    name: str
    items: str
    each: Definition
    concurrency: int = 10
    result: str | None = None
    catch: tuple[Catch, ...] = ()
    next: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Fail:
    """The workflow has failed."""

    name: str
    error: str
    cause: str = ""


State = Task | Wait | Choice | Approval | Parallel | Map | Fail


@dataclass(frozen=True, slots=True)
class Definition:
    """States by their names, and the first. Raises WorkflowError R0535 for a name that is missing or double."""

    name: str
    start: str
    states: tuple[State, ...]

    def __post_init__(self) -> None:
        names = [state.name for state in self.states]
        double = sorted({name for name in names if names.count(name) > 1})
        wanted = {self.start, *(target for state in self.states for target, _ in targets_of(state))}
        missing = sorted(wanted - set(names))
        if double or missing:
            found = f"no state {missing[0]!r}" if missing else f"two states {double[0]!r}"
            raise WorkflowError("R0535", f"the workflow {self.name!r} has {found}; it has {', '.join(names)}")

    def state(self, name: str) -> State:
        """The state of that name."""
        return next(state for state in self.states if state.name == name)

    @property
    def handler(self) -> Callable[[Any, Any], Awaitable[Any]]:
        """The definition as the code of a workflow."""
        from rung.runtime.workflow.declared.interpret import interpret

        async def run(context: Any, given: Any) -> Any:
            return await interpret(self, context, given)

        return run


def targets_of(state: State) -> list[tuple[str, str]]:
    """Where a state may go on, each with the word for it."""
    match state:
        case Fail():
            return []
        case Choice():
            return [(rule.next, said(rule)) for rule in state.rules] + [(state.default, "else")]
        case Wait():
            return [(state.next, "")] if state.next else []
        case Task() | Approval() | Parallel() | Map():
            found = [(state.next, "")] if state.next else []
            return found + [(each.next, "on " + ", ".join(each.errors)) for each in state.catch]


def said(rule: Rule) -> str:
    """A rule in a few characters."""
    sign = {"equals": "=", "less": "<", "greater": ">", "present": "is there"}[rule.test]
    return f"{rule.path} {sign}" if rule.test == "present" else f"{rule.path} {sign} {rule.value}"
