"""A review of a design: what a good reviewer would say, with line, evidence and the cost of the cure. Pure.

`rung check` finds what is wrong in the graph alone; here is what only the finished design shows, in the six
pillars of AWS's Well-Architected Framework. Rules are tables (one module for each pillar), cures are changes of
the graph (`cures.py`), so that a cure can be placed, priced and tested: with it in the file, the finding is gone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from rung.model.graph import Graph
from rung.model.measured import Behaviour
from rung.model.nodes import Business
from rung.parts.design import Design, Part
from rung.parts.network import Network
from rung.review.advice import PILLARS, SEVERITIES, Advice, Found, Rule
from rung.review.cures import Change, Notify, SetField, SetRepository, SizePart, State, apply, merged, text_of
from rung.review.subject import Subject, subject_of

__all__ = ["Advice", "apply", "review", "rules"]

#: So many findings of one kind are told one by one.
MOST_ALIKE = 2
#: Arguments of nodes that nothing is charged for.
FREE_FIELDS = frozenset({
    "max_receive_count", "retention_seconds", "deadline_seconds", "statement_timeout_seconds", "eviction",
    "concurrency",
})  # fmt: skip
#: What a workload that was changed costs more in a month, in US dollars; None where it cannot be told.
Cured = Callable[[Graph], float | None]


def rules() -> tuple[Rule, ...]:
    """Every rule, in the order of the pillars."""
    from rung.review import cost, operations, performance, reliability, security, sustainability

    modules = (operations, security, reliability, performance, cost, sustainability)
    return tuple(rule for module in modules for rule in module.RULES)


def review(
    graph: Graph,
    design: Design,
    *,
    monthly_dollars: Callable[[Part], float],
    cured: Cured | None = None,
    behaviour: Behaviour | None = None,
) -> tuple[Advice, ...]:
    """Every finding about `design`, the worst first.

    `monthly_dollars` prices one part of it. `cured` tells what the workload with a cure in it costs more: without
    it, only cures that size a part are priced. `behaviour` is what requests cost, measured or assumed.
    """
    subject = subject_of(graph, design, monthly_dollars, behaviour)
    found = [_advice(subject, rule, each, cured) for rule in rules() for each in _few(list(rule.find(subject)))]
    return tuple(sorted(found, key=lambda each: (SEVERITIES.index(each.severity), _pillar(each), each.code)))


def _few(found: list[Found]) -> list[Found]:
    """Many findings of one kind are one finding that names the others, so that they do not hide the rest."""
    if len(found) <= MOST_ALIKE:
        return found
    first, *others = found
    names = ", ".join(dict.fromkeys(each.node for each in others))
    changes = merged(change for each in found for change in each.changes)
    return [
        replace(
            first, message=f"{first.message}, and {len(others)} more", changes=changes,
            evidence=f"{first.evidence}; the same of {names}",
        )
    ]  # fmt: skip


def _pillar(advice: Advice) -> int:
    return list(PILLARS).index(advice.pillar)


def _advice(subject: Subject, rule: Rule, found: Found, cured: Cured | None) -> Advice:
    environment = subject.design.environment
    cure = f"write {text_of(found.changes, subject.declared, environment)}"
    return Advice(
        code=rule.code, pillar=rule.pillar, severity=rule.severity, node=found.node,
        location=subject.graph.location(found.node) or subject.graph.location("@workload"), found=found.message,
        evidence=found.evidence, effect=rule.effect, likelihood=rule.likelihood, harm=rule.harm,
        cure=f"{cure}; {found.note}" if found.note else cure, changes=found.changes, taxonomy=rule.taxonomy,
        cure_dollars_monthly=_dollars(subject, found.changes, cured),
    )  # fmt: skip


def _dollars(subject: Subject, changes: tuple[Change, ...], cured: Cured | None) -> float | None:
    if all(_is_free(change) for change in changes):
        return 0.0
    sizes = [change for change in changes if isinstance(change, SizePart)]
    if len(sizes) == len(changes) and (cured is None or not _reaches_others(subject, sizes)):
        return _resized(subject, sizes)
    return None if cured is None else cured(apply(subject.declared, subject.design.environment, changes))


def _is_free(change: Change) -> bool:
    """What no line of a bill depends on: who is told, who may deploy, what the money is, how long is waited."""
    match change:
        case Notify() | SetRepository() | State(fact=Business()):
            return True
        case SetField(field=field):
            return field in FREE_FIELDS
        case _:
            return False


def _reaches_others(subject: Subject, sizes: list[SizePart]) -> bool:
    """Whether a size changes what other parts cost: zones and the way out do, and parts that follow a node."""
    return any(
        size.part not in subject.design.by_name or isinstance(subject.design.part(size.part), Network)
        for size in sizes
    )


def _resized(subject: Subject, sizes: list[SizePart]) -> float | None:
    """What parts of other sizes cost more. A part that is named by its node counts as that part."""
    changes: dict[str, dict[str, object]] = {}
    for size in sizes:
        changes.setdefault(size.part, {})[size.field] = size.value
    parts: Mapping[str, Part] = subject.design.by_name
    if not changes.keys() <= parts.keys():
        return None
    more = 0.0
    for name, values in changes.items():
        changed: Part = replace(parts[name], **values)  # type: ignore[arg-type]
        more += subject.monthly_dollars(changed) - subject.costs[name]
    return more
