"""What a workload file cannot know and a bill needs: each with a default, its unit, and why that default.

All of them can be replaced by measured values; `rung estimate --explain` says which line rests on which.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields

from rung.model.day import EVENING_DAY


@dataclass(frozen=True, slots=True, kw_only=True)
class Assumptions:
    """Each field's metadata holds its unit and the reason for its default."""

    day: tuple[float, ...] = field(
        default=EVENING_DAY, metadata={"unit": "share of the busy hour", "why": "24 hours, busiest in the evening"}
    )
    spikes_per_month: float = field(default=4.0, metadata={"unit": "spikes", "why": "one campaign a week"})
    nonproduction_traffic: float = field(
        default=0.01, metadata={"unit": "share of traffic", "why": "people who test, no visitors"}
    )
    response_kib: float = field(default=8.0, metadata={"unit": "KiB", "why": "a compressed page of JSON"})
    request_kib: float = field(default=1.0, metadata={"unit": "KiB", "why": "headers and a small body"})
    site_kib: float = field(default=150.0, metadata={"unit": "KiB", "why": "a light page with its scripts"})
    session_requests: float = field(
        default=12.0, metadata={"unit": "requests", "why": "one load of the site starts a session"}
    )
    cpu_ms_per_request: float = field(
        default=4.0, metadata={"unit": "ms", "why": "an ASGI handler with one query; measure with rung load"}
    )
    cpu_target: float = field(default=0.6, metadata={"unit": "share", "why": "where target tracking holds it"})
    database_share: float = field(
        default=0.3, metadata={"unit": "share of requests", "why": "what the cache does not answer"}
    )
    requests_per_acu: float = field(
        default=200.0, metadata={"unit": "requests/s", "why": "short indexed queries on one ACU"}
    )
    io_per_request: float = field(
        default=0.2, metadata={"unit": "I/O", "why": "most pages are in memory, every write is one"}
    )
    log_kib_per_request: float = field(
        default=0.1, metadata={"unit": "KiB", "why": "the access log is sampled, warnings are not"}
    )
    log_kib_per_message: float = field(default=0.5, metadata={"unit": "KiB", "why": "one line for a message"})
    message_kib: float = field(default=1.0, metadata={"unit": "KiB", "why": "ids, not documents"})
    database_gib: float = field(
        default=10.0, metadata={"unit": "GiB", "why": "the first year of a small business"}
    )
    database_change_per_day: float = field(
        default=0.02, metadata={"unit": "share", "why": "what a day's incremental backup holds"}
    )
    object_gib: float = field(default=5.0, metadata={"unit": "GiB", "why": "a bucket with uploads"})
    image_gib: float = field(default=0.2, metadata={"unit": "GiB", "why": "a slim Python image, compressed"})
    deploys_per_month: float = field(default=20.0, metadata={"unit": "deploys", "why": "one on every working day"})
    external_kib_per_write: float = field(
        default=4.0, metadata={"unit": "KiB", "why": "a call to a payment provider, there and back"}
    )

    def average_of_day(self) -> float:
        """The day's mean load as a share of the busy hour."""
        return sum(self.day) / len(self.day)


def unit_of(name: str) -> str:
    """The unit of an assumption."""
    return next(str(each.metadata["unit"]) for each in fields(Assumptions) if each.name == name)


def reason_of(name: str) -> str:
    """Why its default is what it is."""
    return next(str(each.metadata["why"]) for each in fields(Assumptions) if each.name == name)
