"""What an environment knows better than the rung: fields of parts, set after the rung has chosen them. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, cast

from rung.model.environments import Sizing
from rung.model.near import suggestion
from rung.model.shapes import field_types, mismatches
from rung.parts.design import Part
from rung.rungs.setting import Setting

#: What identifies a part, and what the graph says, is not a matter of size.
FIXED = frozenset({"kind", "name", "node", "existing", "stacks", "forwards", "container", "metrics", "part"})


@dataclass(frozen=True, slots=True, kw_only=True)
class InVain:
    """A size that sets nothing, and why."""

    sizing: Sizing
    reason: str


def overridden(setting: Setting, parts: tuple[Part, ...]) -> tuple[Part, ...]:
    """The parts with the environment's sizes. What does not fit is left out: `in_vain` names it."""
    return tuple(_changed(setting, part) for part in parts)


def _changed(setting: Setting, part: Part) -> Part:
    changes = {
        sizing.field: fitting(sizing.value, field_types(type(part))[sizing.field])
        for sizing in setting.environment.sizes
        if _is_meant(part, sizing) and not problem_of(part, sizing)
    }
    return cast("Part", replace(cast("Any", part), **changes)) if changes else part


def in_vain(setting: Setting, parts: tuple[Part, ...]) -> Iterator[InVain]:
    """The sizes that name no part, a field that the part does not have, or a value that it cannot hold."""
    for sizing in setting.environment.sizes:
        named = [part for part in parts if sizing.part in (part.name, part.node)]
        meant = [part for part in named if _is_meant(part, sizing)]
        if not named:
            names = [part.name for part in parts]
            yield InVain(sizing=sizing, reason=f'there is no part "{sizing.part}"{suggestion(sizing.part, names)}')
        elif not meant:
            own = next((part for part in named if part.name == sizing.part), named[0])
            known = sorted(set(field_types(type(own))) - FIXED)
            near = suggestion(sizing.field, known)
            there = ", ".join(known)
            yield InVain(
                sizing=sizing, reason=f'{own.kind} "{own.name}" has no "{sizing.field}"{near}; it has {there}'
            )
        else:
            reasons = (problem_of(part, sizing) for part in meant)
            yield from (InVain(sizing=sizing, reason=reason) for reason in reasons if reason)


def _is_meant(part: Part, sizing: Sizing) -> bool:
    """A part by its own name, or every part of a node that has such a field."""
    return sizing.part in (part.name, part.node) and sizing.field in set(field_types(type(part))) - FIXED


def problem_of(part: Part, sizing: Sizing) -> str:
    """Why the part cannot hold the value; empty when it can."""
    expected = field_types(type(part))[sizing.field]
    wrong = next(mismatches(fitting(sizing.value, expected), expected, sizing.field), None)
    return f"expected {wrong.expected}, found {wrong.found}" if wrong else ""


def fitting(value: object, expected: Any) -> object:
    """A whole number where a fraction is expected is one."""
    return float(value) if expected is float and type(value) is int else value
