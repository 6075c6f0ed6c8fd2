"""Two bills side by side: what a change, another rung or another environment costs. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from rung.price.bill import Bill


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


def moves(before: Bill, after: Bill) -> tuple[Move, ...]:
    """The nodes whose cost differs by a cent at least, the largest difference first."""
    one, other = before.by_node(), after.by_node()
    names = dict.fromkeys((*one, *other))
    found = [Move(node=name, before_usd=one.get(name, 0.0), after_usd=other.get(name, 0.0)) for name in names]
    return tuple(
        sorted((each for each in found if abs(each.usd) >= 0.01), key=lambda each: (-abs(each.usd), each.node))
    )


def as_markdown(before: Bill, after: Bill, reference: str) -> str:
    """The comment for a pull request: the total, what changed, and nothing when nothing did."""
    difference = after.total - before.total
    title = f"`{after.environment}` on {after.rung}: **${after.total:,.2f}** a month"
    found = moves(before, after)
    if not found:
        return f"{title}, as on `{reference}`.\n"
    lines = [
        f"{title}, {_signed(difference)} against `{reference}`.",
        "",
        "| node | before | after | difference |",
    ]
    lines.append("|---|--:|--:|--:|")
    lines += [
        f"| {_label(each.node)} | ${each.before_usd:,.2f} | ${each.after_usd:,.2f} | {_signed(each.usd)} |"
        for each in found
    ]
    return "\n".join(lines) + "\n"


def _label(node: str) -> str:
    return "the platform" if node == "@workload" else f"`{node}`"


def _signed(usd: float) -> str:
    return f"{'+' if usd >= 0 else '-'}${abs(usd):,.2f}"
