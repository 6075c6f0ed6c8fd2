"""The advice as an architecture decision record, in Markdown: what a team keeps and argues with. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from rung.advise.wording import dollars, title, trigger_text

if TYPE_CHECKING:
    from rung.advise.advice import Advised
    from rung.advise.weighing import Option

_HEAD = ("| rung | in all | bill | people | outages | spikes | why not |", "|---|--:|--:|--:|--:|--:|---|")
_EXPECTATIONS = (
    "US dollars a month. People's time, outages and spikes are expectations: `rung advise --assumptions` lists "
    "every assumption with its reason."
)
_NUMBER = re.compile(r"(\d{1,6})-.*\.md\Z")


def next_number(names: Iterable[str]) -> int:
    """The number after the largest of the records that are there."""
    return max((int(match[1]) for name in names if (match := _NUMBER.match(name))), default=0) + 1


def file_name(number: int, advised: Advised) -> str:
    """`0007-prod-on-fargate.md`."""
    return f"{number:04d}-{advised.environment}-on-{advised.recommended.rung}.md"


def as_decision(advised: Advised, number: int, day: str) -> str:
    """The whole record. `day` is the day on which it was written."""
    best = advised.recommended
    proposed = f"Proposed by `rung advise` on {day}; accepted when somebody who answers for it says so."
    lines = (
        *(f"# {number:04d}: {advised.environment} runs on {best.rung}", "", "## Status", "", proposed, ""),
        *("## Context", "", *_context(advised), ""),
        *("## Decision", "", title(advised), "", *_HEAD, *(_row(advised, each) for each in advised.options), ""),
        *(_EXPECTATIONS, "", *_trims(best)),
        *("## Consequences", "", *_consequences(advised), ""),
    )
    return "\n".join(lines)


def _context(advised: Advised) -> Iterator[str]:
    for fact in advised.facts:
        yield f"- {fact.name}: {fact.value} ({fact.origin}; {fact.why})"


def _row(advised: Advised, option: Option) -> str:
    if option.design is None:
        return f"| {option.rung} | | | | | | {option.limits[0].text} |"
    because = next((each.because for each in advised.rejected if each.option is option), "**recommended**")
    cells = (option.total_usd, option.bill_usd, option.people_usd, option.outage_usd, option.spike_usd)
    return f"| {option.rung} | " + " | ".join(dollars(cell) for cell in cells) + f" | {because} |"


def _trims(best: Option) -> Iterator[str]:
    if best.trims:
        yield "The rung is weighed without copies that nobody promised:"
        yield ""
        for trim in best.trims:
            yield f"- `{trim.part}.{trim.field}` is {trim.after!r}, not {trim.before!r}; gives up {trim.gives_up}"
        yield ""


def _consequences(advised: Advised) -> Iterator[str]:
    if not advised.steadiness.steady:
        yield f"- A toss-up with {advised.steadiness.rival}: {advised.steadiness.when}."
    for trigger in advised.triggers:
        yield f"- Decide again {trigger_text(trigger)}."
    for step in advised.steps:
        yield f"- Next: {step.do}; {step.why}." + (f" `{step.line}`" if step.line else "")
    if not advised.triggers:
        yield "- No change of traffic or revenue by a factor of 32 alone would change this."
