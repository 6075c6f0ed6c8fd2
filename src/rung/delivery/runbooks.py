"""Runbooks: one for each alarm, and for what no single alarm tells. Real names in every command.

A runbook says what it means, whom it hurts, how to look, what to do, whom to ask, and when it was last tried.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from rung.delivery.commands import COMMANDS, blocks
from rung.delivery.names import full_name, line_of
from rung.parts.design import Design
from rung.parts.operations import RUNBOOKS, Alarm, Budget, Notification, Objective, UptimeCheck
from rung.templates import text_of

FOLDER = "runbooks"
#: What people look for by what they see, not by the name of an alarm.
OPERATIONS = (
    "bad-deploy", "database-failover", "low-cpu-high-latency", "node-failure", "restart-loops", "restore",
    "rollback", "secret-leak", "terraform-state", "unusual-egress", "zone-outage",
)  # fmt: skip
_LINK = re.compile(r"\]\(([a-z-]+)\.md\)")
_PLACE = re.compile(r"<<([a-z_]+)>>")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ring:
    """Something that rings and names a runbook: its name, when it rings, and the part it watches."""

    design: Design
    name: str
    when: str
    severity: str
    part: str
    line: str


def runbook_files(designs: Mapping[str, Design], also: Iterable[str] = ()) -> dict[str, str]:
    """Every runbook that an alarm names, those that people look for, those in `also`, and all they lead to."""
    if not designs:
        return {}
    ringing = rings(designs)
    slugs = _closure({*ringing, *OPERATIONS, *also})
    texts = {f"{FOLDER}/{slug}.md": _runbook(slug, designs, ringing.get(slug, ())) for slug in sorted(slugs)}
    return {**texts, f"{FOLDER}/README.md": _index(sorted(slugs), ringing)}


def rings(designs: Mapping[str, Design]) -> dict[str, tuple[Ring, ...]]:
    """Runbook to everything that names it, production first."""
    found: dict[str, list[Ring]] = {}
    for design in sorted(designs.values(), key=lambda each: not each.production):
        for slug, ring in _rings_of(design):
            found.setdefault(slug, []).append(ring)
    return {slug: tuple(each) for slug, each in found.items()}


def title_of(slug: str) -> str:
    """The title of a runbook: the list of alarms' runbooks gives it, or its own first line."""
    return RUNBOOKS.get(slug) or _template(slug).partition("\n")[0].removeprefix("# ")


def _rings_of(design: Design) -> Iterator[tuple[str, Ring]]:
    for part in design.parts:
        if not isinstance(part, Alarm | Objective | Budget | UptimeCheck):
            continue
        name, line = full_name(design, part.name), line_of(design, part)
        when, severity, watched = _when(part)
        yield part.runbook, Ring(design=design, name=name, when=when, severity=severity, part=watched, line=line)


def _when(part: Alarm | Objective | Budget | UptimeCheck) -> tuple[str, str, str]:
    match part:
        case Alarm():
            metric = part.metrics[0].name if part.expression is None else "the share"
            often = f"{part.periods_to_alarm} of {part.periods} times {part.period_seconds} s"
            return f"{metric} {part.comparison} {part.threshold:g}, {often}: {part.why}", part.severity, part.part
        case Objective():
            return f"the error budget of {part.availability:.2%} burns too fast", "page", part.load_balancer
        case Budget():
            return f"50, 80 and 100 % of ${part.monthly_usd:,.0f} a month", "ticket", part.name
        case UptimeCheck():
            return f"https://{part.domain}{part.path} does not answer", "page", part.name


def _runbook(slug: str, designs: Mapping[str, Design], ringing: tuple[Ring, ...]) -> str:
    shown = _shown(designs, ringing)
    values = {"title": title_of(slug), "rings": _table(ringing), "escalation": _escalation(designs)}
    paragraphs: list[str] = []
    for paragraph in _template(slug).split("\n\n"):
        place = _PLACE.fullmatch(paragraph.strip())
        text = blocks(place[1], shown) if place and place[1] in COMMANDS else _filled(paragraph, values)
        if text.strip():
            paragraphs.append(text.strip("\n"))
        elif paragraphs and paragraphs[-1].endswith(":"):
            paragraphs.pop()  # the sentence that introduced commands which do not apply here
    return "\n\n".join(paragraphs) + "\n"


def _filled(paragraph: str, values: Mapping[str, str]) -> str:
    return _PLACE.sub(lambda place: values[place[1]], paragraph)


def _shown(designs: Mapping[str, Design], ringing: tuple[Ring, ...]) -> list[tuple[Design, tuple[str, ...]]]:
    """One environment of each rung, production where there is one, with the parts that ring there."""
    ordered = sorted(designs.values(), key=lambda design: not design.production)
    candidates = [design for design in ordered if not ringing or any(ring.design is design for ring in ringing)]
    by_rung: dict[str, Design] = {}
    for design in candidates:
        by_rung.setdefault(design.rung, design)
    return [
        (design, tuple(dict.fromkeys(ring.part for ring in ringing if ring.design is design)))
        for design in by_rung.values()
    ]


def _table(ringing: tuple[Ring, ...]) -> str:
    if not ringing:
        return "No alarm names this runbook; others lead to it."
    rows = [
        f"| {ring.design.environment} | `{ring.name}` | {ring.when} | {ring.severity} | {ring.line} |"
        for ring in ringing
    ]
    return "\n".join(["| where | what rings | when | severity | from |", "|---|---|---|---|---|", *rows])


def _escalation(designs: Mapping[str, Design]) -> str:
    lines = []
    for design in designs.values():
        people = [each.address for topic in design.of(Notification) for each in topic.recipients]
        told = ", ".join(f"`{address}`" for address in people) or "nobody"
        lines.append(f"- {design.environment}: {told}")
    return text_of("rung.delivery", "runbooks/escalation.txt").replace("<<people>>", "\n".join(lines)).strip()


def _closure(slugs: set[str]) -> set[str]:
    """The runbooks and all that they lead to."""
    found: set[str] = set()
    waiting = sorted(slugs)
    while waiting:
        slug = waiting.pop()
        if slug not in found:
            found.add(slug)
            waiting += _LINK.findall(_template(slug))
    return found


def _index(slugs: list[str], ringing: Mapping[str, tuple[Ring, ...]]) -> str:
    alarms = [f"- [{title_of(slug)}]({slug}.md)" for slug in slugs if slug in ringing]
    others = [f"- [{title_of(slug)}]({slug}.md)" for slug in slugs if slug not in ringing]
    text = text_of("rung.delivery", "runbooks/index.txt")
    return text.replace("<<alarms>>", "\n".join(alarms)).replace("<<others>>", "\n".join(others))


def _template(slug: str) -> str:
    return text_of("rung.delivery", f"runbooks/{slug}.md")
