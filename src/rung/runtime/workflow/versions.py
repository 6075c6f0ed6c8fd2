"""Which code a run follows: the newest for a new run, and for an old one what it was started with."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from rung.errors import Finding, UserError
from rung.runtime.workflow.context import WorkflowContext

Handler = Callable[[WorkflowContext, Any], Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class Versions:
    """The handlers of a workflow by version, the newest last: `Versions({"1": onboarding_1, "2": onboarding})`.

    A run follows the version that was the newest when it began. A version may go when no run is left of it
    (`rung workflow list`); a run whose version is gone is parked (R0532).
    """

    handlers: Mapping[str, Handler]

    def __post_init__(self) -> None:
        if not self.handlers:
            raise ValueError("Versions names at least one handler")

    @property
    def newest(self) -> str:
        """The version of new runs."""
        return list(self.handlers)[-1]


def versions_of(handler: Handler | Versions) -> Versions:
    """A single handler has one version, without a name."""
    return handler if isinstance(handler, Versions) else Versions({"": handler})


def load_workflow(reference: str) -> Versions:
    """The handlers that `package.module:object` names. Raises UserError (R0535) that says what is missing."""
    return _checked(reference, load_object(reference))


def load_object(reference: str) -> Any:
    """What `package.module:object` names: code, versions, or a definition. Raises UserError (R0535)."""
    module_name, _, path = reference.partition(":")
    if not module_name or not path:
        raise _unusable(reference, "it is not of the form package.module:function")
    try:
        found: Any = importlib.import_module(module_name)
    except Exception as error:
        raise _unusable(reference, f"importing {module_name} raised {type(error).__name__}: {error}") from error
    for part in path.split("."):
        if not hasattr(found, part):
            names = ", ".join(sorted(name for name in vars(found) if not name.startswith("_")))
            raise _unusable(reference, f"no {part!r} there; it has {names or 'nothing'}")
        found = getattr(found, part)
    return found


def _checked(reference: str, found: Any) -> Versions:
    handler = getattr(found, "handler", found)  # a declared Definition has one
    versions = versions_of(handler)
    for name, each in versions.handlers.items():
        if not inspect.iscoroutinefunction(each):
            raise _unusable(reference, f"{name or 'it'} is not an `async def`")
    return versions


def _unusable(reference: str, found: str) -> UserError:
    return UserError(
        Finding(
            code="R0535",
            severity="error",
            message=f"the handler {reference!r} of a workflow cannot be loaded",
            found=found,
            effect="its process does not start, and its runs wait",
            help='name an `async def run(context, given)`, or a Versions of them, as "package.module:object"',
        )
    )
