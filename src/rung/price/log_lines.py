"""What a process's log costs: what is taken in, and what is kept of it."""

from __future__ import annotations

from collections.abc import Iterator

from rung.price.charging import Charging, Line
from rung.price.usage import KIB_PER_GIB

#: Compressed, about a sixth of a log is stored.
STORED_SHARE = 1 / 6


def log_lines(
    charging: Charging, part: str, node: str, *, count: float, of: str, kib_each: float, days: int
) -> Iterator[Line]:
    """Ingest and storage of `count` entries (`of` requests, messages) of `kib_each`, kept for `days`."""
    gib = count * kib_each / KIB_PER_GIB
    because = f"{count:,.0f} {of}, {kib_each:g} KiB each"
    yield charging.line(part, node, "log ingest", ("cloudwatch", "log-ingest", ""), gib, because, depends="use")
    yield charging.line(
        part, node, "log storage", ("cloudwatch", "log-storage", ""), gib * days / 30 * STORED_SHARE,
        f"{days} days, compressed to a sixth", depends="use",
    )  # fmt: skip
