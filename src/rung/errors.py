"""What can go wrong, in one tree, and how it reads.

    RungError                  everything rung raises on purpose
    ├── UserError              the user's model, code or system is wrong; carries findings; exit 1
    │   ├── ModelError         the workload file
    │   └── MachineError       this machine: a port in use, a missing wheel, a server that does not start
    ├── UsageError             a wrong command line; exit 2
    └── ApplicationError       raised inside a running application (see rung.runtime)

Every user-facing problem is a `Finding` with a stable code and a page in docs/errors/.
The layout follows rustc: what, where, found, effect, help.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Severity = Literal["error", "warning", "note"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Location:
    """A line in a file the user wrote. `text` is that line, stripped, when it could be read."""

    file: str
    line: int
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One problem, complete: a reader needs nothing else to mend it."""

    code: str
    severity: Severity
    message: str
    location: Location | None = None
    found: str = ""
    effect: str = ""
    help: str = ""
    related: tuple[Location, ...] = field(default=())

    def __str__(self) -> str:
        return render(self)


def render(finding: Finding) -> str:
    """The finding as a person reads it in a terminal, without colour and without a final newline."""
    lines = [f"{finding.severity}[{finding.code}]: {finding.message}"]
    if finding.location is not None:
        place = f"{finding.location.file}:{finding.location.line}"
        lines.append(f"  --> {place}   {finding.location.text}".rstrip())
    for label, text in (("found", finding.found), ("effect", finding.effect), ("help", finding.help)):
        if text:
            lines.append(f"   {label}: {text}")
    lines.append(f"   more: rung explain {finding.code}")
    return "\n".join(lines)


class RungError(Exception):
    """The root: catch this to catch everything rung raises on purpose."""


class UserError(RungError):
    """The user's model, code or system is wrong. Carries every finding, not only the first."""

    def __init__(self, *findings: Finding) -> None:
        self.findings = findings
        super().__init__("\n\n".join(render(finding) for finding in findings))


class ModelError(UserError):
    """The workload file does not describe a workload."""


class MachineError(UserError):
    """This machine cannot do what was asked: a port in use, a missing wheel, a server that fails."""


class UsageError(RungError):
    """The command line is wrong."""


class ApplicationError(RungError):
    """The base of everything `rung.runtime` raises inside a running application."""
