"""One call in a workload file: where it stands, and its arguments read into a node.

A mistake is kept as a finding and reading goes on, so that one run reports them all.
"""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from rung.errors import Finding, Location
from rung.model.durations import parse_seconds
from rung.model.edges import PLAIN_VERBS, VERBS, Use
from rung.model.handles import Handle
from rung.model.nodes import Node, Variable
from rung.model.shapes import describe, record_mismatches
from rung.model.sources import line_of
from rung.near import nearest

if TYPE_CHECKING:
    from rung.model.builder import Workload

#: What the user calls a field that is stored under another name.
REFERENCE = "docs/reference/workload-file.md lists every call with its parameters and units"
PARAMETERS = {"memory_mib": "memory", "storage_gib": "storage"}


class Statement:
    """The call of one builder method. Made first thing in that method: it looks at the caller's frame."""

    def __init__(self, workload: Workload, call: str) -> None:
        frame = sys._getframe(2)  # noqa: SLF001 - CPython's documented way to a caller's line
        self.location = line_of(frame.f_code.co_filename, frame.f_lineno)
        self._workload = workload
        self._call = call
        self.problems: list[Finding] = []

    def seconds(self, parameter: str, value: object) -> float:
        """A duration as seconds; zero when it is none, which is then a finding."""
        try:
            return parse_seconds(value)
        except ValueError as error:
            self._not_understood(parameter, str(error))
            return 0.0

    def seconds_or_none(self, parameter: str, value: object) -> float | None:
        """A duration as seconds, or None when there is none."""
        return None if value is None else self.seconds(parameter, value)

    def number(self, parameter: str, value: object) -> float:
        """A number as a fraction; zero when it is none, which is then a finding."""
        if isinstance(value, int | float) and not isinstance(value, bool):
            return float(value)
        self._not_understood(parameter, f"expected a number, found {describe(value)}")
        return 0.0

    def words(self, parameter: str, value: object) -> Any:
        """A list or tuple of words as a tuple; a set is sorted. Anything else is left to the type check."""
        if isinstance(value, str):
            self._not_understood(parameter, f"{value!r} is one text: write a list, such as [{value!r}]")
            return ()
        return _as_tuple(value)

    def command(self, value: object) -> Any:
        """A command line: a list of words, or one text that is split as a shell would."""
        return tuple(shlex.split(value)) if isinstance(value, str) else _as_tuple(value)

    def variables(self, value: object) -> Any:
        """Plain environment variables, in the order given."""
        if value is None:
            return ()
        found = value.items() if isinstance(value, Mapping) else [(value, value)]
        texts = [(name, text) for name, text in found if isinstance(name, str) and isinstance(text, str)]
        if not isinstance(value, Mapping) or len(texts) < len(found):
            self._not_understood("variables", 'write a dict of text to text, such as {"LOCALE": "en"}')
        return tuple(Variable(name=name, value=text) for name, text in texts)

    def mapping(self, parameter: str, value: object) -> Mapping[Any, Any]:
        """A dict; an empty one when it is none, which is then a finding."""
        if isinstance(value, Mapping):
            return value
        self._not_understood(parameter, f"expected a dict, found {describe(value)}")
        return {}

    def reference(self, parameter: str, value: object, allowed: tuple[type[Handle], ...]) -> str:
        """The name of the node that `value` refers to; empty when it refers to none, which is then a finding."""
        if isinstance(value, allowed) and value.workload is self._workload:
            return value.name
        wanted = " or ".join(_article(each.kind) for each in allowed)
        self._bad_reference(parameter, value, wanted)
        return ""

    def references(self, parameter: str, values: object, allowed: tuple[type[Handle], ...]) -> tuple[str, ...]:
        """The names of several nodes."""
        if isinstance(values, Iterable) and not isinstance(values, str):
            return tuple(
                self.reference(f"{parameter}[{index}]", each, allowed) for index, each in enumerate(values)
            )
        self._bad_reference(parameter, values, "a list of nodes")
        return ()

    def uses(self, values: object) -> tuple[Use, ...]:
        """What `uses=[...]` says: nodes, which mean their ordinary verbs, and verbs such as `orders.send`."""
        if isinstance(values, Handle | Use | str) or not isinstance(values, Iterable):
            self._bad_reference("uses", values, "a list of nodes, such as uses=[db, orders.send]")
            return ()
        found = (self._use(f"uses[{index}]", each) for index, each in enumerate(values))
        return tuple(use for use in found if use is not None)

    def check(self, record_type: type[Node], values: Mapping[str, object]) -> bool:
        """Whether `values` make a node of that type; each one that does not is a finding."""
        before = len(self.problems)
        for mismatch in record_mismatches(record_type, values, "$"):
            field = mismatch.path.removeprefix("$.")
            name, dot, rest = field.partition(".")
            name = PARAMETERS.get(name, name.removesuffix("_seconds"))
            self._not_understood(f"{name}{dot}{rest}", f"expected {mismatch.expected}, found {mismatch.found}")
        return len(self.problems) == before

    def repeated(self, what: str, first: Location | None) -> None:
        """`shop.traffic(...)` and its like are said once."""
        self._report(
            "R0213",
            f"{self._call} is called twice",
            effect=f"only one {what} can hold, and which one would be a guess",
            advice="keep one of the two calls",
            related=() if first is None else (first,),
        )

    def wrong_fact(self, expected: str, value: object) -> None:
        """`shop.traffic(...)` takes a `Traffic` and nothing else."""
        self._not_understood(expected.lower(), f"expected {expected}(...), found {describe(value)}")

    def _use(self, parameter: str, value: object) -> Use | None:
        if isinstance(value, Use):
            if value.target in self._workload.names:
                return value
            self._bad_reference(parameter, value, f"a node of {self._workload.name!r}")
            return None
        if isinstance(value, Handle) and value.workload is self._workload:
            if value.kind in PLAIN_VERBS:
                return Use(target=value.name, verbs=PLAIN_VERBS[value.kind])
            self._no_plain_verb(parameter, value)
            return None
        self._bad_reference(parameter, value, "a node, such as db, or a verb of one, such as orders.send")
        return None

    def _no_plain_verb(self, parameter: str, handle: Handle) -> None:
        verbs = VERBS.get(handle.kind, ())
        help_text = (
            " or ".join(f"{handle.name}.{verb}" for verb in verbs)
            if verbs
            else f"nothing uses {_article(handle.kind)}: leave it out"
        )
        self._report(
            "R0208",
            f'{self._call}: {parameter} does not say what is done with {handle.kind} "{handle.name}"',
            effect="no permission can be derived",
            advice=f"write {help_text}" if verbs else help_text,
        )

    def _bad_reference(self, parameter: str, value: object, wanted: str) -> None:
        help_text = f"pass what {self._workload.name}.…(...) returned"
        if isinstance(value, str):
            near = value if value in self._workload.names else nearest(value, self._workload.names)
            help_text = "references are objects, never text" + (
                f': pass the variable that holds "{near}"' if near else ""
            )
        elif isinstance(value, Handle | Use):
            help_text = f"write {wanted}"
        found = repr(value) if isinstance(value, Handle | Use) else describe(value)
        self._report(
            "R0208",
            f"{self._call}: {parameter} is not {wanted}",
            found=found,
            effect="nobody can tell who uses what",
            advice=help_text,
        )

    def _not_understood(self, parameter: str, why: str) -> None:
        self._report("R0207", f"{self._call}: {parameter} is not understood", found=why, advice=REFERENCE)

    def _report(
        self, code: str, message: str, *, found: str = "", effect: str = "", advice: str = "",
        related: tuple[Location, ...] = (),
    ) -> None:  # fmt: skip
        finding = Finding(
            code=code, severity="error", message=message, location=self.location, found=found, effect=effect,
            help=advice, related=related,
        )  # fmt: skip
        self.problems.append(finding)


def _as_tuple(value: object) -> object:
    if isinstance(value, set | frozenset):
        return tuple(sorted(value, key=str))
    return tuple(value) if isinstance(value, list) else value


def _article(kind: str) -> str:
    return f"an {kind}" if kind[0] in "aeiou" else f"a {kind}"
