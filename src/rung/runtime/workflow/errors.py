"""What a workflow's code and its callers hear.

ApplicationError               (rung.errors)
├── StepFailedError            a step, branch, wait or child failed for good; the same after a replay
│   └── WaitTimeoutError       nobody approved, or no event came, in the given time
├── RunFailedError             `Run.result()`: the run failed or was cancelled
└── WorkflowError              a finding with a code: what the workflow does cannot be done
    ├── NondeterminismError    R0531: the code asks for another step than the one that was recorded
    └── FencedError            another process has the run: what was about to be recorded is dropped
"""

from __future__ import annotations

import traceback

import msgspec

from rung.errors import ApplicationError
from rung.runtime.text import keepable

TRACEBACK_CHARACTERS_MAX = 4_000
MESSAGE_CHARACTERS_MAX = 2_000


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """An error as it is recorded: `kinds` are the names of its class and of all that it derives from."""

    kind: str
    message: str = ""
    kinds: tuple[str, ...] = ()
    traceback: str = ""

    @classmethod
    def of(cls, error: BaseException) -> Failure:
        """What to record of an error. One that was recorded already stays what it was."""
        if isinstance(error, StepFailedError):
            return error.failure
        kinds = tuple(each.__name__ for each in type(error).__mro__ if each not in (object, BaseException))
        text = keepable("".join(traceback.format_exception(error)))[-TRACEBACK_CHARACTERS_MAX:]
        message = keepable(str(error))[:MESSAGE_CHARACTERS_MAX]
        return cls(kind=type(error).__name__, message=message, kinds=kinds, traceback=text)

    def is_a(self, *kinds: type[BaseException] | str) -> bool:
        """Whether the error was of one of these kinds, or derived from one."""
        names = {each if isinstance(each, str) else each.__name__ for each in kinds}
        return not names.isdisjoint((self.kind, *self.kinds))

    def __str__(self) -> str:
        return f"{self.kind}: {self.message}" if self.message else self.kind


class StepFailedError(ApplicationError):
    """A step has failed for good. `is_a(ValueError)` says what the function raised, also after a replay."""

    def __init__(self, step: str, failure: Failure) -> None:
        super().__init__(f"step {step!r} failed: {failure}")
        self.step = step
        self.failure = failure

    def is_a(self, *kinds: type[BaseException] | str) -> bool:
        """Whether the function raised one of these."""
        return self.failure.is_a(*kinds)


class WaitTimeoutError(StepFailedError):
    """What the run waited for did not happen in time."""


class RunFailedError(ApplicationError):
    """The run ended without a result. `state` is `failed`, `cancelled` or `parked`."""

    def __init__(self, run_id: str, state: str, failure: Failure) -> None:
        super().__init__(f"run {run_id!r} is {state}: {failure}")
        self.run_id = run_id
        self.state = state
        self.failure = failure


class WorkflowError(ApplicationError):
    """What was asked for cannot be done; `code` has a page in `docs/errors`."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code


class NondeterminismError(WorkflowError):
    """The code does not do what was recorded. The run is parked: it goes on when the code is right again."""

    def __init__(self, path: str, recorded: str, asked: str) -> None:
        super().__init__(
            "R0531",
            f"at position {path} the run's history has {recorded}, and the code asks for {asked}: "
            'guard a change with context.version("change-id"), or keep the old handler as a version',
        )
        self.recorded = recorded
        self.asked = asked


class FencedError(WorkflowError):
    """This process has lost the run."""

    def __init__(self, run_id: str) -> None:
        super().__init__("R0530", f"another process has the run {run_id!r} now")


def failed_step(step: str, failure: Failure) -> StepFailedError:
    """The error that a recorded failure raises."""
    kind = WaitTimeoutError if failure.kind == WaitTimeoutError.__name__ else StepFailedError
    return kind(step, failure)
