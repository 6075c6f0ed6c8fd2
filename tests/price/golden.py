"""Golden bills: the shop in every environment on every rung that holds it, each line with its derivation.

python -m tests.price.golden     writes them anew, after a change that is meant
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from rung.errors import ModelError
from rung.model.graph import Graph
from rung.model.nodes import Environment
from rung.model.read import load_workload
from rung.price.bill import Bill, bill
from rung.price.book import PriceBook, shipped_book
from rung.rungs import place

FOLDER = Path(__file__).parent / "golden"
SHOP = Path(__file__).parents[2] / "workloads" / "shop" / "workload.py"
RUNGS = ("box", "host", "fargate")


def golden_bills(graph: Graph, book: PriceBook) -> Iterator[tuple[str, str]]:
    """The name of each file and what must be in it."""
    for environment in graph.of(Environment):
        for rung in RUNGS:
            try:
                design = place(graph, environment.name, rung=rung)
            except ModelError:
                continue
            yield f"{environment.name}-{rung}.txt", as_text(bill(design, graph, book))


def as_text(found: Bill) -> str:
    """A bill with the derivation of every line: amounts to six digits, dollars to the cent."""
    texts = [f"{found.workload} {found.environment} on {found.rung}, {found.region}"]
    for line in sorted(found.lines, key=lambda each: (each.node, each.part, each.item)):
        texts.append(
            f"{line.node} / {line.part} / {line.item}: {line.quantity:.6g} {line.unit} = {line.usd:.2f} USD"
        )
        texts.append(f"    {line.because}; {line.depends}; price {line.basis}")
    texts += [
        f"free tier / {each.name}: {each.quantity:.6g} {each.unit} = -{each.usd:.2f} USD" for each in found.free
    ]
    texts.append(f"total {found.total:.2f} USD, {found.fixed:.2f} of it fixed, {found.free_usd:.2f} free")
    return "\n".join(texts) + "\n"


def main() -> None:
    """Write every golden bill, and take away those of what no longer exists."""
    FOLDER.mkdir(exist_ok=True)
    wanted = dict(golden_bills(load_workload(SHOP), shipped_book()))
    for file in FOLDER.glob("*.txt"):
        if file.name not in wanted:
            file.unlink()
    for name, text in wanted.items():
        (FOLDER / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
