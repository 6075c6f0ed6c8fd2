"""Bills as people and as machines read them."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rung.price.bill import Bill
    from rung.price.charging import Line
    from rung.price.savings import Saving

_MARKS = {"list": "", "derived": " ~", "estimate": " ~", "memory": " ?"}


def print_bill(
    bill: Bill, found: Sequence[Saving], *, free_tier: bool, unpriced: Sequence[str] = ()
) -> None:  # fmt: skip
    """Every line below its node, the totals, and what would cost less."""
    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False)
    table = Table("part", "item", box=None, pad_edge=False)
    for heading in ("quantity", "unit", "US dollars"):
        table.add_column(heading, justify="left" if heading == "unit" else "right")
    sums = bill.by_node()
    for node in sums:
        table.add_row(f"[bold]{label(node)}[/]", "", "", "", f"[bold]{dollars(sums[node])}[/]")
        for line in _of(bill, node):
            quantity = f"{line.quantity:,.4g}" if line.quantity < 1e6 else f"{line.quantity:,.0f}"
            unit = f"{line.unit}, given" if line.given else line.unit
            table.add_row(f"  {line.part}", line.item, quantity, unit, dollars(line.usd) + _MARKS[line.basis])
    for free in bill.free if free_tier else ():
        table.add_row("  free tier", free.name, f"{free.quantity:,.4g}", free.unit, f"-{dollars(free.usd)}")
    console.print(table)
    console.print()
    for text in _summary(bill, free_tier=free_tier):
        console.print(text)
    for saving in found:
        mark = _MARKS[saving.basis] + ("" if saving.as_of else " ?")
        less = f"[bold]{dollars(saving.usd)} less[/]{mark}"
        console.print(f"{less}  {saving.name} ({saving.part}): {saving.because}")
        console.print(f"    {saving.break_even}; gives up: {saving.gives_up}; undone by: {saving.undone_by}")
        console.print(f"    prices: {saving.basis}, {_read_on(saving)}")
    if unpriced:
        console.print(
            f"contracts for {', '.join(unpriced)} are not compared: the book has no such price in {bill.region}; "
            f"rung prices update --region {bill.region} reads them"
        )


def _read_on(saving: Saving) -> str:
    return f"the oldest read on {saving.as_of}" if saving.as_of else "one of them on an unknown day"


def print_comparison(bills: Sequence[Bill]) -> None:
    """Several bills side by side, node by node."""
    from rich.console import Console
    from rich.table import Table

    nodes = dict.fromkeys(node for bill in bills for node in bill.by_node())
    table = Table("", box=None, pad_edge=False)
    for bill in bills:
        table.add_column(bill.rung, justify="right")
    for node in nodes:
        table.add_row(label(node), *(dollars(bill.by_node().get(node, 0.0)) for bill in bills))
    table.add_section()
    table.add_row("a month", *(dollars(bill.total) for bill in bills), style="bold")
    table.add_row("of it while nobody comes", *(dollars(bill.fixed) for bill in bills))
    Console(highlight=False).print(table)


def print_line(line: Line) -> None:
    """One line with its derivation and where its price was read."""
    print(f"{line.part}: {line.item}   {dollars(line.usd)}")
    print(f"   {line.quantity:,.6g} {line.unit}: {line.because}")
    print(f"   price: {line.basis}, {line.source}, {line.as_of or 'without a day'}\n")


def totals(bill: Bill) -> dict[str, float | None]:
    """The figures of a whole bill."""
    least, most = bill.interval()
    return {
        "total_usd": bill.total, "fixed_usd": bill.fixed, "least_usd": least, "most_usd": most,
        "free_tier_usd": bill.free_usd, "from_memory_usd": bill.of_basis("memory"),
        "per_thousand_requests_usd": bill.per_thousand_requests(), "per_tenant_usd": bill.per_tenant(),
        "share_of_revenue": bill.share_of_revenue(),
    }  # fmt: skip


def as_json(bill: Bill, found: Sequence[Saving], unpriced: Sequence[str] = ()) -> dict[str, Any]:
    """The bill as plain values."""
    return {
        "schema": "rung.estimate/1", "workload": bill.workload, "environment": bill.environment,
        "rung": bill.rung, "region": bill.region, **totals(bill),
        "lines": [asdict(line) for line in bill.lines], "free_tier": [asdict(each) for each in bill.free],
        "savings": [asdict(each) for each in found], "contracts_without_a_price": list(unpriced),
    }  # fmt: skip


def label(node: str) -> str:
    """A node as people call it."""
    return {"@workload": "platform", "@business": "business", "@objectives": "objectives"}.get(node, node)


def dollars(usd: float) -> str:
    """US dollars and cents."""
    return f"${usd:,.2f}"


def _of(bill: Bill, node: str) -> list[Line]:
    return sorted((line for line in bill.lines if line.node == node), key=lambda line: (line.part, -line.usd))


def _summary(bill: Bill, *, free_tier: bool) -> list[str]:
    least, most = bill.interval()
    total = bill.total - bill.free_usd if free_tier else bill.total
    name = f"{bill.workload} {bill.environment} on {bill.rung}, {bill.region}"
    between = f"{dollars(least)} to {dollars(most)}, {dollars(bill.fixed)} of it while nobody comes"
    texts = [f"{name}: [bold]{dollars(total)} a month[/] ({between})", *_shares(bill)]
    if bill.free and not free_tier:
        texts.append(f"{dollars(bill.free_usd)} less where nothing else uses the account's free tier: --free-tier")
    texts += _new_account(total)
    if unsure := bill.of_basis("memory"):
        texts.append(f"{dollars(unsure)} of it at prices from memory (?)")
    if any(line.basis != "list" for line in bill.lines):
        texts.append("~ derived or estimated, ? from memory: rung prices update reads the price list")
    texts.append("without tax and support; rung estimate --explain PART says where a quantity comes from")
    return texts


def _shares(bill: Bill) -> list[str]:
    texts: list[str] = []
    if (each := bill.per_thousand_requests()) is not None:
        texts.append(f"${each:.5f} for 1,000 requests")
    if (tenant := bill.per_tenant()) is not None:
        texts.append(f"{dollars(tenant)} for each of {bill.tenants} tenants")
    if (share := bill.share_of_revenue()) is not None:
        texts.append(f"{share:.1%} of the revenue")
    return texts


def _new_account(total: float) -> list[str]:
    """Credits matter to who pays little; nobody plans a large system with them."""
    from rung.price.free_tier import CREDITS_AT_SIGN_UP, CREDITS_MOST, months_of_credits

    least, most = months_of_credits(total)
    if least < 1:
        return []
    between = f"{dollars(CREDITS_AT_SIGN_UP)} to {dollars(CREDITS_MOST)}"
    return [f"the credits of a new account, {between}, pay {least:.0f} to {most:.0f} months of it"]
