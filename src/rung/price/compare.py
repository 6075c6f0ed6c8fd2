"""Two bills side by side: what a change, another rung or another environment costs. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from rung.price.bill import Bill
from rung.price.charging import Line

#: Lines that are shown of a difference; more are seldom read in a pull request.
MOST_LINES = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """One node's cost in both bills, US dollars in a month; 0 where it is not there."""

    node: str
    before_usd: float
    after_usd: float

    @property
    def usd(self) -> float:
        """How much more it costs."""
        return self.after_usd - self.before_usd


def moves(before: Bill | None, after: Bill) -> tuple[Move, ...]:
    """The nodes whose cost differs by a cent at least, the largest first. No bill before: all are new."""
    one, other = before.by_node() if before else {}, after.by_node()
    names = dict.fromkeys((*one, *other))
    found = [Move(node=name, before_usd=one.get(name, 0.0), after_usd=other.get(name, 0.0)) for name in names]
    return tuple(
        sorted((each for each in found if abs(each.usd) >= 0.01), key=lambda each: (-abs(each.usd), each.node))
    )


def as_markdown(before: Bill | None, after: Bill, reference: str, *, why: str = "") -> str:
    """The comment for a pull request: the total, what changed line by line, and nothing when nothing did.

    `before` None: there was no such bill, and `why` says so.
    """
    title = f"`{after.environment}` on {after.rung}: **${after.total:,.2f}** a month"
    found = moves(before, after)
    if before is not None and not found:
        return f"{title}, as on `{reference}`.{_over(after)}\n"
    difference = f"{_signed(after.total - before.total)} against `{reference}`" if before else f"new: {why}"
    rows = [
        f"| {_label(each.node)} | ${each.before_usd:,.2f} | ${each.after_usd:,.2f} | {_signed(each.usd)} |"
        for each in found
    ]
    head = ["| node | before | after | difference |", "|---|--:|--:|--:|"]
    return "\n".join([f"{title}, {difference}.{_over(after)}", "", *head, *rows, *_details(before, after)]) + "\n"


def _over(after: Bill) -> str:
    """Whether the bill is over its budget, and what of it nobody has read from a list."""
    texts = []
    budget = after.monthly_budget_usd
    if budget and after.total > budget:
        texts.append(f" **Over the budget of ${budget:,.0f}.**")
    if unsure := after.of_basis("memory"):
        texts.append(f" ${unsure:,.2f} of it at prices from memory.")
    return "".join(texts)


def _details(before: Bill | None, after: Bill) -> list[str]:
    """The lines that changed most, folded."""
    one = {(line.part, line.item): line for line in before.lines} if before else {}
    other = {(line.part, line.item): line for line in after.lines}
    changed = [
        (key, one.get(key), other.get(key))
        for key in dict.fromkeys((*one, *other))
        if abs(_usd(other.get(key)) - _usd(one.get(key))) >= 0.01
    ]
    changed.sort(key=lambda each: (-abs(_usd(each[2]) - _usd(each[1])), each[0]))
    rows = [
        f"| {part} | {item} | {_amount(then)} | {_amount(now)} | {_signed(_usd(now) - _usd(then))} |"
        for (part, item), then, now in changed[:MOST_LINES]
    ]
    more = [f"| | {len(changed) - MOST_LINES} more | | | |"] if len(changed) > MOST_LINES else []
    head = ["| part | line | before | after | difference |", "|---|---|--:|--:|--:|"]
    return ["", "<details><summary>Lines</summary>", "", *head, *rows, *more, "", "</details>"]


def _usd(line: Line | None) -> float:
    return line.usd if line else 0.0


def _amount(line: Line | None) -> str:
    return f"{line.quantity:,.4g} {line.unit}" if line else ""


def _label(node: str) -> str:
    return "the platform" if node == "@workload" else f"`{node}`"


def _signed(usd: float) -> str:
    return f"{'+' if usd >= 0 else '-'}${abs(usd):,.2f}"
