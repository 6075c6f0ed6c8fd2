"""Latencies in microseconds with three significant digits, cheap to record and to merge.

The buckets are those of HdrHistogram (Gil Tene, hdrhistogram.org): values below 2,048 exactly, above that
1,024 buckets per power of two, so that no value is off by more than 0.1 %. A bucket is named by its lowest
value and kept in a dict: one record costs a quarter of a microsecond where the Python HdrHistogram takes
over one, and the histogram of one second of one route holds a few hundred entries, not 20,000.
`to_hdr` and `encode` make a real HdrHistogram of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

HIGHEST_US = 3_600_000_000  # one hour: what an exported HdrHistogram can hold
_PRECISION_BITS = 11


def bucket(value_us: int) -> int:
    """The lowest value of the bucket that `value_us` falls into."""
    shift = value_us.bit_length() - _PRECISION_BITS
    return (value_us >> shift) << shift if shift > 0 else value_us


def highest_of(bucket_us: int) -> int:
    """The highest value that falls into the bucket."""
    shift = bucket_us.bit_length() - _PRECISION_BITS
    return bucket_us + (1 << shift) - 1 if shift > 0 else bucket_us


class Histogram:
    """Counts per bucket."""

    __slots__ = ("counts",)

    def __init__(self, counts: dict[int, int] | None = None) -> None:
        self.counts: dict[int, int] = {} if counts is None else counts

    def record(self, value_us: int) -> None:
        """Count one value in microseconds; a negative one counts as 0."""
        shift = value_us.bit_length() - _PRECISION_BITS
        if value_us < 0:
            value_us = 0
        elif shift > 0:
            value_us = (value_us >> shift) << shift
        counts = self.counts
        counts[value_us] = counts.get(value_us, 0) + 1

    def add(self, other: Histogram) -> None:
        """Count everything of `other` here too."""
        counts = self.counts
        for value, count in other.counts.items():
            counts[value] = counts.get(value, 0) + count

    @classmethod
    def merged(cls, parts: Iterable[Histogram]) -> Histogram:
        """All parts in one."""
        whole = cls()
        for part in parts:
            whole.add(part)
        return whole

    @property
    def count(self) -> int:
        """How many values were recorded."""
        return sum(self.counts.values())

    @property
    def mean_us(self) -> float:
        """The arithmetic mean; 0 when empty."""
        count = self.count
        return sum(value * number for value, number in self.counts.items()) / count if count else 0.0

    @property
    def max_us(self) -> int:
        """The largest value, as the top of its bucket; 0 when empty."""
        return highest_of(max(self.counts)) if self.counts else 0

    def percentile_us(self, percent: float) -> int:
        """The value that `percent` of the records do not exceed; 0 when empty."""
        return self.percentiles_us((percent,))[0]

    def percentiles_us(self, percents: Iterable[float]) -> list[int]:
        """Several percentiles in one pass; `percents` must ascend."""
        wanted = list(percents)
        count = self.count
        found: list[int] = []
        for value, share in self.curve():
            while len(found) < len(wanted) and share * count >= wanted[len(found)] / 100 * count - 1e-9:
                found.append(value)
        return found + [self.max_us] * (len(wanted) - len(found))

    def curve(self) -> Iterator[tuple[int, float]]:
        """(value in microseconds, share of records that do not exceed it), ascending."""
        count = self.count
        seen = 0
        for value in sorted(self.counts):
            seen += self.counts[value]
            yield highest_of(value), seen / count

    def above(self, value_us: int) -> int:
        """How many records lie above `value_us`, by the bottoms of their buckets."""
        return sum(count for value, count in self.counts.items() if value > value_us)

    def encode(self) -> str:
        """HdrHistogram's compressed V2 encoding in base64, which every HdrHistogram library reads.

        Needs the `hdrhistogram` package (`pip install "rung[load]"`).
        """
        from hdrh.histogram import HdrHistogram

        whole = HdrHistogram(1, HIGHEST_US, 3)
        for value, count in self.counts.items():
            whole.record_value(max(1, min(value, HIGHEST_US)), count)
        encoded: bytes = whole.encode()
        return encoded.decode()
