"""What a minute of a forecast costs: the bill's lines as rates. Price and forecast know nothing of each other."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rung.forecast.simulate import Running
    from rung.model.graph import Graph
    from rung.parts.design import Design
    from rung.price.bill import Bill

HOURS_PER_MONTH = 730.0


def dollars_per_hour(graph: Graph, design: Design, *, vcpu_per_acu: float) -> Callable[[Running], float] | None:
    """US dollars in an hour of what runs; None where the design cannot be priced.

    Tasks cost their share of the part's vCPU and memory, the database its capacity, the rest of what grows with
    visitors its price for each request, and what is fixed its 730th part.
    """
    from rung.errors import UserError
    from rung.price.assumptions import Assumptions
    from rung.price.bill import bill
    from rung.price.shelf import book_in_use
    from rung.price.usage import usage_of

    try:
        found = bill(design, graph, book_in_use(), Assumptions(), strict=False)
        requests = usage_of(graph, production=True).requests.value
    except UserError:
        return None
    tasks, acu, fixed, each = _rates(found, design, requests)

    def cost(running: Running) -> float:
        capacity = sum(count * tasks.get(name, 0.0) for name, count in running.tasks)
        store = running.store_vcpu / vcpu_per_acu * acu if vcpu_per_acu else 0.0
        return capacity + store + fixed + running.requests * 60 * each

    return cost


def _rates(found: Bill, design: Design, requests: float) -> tuple[dict[str, float], float, float, float]:
    """Dollars of a task-hour by part, of an ACU-hour, of any hour, and of a request."""
    from rung.parts.compute import EcsService
    from rung.parts.kubernetes import KubernetesService

    sizes = {part.name: part.container.cpu for part in design.of(EcsService)}
    sizes |= {part.name: part.container.cpu for part in design.of(KubernetesService)}
    usd: dict[str, float] = defaultdict(float)
    hours: dict[str, float] = defaultdict(float)
    acu, fixed, use = 0.0, 0.0, 0.0
    for line in found.lines:
        if line.part in sizes and line.unit in ("vCPU-hour", "GB-hour"):
            usd[line.part] += line.usd
            hours[line.part] += line.quantity / sizes[line.part] if line.unit == "vCPU-hour" else 0.0
        elif line.unit == "ACU-hour" and line.quantity:
            acu = line.usd / line.quantity
        elif line.depends == "fixed":
            fixed += line.usd
        else:
            use += line.usd
    rates = {name: usd[name] / hours[name] for name in usd if hours[name]}
    return rates, acu, fixed / HOURS_PER_MONTH, use / requests if requests else 0.0
