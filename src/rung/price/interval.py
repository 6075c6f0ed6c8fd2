"""How far a bill may be off, from what is not known: what is assumed, and how its prices are known. Pure.

Each assumption is set to its least and its most plausible value and the design is priced again, so that what
matters to this design counts and nothing else does; the differences are joined as a root of squares, since one
assumption being off says nothing about another. What was measured or given is not uncertain. The traffic is taken
as the workload file gives it: a bill for twice the visitors is another bill.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from rung.price.assumptions import Assumptions
from rung.price.book import Basis
from rung.price.charging import Line

#: From the least to the most plausible value, as factors of the default, for each assumption; with the reason.
RANGES: Mapping[str, tuple[float, float, str]] = MappingProxyType({
    "spikes_per_month": (0.25, 2.0, "one campaign a month to two a week"),
    "nonproduction_traffic": (0.1, 5.0, "one tester to a load test now and then"),
    "response_kib": (0.25, 4.0, "2 KiB of JSON to a page of 32 KiB"),
    "request_kib": (0.5, 4.0, "bare headers to cookies and a form"),
    "site_kib": (0.5, 6.0, "a bare page to a framework with pictures"),
    "site_files": (0.5, 4.0, "one bundle to a file for each module"),
    "session_requests": (0.5, 4.0, "a glance to a long visit"),
    "known_visitors": (0.2, 1.8, "mostly new visitors to mostly known ones"),
    "cpu_ms": (0.25, 4.0, "1 ms in a compiled handler to 16 ms with templates"),
    "database_share": (0.33, 3.0, "a good cache to none"),
    "database_ms": (0.25, 4.0, "key look-ups to joins"),
    "io_per_request": (0.1, 5.0, "everything in memory to a working set larger than it"),
    "log_kib_per_request": (0.5, 5.0, "errors alone to a line for each request"),
    "log_kib_per_message": (0.5, 4.0, "a short line to a trace"),
    "database_gib": (0.2, 5.0, "a new business to an old one"),
    "database_change_per_day": (0.25, 4.0, "mostly reads to mostly writes"),
    "object_gib": (0.2, 10.0, "few uploads to many pictures"),
    "image_gib": (0.25, 5.0, "a compiled binary to an image with a browser"),
    "deploys_per_month": (0.2, 5.0, "one a week to five a day"),
    "external_kib_per_write": (0.25, 4.0, "a token to a document"),
    "wait_ms": (0.4, 6.0, "one query to a call outside"),
    "message_ms": (0.2, 10.0, "a note to a picture that is scaled"),
    "run_seconds": (0.5, 10.0, "a short clean-up to a report"),
    "function_idle_minutes": (0.5, 6.0, "5 minutes to an hour have been measured"),
    "function_life_hours": (0.25, 4.0, "deployments and AWS's own renewals"),
    "cold_start_ms": (0.2, 4.0, "a small archive to an image with a large framework"),
    "config_rules": (0.2, 5.0, "two rules to a whole conformance pack"),
    "cluster_log_gib": (0.2, 6.0, "few clients of the API to operators that never rest"),
    "messages_per_call": (0.5, 2.0, "how full batches are follows the load"),
})  # fmt: skip
#: Factors for a price that was not read from a list. Derived: rounding to the tenth of a cent, checked on bills.
#: Estimate: Spot is up to 70 % below the list, and half of it in the dearest of the book's rows. Memory: regions
#: differ by up to a quarter.
PRICE_RANGES: Mapping[Basis, tuple[float, float]] = MappingProxyType({
    "list": (1.0, 1.0), "derived": (0.98, 1.02), "estimate": (1.0, 1.67), "memory": (0.8, 1.25),
})  # fmt: skip

Reprice = Callable[[Assumptions], float]


def interval(total: float, lines: Sequence[Line], given: Assumptions, reprice: Reprice) -> tuple[float, float]:
    """Least and most US dollars of a month. `reprice` is the total of the same design under other assumptions."""
    below: list[float] = []
    above: list[float] = []
    for name, (low, high, _) in RANGES.items():
        if not hasattr(given, name) or given.basis_of(name) != "assumed":
            continue
        ends = sorted(reprice(_with(given, name, factor)) - total for factor in (low, high))
        below.append(min(0.0, ends[0]))
        above.append(max(0.0, ends[1]))
    for line in lines:
        low, high = PRICE_RANGES[line.basis]
        below.append(line.usd * (low - 1))
        above.append(line.usd * (high - 1))
    return max(0.0, total - math.hypot(*below)), total + math.hypot(*above)


def _with(given: Assumptions, name: str, factor: float) -> Assumptions:
    value = getattr(given, name) * factor
    most = 1.0 if name in _SHARES else math.inf
    return given.with_values({name: min(most, value)}, "given", "one end of its range")


_SHARES = frozenset({"nonproduction_traffic", "database_share", "known_visitors", "database_change_per_day"})
