"""The advice as one HTML page: the answer, the rungs in dollars, what would change it, the parts, Monday. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import TYPE_CHECKING

from rung.advise.wording import dollars, rejected_text, title, trigger_text
from rung.page import as_tiles, badge, heading, page, row, table

if TYPE_CHECKING:
    from rung.advise.advice import Advised
    from rung.advise.part_choices import Choice
    from rung.advise.weighing import Option

_COLUMNS = ("rung", "in all", "bill", "people", "outages", "spikes", "hours", "why not")


def as_page(advised: Advised) -> str:
    """The whole document."""
    best = advised.recommended
    answer = escape(title(advised).replace("**", ""))
    mark = badge("steady", "good") if advised.steadiness.steady else badge("toss-up", "warn")
    tiles = as_tiles(
        (
            ("rung", escape(best.rung), mark),
            ("in all", dollars(best.total_usd), "a month, expectations included"),
            ("bill", dollars(best.bill_usd), "a month, without tax and support"),
            ("people", f"{best.hours:.1f} h", f"a month, {dollars(best.people_usd)}"),
        )
    )
    body = (
        f"<header><h1>{escape(advised.workload)} {escape(advised.environment)}</h1><p>{answer}</p></header>"
        f"<main id='main'>{tiles}{_section('The rungs', _rungs(advised))}"
        f"{_list('What would change it', (trigger_text(each) for each in advised.triggers))}"
        f"{_section('The parts', _parts(advised.choices))}"
        f"{_list('On Monday', (_step(each.do, each.why, each.line) for each in advised.steps))}"
        f"{_section('What this rests on', _facts(advised))}</main>"
    )
    return page(f"{advised.workload}: which rung it has earned", body, "the advice")


def _section(name: str, content: str) -> str:
    return f"<section><h2>{escape(name)}</h2>{content}</section>" if content else ""


def _list(name: str, texts: Iterable[str]) -> str:
    items = "".join(f"<li>{escape(text)}</li>" for text in texts)
    return _section(name, f"<ol>{items}</ol>" if items else "")


def _step(do: str, why: str, line: str) -> str:
    return f"{do}: {why}" + (f" ({line})" if line else "")


def _rungs(advised: Advised) -> str:
    reasons = {each.option.rung: rejected_text(each) for each in advised.rejected}
    rows = (row(each.rung, _cells(each, reasons), total=each is advised.recommended) for each in advised.options)
    return table("US dollars a month", heading(_COLUMNS), rows)


def _cells(option: Option, reasons: dict[str, str]) -> list[str]:
    why = escape(reasons.get(option.rung, "recommended"))
    if option.design is None:
        return ["-"] * 6 + [why]
    money = (option.total_usd, option.bill_usd, option.people_usd, option.outage_usd, option.spike_usd)
    return [*(dollars(each) for each in money), f"{option.hours:.1f}", why]


def _parts(choices: tuple[Choice, ...]) -> str:
    rows = []
    for choice in choices:
        rows.append(row(f"{choice.question}: {choice.chosen}", (dollars(choice.bill_usd), "", ""), total=True))
        for each in choice.alternatives:
            note = f"not here: {each.breaks}" if each.breaks else f"gives up {each.gives_up}"
            cells = (dollars(each.bill_usd), dollars(each.total_usd), escape(note))
            rows.append(row(each.name, cells))
    head = heading(("part and alternatives", "on the bill", "in all", "what it means"))
    return table("US dollars a month, alternatives as a difference", head, rows) if rows else ""


def _facts(advised: Advised) -> str:
    rows = (row(each.name, (escape(each.value), each.origin, escape(each.why))) for each in advised.facts)
    return table("Facts", heading(("fact", "value", "is", "where it comes from")), rows)
