"""Which traces are recorded: a bounded number per second, so that the cost does not grow with the traffic."""

from __future__ import annotations

import math
import threading
from collections.abc import Sequence

from opentelemetry.context import Context as TraceContext
from opentelemetry.sdk.trace.sampling import Decision, Sampler, SamplingResult
from opentelemetry.trace import Link, SpanKind, TraceState, get_current_span
from opentelemetry.util.types import Attributes

from rung.runtime.clock import SYSTEM_CLOCK, Clock

#: A caller outside of this process may ask for more traces than we would start, but not for any number.
REMOTE_FACTOR = 10.0


class TokenBucket:
    """`rate` tokens per second, at most one second's worth (and at least one) saved up."""

    def __init__(self, rate: float, clock: Clock = SYSTEM_CLOCK) -> None:
        self._rate = rate
        self._capacity = max(1.0, rate)
        self._tokens = self._capacity
        self._monotonic = clock.monotonic
        self._filled_at = self._monotonic()
        self._next_at = self._filled_at

    def take(self) -> bool:
        """One token, if there is one."""
        if math.isinf(self._rate):
            return True
        now = self._monotonic()
        if now < self._next_at:
            return False
        self._tokens = min(self._capacity, self._tokens + (now - self._filled_at) * self._rate)
        self._filled_at = now
        if self._tokens < 1.0:
            self._next_at = now + (1.0 - self._tokens) / self._rate if self._rate else math.inf
            return False
        self._tokens -= 1.0
        return True


class RateLimitedSampler(Sampler):
    """Parent-based with a budget for roots: a child follows its parent, a new trace needs a token.

    Remote parents that ask to be recorded have a budget of their own, ten times as large.
    """

    def __init__(self, traces_per_second: float, clock: Clock = SYSTEM_CLOCK) -> None:
        self._roots = TokenBucket(traces_per_second, clock)
        self._remote = TokenBucket(traces_per_second * REMOTE_FACTOR, clock)
        self._reserved = threading.local()
        self._rate = traces_per_second

    def reserve(self) -> bool:
        """Take the token for the root that this thread starts next, or say that there is none."""
        if not self._roots.take():
            return False
        self._reserved.next = True
        return True

    def should_sample(
        self,
        parent_context: TraceContext | None,
        trace_id: int,
        name: str,
        kind: SpanKind | None = None,
        attributes: Attributes = None,
        links: Sequence[Link] | None = None,
        trace_state: TraceState | None = None,
    ) -> SamplingResult:
        """OpenTelemetry asks this once per span."""
        chosen = self._choose(parent_context)
        if chosen:
            return SamplingResult(Decision.RECORD_AND_SAMPLE, attributes, trace_state)
        return SamplingResult(Decision.DROP, None, trace_state)

    def _choose(self, parent_context: TraceContext | None) -> bool:
        parent = get_current_span(parent_context).get_span_context()
        if not parent.is_valid:
            return self._use_reservation() or self._roots.take()
        sampled = bool(parent.trace_flags.sampled)
        return sampled and (not parent.is_remote or self._remote.take())

    def _use_reservation(self) -> bool:
        reserved = getattr(self._reserved, "next", False)
        self._reserved.next = False
        return reserved

    def get_description(self) -> str:
        """For OpenTelemetry's own diagnostics."""
        return f"RateLimitedSampler({self._rate:g}/s)"
