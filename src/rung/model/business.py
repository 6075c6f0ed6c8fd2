"""What the money says: one inert, frozen record among the nodes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from rung.model.durations import parse_share
from rung.model.entries import set_fields, words


@dataclass(frozen=True, slots=True, kw_only=True, init=False)
class Business:
    """What the money says: US dollars in a month, how many engineers look after the system, and what binds them.

    Args:
        monthly_budget_usd: what machines may cost.
        monthly_revenue_usd: what the workload earns.
        engineers: people who look after it beside their other work.
        operations_hours: hours a month that they have for it, all together.
        engineer_hour_usd: what an hour of theirs costs.
        downtime_hour_usd: what an hour of outage costs, where that is known; else it follows from the revenue.
        growth: how much more traffic and revenue there is each month, `"10%"` or `0.1`.
        customers: tenants who pay.
        compliance: what auditors ask for: `["pci", "soc2"]`.
        platform: what the organisation has settled on; `"kubernetes"` when its teams run on that already.
    """

    kind: Literal["business"] = "business"
    name: str = "@business"
    monthly_budget_usd: float | None = None
    monthly_revenue_usd: float | None = None
    engineers: int | None = None
    operations_hours: float | None = None
    engineer_hour_usd: float | None = None
    downtime_hour_usd: float | None = None
    growth: float | None = None
    customers: int | None = None
    compliance: tuple[Literal["gdpr", "hipaa", "iso27001", "pci", "soc2"], ...] = ()
    platform: Literal["kubernetes"] | None = None

    def __init__(
        self,
        *,
        monthly_budget_usd: float | None = None,
        monthly_revenue_usd: float | None = None,
        engineers: int | None = None,
        operations_hours: float | None = None,
        engineer_hour_usd: float | None = None,
        downtime_hour_usd: float | None = None,
        growth: float | str | None = None,
        customers: int | None = None,
        compliance: Sequence[str] = (),
        platform: str | None = None,
    ) -> None:
        set_fields(
            self,
            kind="business",
            name="@business",
            monthly_budget_usd=monthly_budget_usd,
            monthly_revenue_usd=monthly_revenue_usd,
            engineers=engineers,
            operations_hours=operations_hours,
            engineer_hour_usd=engineer_hour_usd,
            downtime_hour_usd=downtime_hour_usd,
            growth=None if growth is None else parse_share(growth),
            customers=customers,
            compliance=words(compliance, '["pci", "soc2"]'),
            platform=platform,
        )
