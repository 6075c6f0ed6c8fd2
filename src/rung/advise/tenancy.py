"""How tenants are kept apart: shared tables, a schema each, a database each; what that takes with so many."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rung.model.nodes import Postgres

if TYPE_CHECKING:
    from rung.advise.comparing import Comparison
    from rung.advise.part_choices import Choice
    from rung.advise.weighing import Option

#: A migration of one tenant's schema: minutes that somebody watches it, on average over releases. Ours.
MINUTES_FOR_A_SCHEMA = 0.5
#: A database of one's own asks for its backups, versions and alarms: hours a month, shared by automation. Ours.
HOURS_FOR_A_DATABASE = 0.25
#: The least that AWS rents as a database of its own.
SMALLEST = "db.t4g.micro"
_NAMES = {
    "rls": "shared tables with row-level security", "schema": "a schema for each tenant",
    "database": "a database for each tenant",
}  # fmt: skip
_GIVES_UP = {
    "rls": "a tenant's own backup and restore; one that is restored alone is copied out by hand",
    "schema": "one migration for all: each runs once for every tenant",
    "database": "one bill and one pool of connections for all tenants",
}
_WHEN = {
    "rls": "many tenants, and none whose contract asks for more", "schema": "tens of tenants whose auditors ask",
    "database": "a few tenants whose contracts ask for it and pay for it",
}  # fmt: skip


def tenancy_choices(comparison: Comparison, best: Option) -> Iterator[Choice]:
    """The choice for every database that has tenants, where the workload says how many there are."""
    from rung.advise.part_choices import Alternative, Choice

    customers = comparison.situation().customers
    for node in comparison.graph.of(Postgres):
        if node.tenancy is None or node.tenancy.mode not in _NAMES or not customers:
            continue
        chosen = node.tenancy.mode
        costs = {mode: _cost(comparison, best, mode, customers) for mode in _NAMES}
        alternatives = tuple(
            Alternative(
                name=_NAMES[mode], bill_usd=costs[mode][0] - costs[chosen][0],
                total_usd=sum(costs[mode]) - sum(costs[chosen]), gives_up=_GIVES_UP[mode], when=_WHEN[mode],
                breaks="how tenants are kept apart is promised to them: it changes with their contracts",
                line=f'tenancy={"rls" if mode == "rls" else mode + "_per_tenant"}()',
            )
            for mode in _NAMES if mode != chosen
        )  # fmt: skip
        yield Choice(
            question="tenancy", part=node.name, chosen=_NAMES[chosen], bill_usd=costs[chosen][0],
            because=f"{customers} tenants", alternatives=alternatives,
        )  # fmt: skip


def _cost(comparison: Comparison, best: Option, mode: str, customers: int) -> tuple[float, float]:
    """Dollars a month on the bill, and of people's time, beyond one shared database."""
    if mode == "rls":
        return 0.0, 0.0
    releases = comparison.assumptions.deploys_per_month
    if mode == "schema":
        return 0.0, customers * releases * MINUTES_FOR_A_SCHEMA / 60 * best.hour_usd
    assert best.design is not None
    tariff = comparison.book.tariff("rds-postgresql", SMALLEST, mode="single-az", region=best.design.region)
    return customers * tariff.charge(730.0), customers * HOURS_FOR_A_DATABASE * best.hour_usd
