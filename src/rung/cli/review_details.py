"""What `rung review` knows part by part: whether a spike is held, what dies with a part, how stores come back."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from rung.model.durations import render_seconds
from rung.model.graph import Graph
from rung.model.measured import Behaviour
from rung.parts.design import Design
from rung.review.blast import Blast, blasts
from rung.review.recovery import Recovery, recoveries
from rung.review.spikes import Readiness, readiness
from rung.review.subject import Subject, subject_of

MOST_NAMES = 4


def details_as_json(graph: Graph, design: Design, behaviour: Behaviour) -> dict[str, object]:
    """The three tables as lists of objects; what has no limit is null."""
    subject = _subject(graph, design, behaviour)
    return {
        "spike": [_finite(asdict(each) | {"missed_share": each.missed_share}) for each in readiness(subject)],
        "blast_radius": [asdict(each) for each in blasts(subject)],
        "recovery": [asdict(each) for each in recoveries(subject)],
    }


def detail_lines(graph: Graph, design: Design, behaviour: Behaviour) -> Iterator[str]:
    """The three tables as text."""
    subject = _subject(graph, design, behaviour)
    yield from _table(
        ("spike", "arrives", "at once", "at most", "holds", "because"),
        [_spike(each) for each in readiness(subject)],
    )
    yield from _table(("without", "dies", "share", "slower", "waits"), [_blast(each) for each in blasts(subject)])
    yield from _table(
        ("store", "zone lost", "loses", "after a mistake", "loses", "because"),
        [_recovery(each, subject) for each in recoveries(subject)],
    )


def _subject(graph: Graph, design: Design, behaviour: Behaviour) -> Subject:
    return subject_of(graph, design, lambda _: 0.0, behaviour)


def _finite(values: dict[str, Any]) -> dict[str, Any]:
    return {name: None if value == math.inf else value for name, value in values.items()}


def _spike(each: Readiness) -> tuple[str, ...]:
    after = each.holds_after_seconds
    holds = "never" if after is None else "yes" if after == 0 else f"after {render_seconds(after)}"
    figures = (f"{value:,.0f}" if value < math.inf else "any" for value in (each.at_once, each.at_most))
    return (each.part, f"{each.load:,.0f} {each.unit}", *figures, holds, each.derivation)


def _blast(each: Blast) -> tuple[str, ...]:
    share = "" if each.share is None or not each.dies else f"{each.share:.0%}"
    return (each.part, _few(each.dies), share, _few(each.slower), _few(each.waits))


def _recovery(each: Recovery, subject: Subject) -> tuple[str, ...]:
    away = "not noticed" if not each.failover_seconds else render_seconds(each.failover_seconds)
    if each.failover_seconds and subject.availability:
        away += f" ({each.failover_seconds / 60 / subject.budget_minutes:.0%} of the month's budget)"
    back = "nothing is kept" if each.restore_seconds is None else _duration(each.restore_seconds)
    loses = "" if each.restore_seconds is None or each.point_seconds is None else _lost(each.point_seconds)
    return (each.part, away, each.failover_loses, back, loses, each.why)


def _duration(seconds: float) -> str:
    return render_seconds(seconds) if seconds else "at once"


def _lost(seconds: float) -> str:
    return f"up to {render_seconds(seconds)}" if seconds else "nothing"


def _few(names: Sequence[str]) -> str:
    """The first of many names."""
    more = f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
    return ", ".join(names[:MOST_NAMES]) + more


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Columns as wide as their widest text; a table without rows is left out."""
    if not rows:
        return
    widths = [max(len(row[index]) for row in (heads, *rows)) for index in range(len(heads))]
    yield ""
    for row in (heads, *rows):
        yield "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip()
