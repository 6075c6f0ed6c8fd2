"""The advice as JSON, schema `rung.advise/1`: docs/reference/advise.md describes every field. Pure."""

from __future__ import annotations

import math
from dataclasses import asdict, is_dataclass
from typing import TYPE_CHECKING, Any

from rung.model.assumed import described

if TYPE_CHECKING:
    from rung.advise.advice import Advised
    from rung.advise.weighing import Option

SCHEMA = "rung.advise/1"


def as_document(advised: Advised) -> dict[str, Any]:
    """Plain dicts and lists, ready for `json.dumps`."""
    return {
        "schema": SCHEMA, "workload": advised.workload, "environment": advised.environment,
        "region": advised.region, "recommended": advised.recommended.rung,
        "toss_up": not advised.steadiness.steady,
        "steadiness": asdict(advised.steadiness),
        "rungs": [option_as_json(option) for option in advised.options],
        "rejected": [
            {"rung": each.option.rung, "because": each.because, "break_even": _plain(each.break_even)}
            for each in advised.rejected
        ],
        "triggers": [_plain(each) for each in advised.triggers],
        "move": None if advised.move is None else {
            **asdict(advised.move), "payback_months": advised.move.payback_months},
        "parts": [_plain(each) for each in advised.choices],
        "monday": [_plain(each) for each in advised.steps],
        "facts": [_plain(each) for each in advised.facts],
        "assumptions": [*_assumptions(advised.assumptions), *_assumptions(advised.judgement)],
        "reviews": [
            {"rung": each.rung, "high": each.high, "medium": each.medium, "low": each.low,
             "grave": [
                 {"code": one.code, "node": one.node, "found": one.found, "cure": one.cure} for one in each.grave]}
            for each in advised.reviews
        ],
    }  # fmt: skip


def option_as_json(option: Option) -> dict[str, Any]:
    """One rung: dollars and hours of a month; None where it cannot hold the workload."""
    placed = option.design is not None
    p99 = option.p99_seconds
    return {
        "rung": option.rung, "possible": option.possible,
        "total_usd": option.total_usd if placed else None, "bill_usd": option.bill_usd if placed else None,
        "people_usd": option.people_usd if placed else None, "hours": option.hours if placed else None,
        "outage_usd": option.outage_usd if placed else None, "spike_usd": option.spike_usd if placed else None,
        "p99_seconds": p99 if p99 is not None and math.isfinite(p99) else None,
        "limits": [asdict(limit) for limit in option.limits],
        "trims": [_plain(trim) for trim in option.trims],
        "efforts": [asdict(each) for each in option.efforts], "outages": [asdict(each) for each in option.outages],
    }  # fmt: skip


def _assumptions(given: Any) -> list[dict[str, Any]]:
    return [
        {"name": name, "value": value, "unit": unit, "why": why, "basis": given.basis_of(name)}
        for name, value, unit, why in described(given)
    ]


def _plain(record: object) -> Any:
    return asdict(record) if is_dataclass(record) and not isinstance(record, type) else record
