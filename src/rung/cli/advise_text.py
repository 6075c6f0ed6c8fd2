"""The advice in a terminal: the answer first, then the rungs, what would change it, the parts, and Monday."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rung.advise.wording import dollars, people, rejected_text, title, trigger_text

if TYPE_CHECKING:
    from rich.console import Console

    from rung.advise.advice import Advised
    from rung.advise.part_choices import Choice
    from rung.advise.weighing import Option

#: Alternatives of one part that are shown; the others are in the JSON.
_ALTERNATIVES = 2


def print_advice(advised: Advised) -> None:
    """Print it to standard output."""
    from rich.console import Console

    console = Console(highlight=False, soft_wrap=True)
    console.print(title(advised).replace("**", ""), style="bold")
    console.print()
    _rungs(console, advised)
    for heading, lines in (
        ("why not the others", [f"{each.option.rung}: {rejected_text(each)}" for each in advised.rejected]),
        ("what would change it", [trigger_text(each) for each in advised.triggers]),
        ("where it stands", _move(advised)),
        ("sizes that were weighed", _trims(advised.recommended)),
        ("what a reviewer says", _reviews(advised)),
        ("parts", [line for choice in advised.choices for line in _choice(choice)]),
        ("on Monday", _monday(advised)),
        ("what this rests on", _facts(advised)),
    ):
        if lines:
            console.print(f"\n[bold]{heading}[/]")
            for line in lines:
                console.print(f"  {line}", markup=False)
    if not advised.triggers and advised.choices:
        console.print("\nno change of traffic or revenue by a factor of 32 alone would change it")


def _rungs(console: Console, advised: Advised) -> None:
    from rich.table import Table

    table = Table("rung", box=None, pad_edge=False)
    for name in ("in all", "bill", "people", "outages", "spikes", "p99"):
        table.add_column(name, justify="right", no_wrap=True)
    for option in advised.options:
        table.add_row(option.rung, *_cells(option), style="" if option.possible else "dim")
    console.print(table)
    console.print("US dollars a month; people's time, outages and spikes are expectations", style="dim")


def _cells(option: Option) -> list[str]:
    if option.design is None:
        return ["-"] * 6
    money = (option.total_usd, option.bill_usd, option.people_usd, option.outage_usd, option.spike_usd)
    p99 = option.p99_seconds
    return [*(dollars(each) for each in money), "-" if p99 is None else f"{p99 * 1_000:,.0f} ms"]


def _move(advised: Advised) -> list[str]:
    move = advised.move
    if move is None:
        return []
    saves, costs, best = dollars(move.saves_usd), dollars(move.costs_usd), advised.recommended.rung
    if not move.pays:
        within = f"within {advised.judgement.payback_months:g} months"
        return [f"it stands on {move.rung}: {saves} a month do not pay {costs} for the move {within}: stay"]
    months = move.payback_months
    back = "" if months is None else f", paid back in {months:,.1f} months"
    moving = f"moving to {best} saves {saves} a month and costs {costs} of people's time once{back}"
    return [f"it stands on {move.rung}: {moving}"]


def _trims(option: Option) -> list[str]:
    return [f"{trim.part}: {trim.field}={trim.after!r}; gives up {trim.gives_up}" for trim in option.trims]


def _choice(choice: Choice) -> list[str]:
    lines = [f"{choice.question}: {choice.chosen} ({choice.part}), {dollars(choice.bill_usd)} a month"]
    for each in choice.alternatives[:_ALTERNATIVES]:
        sign = "+" if each.total_usd >= 0 else "-"
        note = f"not here: {each.breaks}" if each.breaks else f"gives up {each.gives_up}"
        when = f"; right {each.when}" if each.when else ""
        lines.append(f"   {each.name}: {sign}{dollars(abs(each.total_usd))} in all; {note}{when}")
    return lines


def _reviews(advised: Advised) -> list[str]:
    """The counts of every rung in a line, and what is grave on the recommended one."""
    if not advised.reviews:
        return []
    counts = (f"{each.rung} {each.high} high, {each.medium} medium, {each.low} low" for each in advised.reviews)
    best = next(each for each in advised.reviews if each.rung == advised.recommended.rung)
    return ["; ".join(counts), *(f"{each.code} {each.node}: {each.found}" for each in best.grave)]


def _monday(advised: Advised) -> list[str]:
    lines = []
    for number, step in enumerate(advised.steps, 1):
        lines.append(f"{number}. {step.do}: {step.why}")
        if step.line:
            lines.append(f"   {step.line}")
    return lines


def _facts(advised: Advised) -> list[str]:
    lines = [f"{fact.name}: {fact.value} ({fact.origin}; {fact.why})" for fact in advised.facts]
    usage = advised.recommended.bill.usage if advised.recommended.bill else None
    if usage is not None and usage.users:
        lines.insert(
            0, f"{people(round(usage.users))}, {usage.busy_rate:,.4g} requests/s (given; the workload file)"
        )
    measured = (*advised.assumptions.basis, *advised.judgement.basis)
    lines += [f"{each.name} ({each.kind}; {each.how})" for each in measured]
    lines.append("every other assumption: rung advise --assumptions")
    return lines
