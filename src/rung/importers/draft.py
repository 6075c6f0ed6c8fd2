"""A workload file in the making: calls in an order that reads well, and what could not be carried over."""

from __future__ import annotations

import keyword
import re
from dataclasses import dataclass, field
from typing import Literal

from rung.errors import Finding, Location, Severity

WIDTH = 100
#: The defaults of a workload file: most tasks of a process, connections of each, and what is usable of a server's 100.
TASKS, POOL, CONNECTIONS = 4, 8, 80
Section = Literal["data", "messages", "secrets", "outside", "runs", "routes", "environments"]
_HEADS: dict[Section, str] = {
    "data": "What keeps data.",
    "messages": "What carries messages.",
    "secrets": "Secrets: their values are set on AWS, never here.",
    "outside": "What is outside of this workload.",
    "runs": "What runs.",
    "routes": "Where requests go.",
    "environments": "Where it runs.",
}


@dataclass(frozen=True, slots=True)
class Name:
    """A reference to a declared node, as Python writes it: `db`, `orders.send`."""

    text: str


Value = str | int | float | bool | Name | list["Value"] | dict[str, "Value"]


@dataclass(slots=True, kw_only=True)
class Call:
    """`variable = workload.method(name, ...)`; the arguments in order, and a comment above it."""

    section: Section
    method: str
    name: str | Name
    variable: str | None = None
    positional: tuple[Value, ...] = ()
    arguments: dict[str, Value] = field(default_factory=dict)
    comment: str = ""


class Draft:
    """The file: add calls, then `text()`. Names are made valid and unique."""

    def __init__(self, name: str, origin: str) -> None:
        self.name = node_name(name) or "workload"
        self.origin = origin
        self.variable = variable_name(self.name)
        self.repository: str | None = None
        self.imports: set[str] = {"Workload"}
        self.calls: list[Call] = []
        self.findings: list[Finding] = []
        self._names: set[str] = set()
        self._variables: set[str] = {self.variable}

    def unique(self, wanted: str) -> tuple[str, str]:
        """A node name and a variable that are still free."""
        base = node_name(wanted) or "node"
        name, number = base, 1
        while name in self._names:
            number += 1
            name = f"{base[:36]}-{number}"
        variable = variable_name(name)
        while variable in self._variables:
            variable += "_"
        self._names.add(name)
        self._variables.add(variable)
        return name, variable

    def declare(self, section: Section, method: str, wanted: str, **arguments: Value) -> Call:
        """Add a node."""
        name, variable = self.unique(wanted)
        call = Call(section=section, method=method, name=name, variable=variable)
        call.arguments = dict(arguments)
        self.calls.append(call)
        return call

    def find(
        self, code: str, message: str, location: Location | None, *, found: str = "", effect: str = "",
        help: str = "", severity: Severity = "warning",  # noqa: A002
    ) -> None:  # fmt: skip
        """Report what could not be carried over."""
        self.findings.append(
            Finding(code=code, severity=severity, message=message, location=location, found=found, effect=effect,
                    help=help)
        )  # fmt: skip

    def fit_pools(self) -> None:
        """Give databases pools that fit their servers when every process runs as often as it may."""
        for database in (call for call in self.calls if call.method == "postgres"):
            users = [call for call in self.calls if Name(database.variable or "") in _uses(call)]
            tasks = sum(int(str(call.arguments.get("max_tasks", TASKS))) for call in users if call.method != "job")
            if tasks * POOL > CONNECTIONS:
                database.arguments["pool_size"] = max(1, CONNECTIONS // tasks)

    def text(self) -> str:
        """The file. It holds exactly one workload, and every reference is declared before it is used."""
        imports = ", ".join(sorted(self.imports))
        repository = f", repository={literal(self.repository)}" if self.repository else ""
        lines = [
            f'"""The infrastructure of {self.name}, imported from {self.origin}. Yours to change from here."""',
            "", f"from rung import {imports}", "", f"{self.variable} = Workload({literal(self.name)}{repository})",
        ]  # fmt: skip
        for section, head in _HEADS.items():
            calls = [call for call in self.calls if call.section == section]
            if calls:
                lines += ["", f"# {head}"]
                for call in calls:
                    lines += self._lines(call)
        return "\n".join(lines) + "\n"

    def _lines(self, call: Call) -> list[str]:
        target = f"{call.variable} = " if call.variable and self._used(call) else ""
        name = call.name.text if isinstance(call.name, Name) else literal(call.name)
        words = [name, *(written(each) for each in call.positional)]
        words += [f"{key}={written(value)}" for key, value in call.arguments.items()]
        head = f"{target}{self.variable}.{call.method}("
        line = f"{head}{', '.join(words)})"
        comment = [f"# {each}" for each in call.comment.splitlines()]
        if len(line) <= WIDTH:
            return [*comment, line]
        return [*comment, head, *(f"    {word}," for word in words), ")"]

    def _used(self, call: Call) -> bool:
        """Whether something refers to it: a variable that nobody reads is noise."""
        pattern = re.compile(rf"\b{re.escape(call.variable or '')}\b")
        texts = (text for other in self.calls if id(other) != id(call) for text in _references(other))
        return any(pattern.search(text) for text in texts)


def _uses(call: Call) -> list[Value]:
    uses = call.arguments.get("uses", [])
    return uses if isinstance(uses, list) else []


def written(value: Value) -> str:
    """A value as Python writes it."""
    match value:
        case Name():
            return value.text
        case list():
            return f"[{', '.join(written(each) for each in value)}]"
        case dict():
            return "{" + ", ".join(f"{literal(key)}: {written(each)}" for key, each in value.items()) + "}"
        case str():
            return literal(value)
        case _:
            return repr(value)


def literal(text: str) -> str:
    """A text in double quotes, whatever is in it."""
    quoted = repr(text)
    if quoted.startswith("'") and '"' not in text:
        return f'"{quoted[1:-1]}"' if "\\'" not in quoted else quoted
    return quoted


def node_name(text: str) -> str:
    """Lower-case letters, digits and hyphens, beginning with a letter, at most 40."""
    name = re.sub(r"[^a-z0-9]+", "-", str(text).lower()).strip("-")
    name = name if not name or name[0].isalpha() else f"n-{name}"
    return name[:40].rstrip("-")


def variable_name(name: str) -> str:
    """The Python variable of a node: never a keyword, a builtin of the file, or the import's name."""
    variable = name.replace("-", "_")
    return (
        f"{variable}_"
        if keyword.iskeyword(variable) or variable in ("rung", "print", "list", "type")
        else variable
    )


def _references(call: Call) -> list[str]:
    found: list[str] = []

    def walk(value: Value) -> None:
        match value:
            case Name():
                found.append(value.text)
            case list():
                for each in value:
                    walk(each)
            case dict():
                for each in value.values():
                    walk(each)
            case _:
                return

    for value in (*call.positional, *call.arguments.values()):
        walk(value)
    if isinstance(call.name, Name):
        found.append(call.name.text)
    return found
