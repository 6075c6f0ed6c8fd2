"""Traces: which hop was slow. OpenTelemetry underneath, W3C trace context between processes.

    with span("charge card", attributes={"provider": "stripe"}):
        ...

`span` is the cheap way in: when the request was not chosen it costs well under a microsecond. `tracer` is an
ordinary OpenTelemetry tracer for everything else. `inject` and `extract` carry the context in the headers of
HTTP requests and messages (https://www.w3.org/TR/trace-context/).

Which requests are chosen: at most 10 new traces per second and process (RUNG_TRACE=always for all, off for
none, or a number per second); what belongs to a chosen trace is always recorded, in every process.
Where they go: `$RUNG_STATE/traces/*.jsonl`, bounded and rotated; or to a collector when
OTEL_EXPORTER_OTLP_ENDPOINT is set (extra `otlp`).
"""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Iterator, Mapping, MutableMapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Literal

from opentelemetry import context as otel_context
from opentelemetry import trace as otel
from opentelemetry.context import Context as TraceContext

from rung.runtime.log import logger

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider

    from rung.runtime.trace_sampling import RateLimitedSampler

__all__ = ["configure_tracing", "extract", "inject", "is_recording", "shutdown_tracing", "span", "tracer"]

TRACEPARENT = "traceparent"
DEFAULT_TRACES_PER_SECOND = 10.0

Attribute = str | bool | int | float
Kind = Literal["internal", "server", "client", "producer", "consumer"]

_KINDS: Mapping[str, otel.SpanKind] = {kind.name.lower(): kind for kind in otel.SpanKind}
_TRACEPARENT_PATTERN = re.compile(r"00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})", re.ASCII)

log = logger(__name__)
tracer: otel.Tracer = otel.get_tracer("rung")


class _Nothing:
    """What `span` gives when nothing is recorded: enters and leaves, holds no state, is shared by all."""

    __slots__ = ()

    def __enter__(self) -> otel.Span:
        return otel.INVALID_SPAN

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        return None


class _NotChosen:
    """A root that was not chosen: marks the context, so that nothing below it starts a trace of its own."""

    __slots__ = ("_token",)

    def __enter__(self) -> otel.Span:
        self._token = otel_context.attach(_UNSAMPLED)
        return otel.INVALID_SPAN

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        otel_context.detach(self._token)


_NOTHING = _Nothing()
_UNSAMPLED_SPAN = otel.NonRecordingSpan(otel.SpanContext(trace_id=1, span_id=1, is_remote=False))
_UNSAMPLED = otel.set_span_in_context(_UNSAMPLED_SPAN, TraceContext())


class _State:
    """The provider of this process, once configured."""

    __slots__ = ("provider", "sampler")

    def __init__(self) -> None:
        self.provider: TracerProvider | None = None
        self.sampler: RateLimitedSampler | None = None


_state = _State()


def span(
    name: str,
    *,
    kind: Kind = "internal",
    headers: Mapping[str, str] | None = None,
    attributes: Mapping[str, Attribute] | None = None,
) -> AbstractContextManager[otel.Span]:
    """A span around the block, child of the current one, or of the one in lower-case `headers` when given.

    An exception that leaves the block marks the span as failed. Names are few: ids belong in `attributes`.
    """
    sampler = _state.sampler
    if sampler is None:
        return _NOTHING
    if headers is not None and (remote := headers.get(TRACEPARENT)) is not None:
        parent = _parse(remote)
        if parent is not None:
            return _remote_child(name, kind, parent, attributes)
    above = otel_context.get_current()
    if above:  # empty outside of any span
        current = otel.get_current_span(above).get_span_context()
        if current.is_valid:
            return _recorded(name, kind, attributes) if current.trace_flags & 1 else _NOTHING
    return _recorded(name, kind, attributes) if sampler.reserve() else _NotChosen()


@contextmanager
def _recorded(name: str, kind: Kind, attributes: Mapping[str, Attribute] | None) -> Iterator[otel.Span]:
    with tracer.start_as_current_span(name, kind=_KINDS[kind], attributes=attributes) as recorded:
        yield recorded


@contextmanager
def _remote_child(
    name: str, kind: Kind, parent: otel.SpanContext, attributes: Mapping[str, Attribute] | None
) -> Iterator[otel.Span]:
    above = otel.set_span_in_context(otel.NonRecordingSpan(parent))
    with tracer.start_as_current_span(name, above, kind=_KINDS[kind], attributes=attributes) as recorded:
        yield recorded


def is_recording() -> bool:
    """Whether the current action is traced: ask before preparing attributes that cost something."""
    return otel.get_current_span().is_recording()


def inject(headers: MutableMapping[str, str]) -> None:
    """Add `traceparent` of the current span to `headers`. Outside of any span, or without tracing: nothing.

    A request that was not chosen says so (flags 00), so that the next process does not choose it either.
    """
    current = otel.get_current_span()
    if current is _UNSAMPLED_SPAN:
        headers[TRACEPARENT] = f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-00"
        return
    there = current.get_span_context()
    if there.is_valid:
        headers[TRACEPARENT] = f"00-{there.trace_id:032x}-{there.span_id:016x}-{there.trace_flags & 1:02x}"


def extract(headers: Mapping[str, str]) -> TraceContext:
    """The OpenTelemetry context that lower-case `headers` carry: for `tracer.start_span(context=...)`.

    A missing or malformed `traceparent` gives an empty context, which starts a new trace.
    """
    parent = _parse(headers.get(TRACEPARENT, ""))
    if parent is None:
        return TraceContext()
    return otel.set_span_in_context(otel.NonRecordingSpan(parent), TraceContext())


def _parse(text: str) -> otel.SpanContext | None:
    match = _TRACEPARENT_PATTERN.match(text)
    if match is None:
        return None
    trace_id, span_id, flags = (int(part, 16) for part in match.groups())
    if not trace_id or not span_id:
        return None
    return otel.SpanContext(trace_id, span_id, is_remote=True, trace_flags=otel.TraceFlags(flags & 1))


def configure_tracing(*, node: str | None = None, state: Path | None = None) -> None:
    """Start recording in this process. Called once by the process runners; does nothing the second time.

    `node` (default RUNG_NODE) names the process in the traces; `state` (default RUNG_STATE) is the folder that
    `traces/` lies in. With RUNG_TRACE=off, or neither a folder nor a collector, nothing is recorded.
    """
    rate = _rate(os.environ.get("RUNG_TRACE", ""))
    folder = state or (Path(os.environ["RUNG_STATE"]) if os.environ.get("RUNG_STATE") else None)
    if _state.provider is not None or rate == 0:
        return
    from rung.runtime.trace_export import build_provider
    from rung.runtime.trace_sampling import RateLimitedSampler

    sampler = RateLimitedSampler(rate)
    provider = build_provider(sampler, node=node or os.environ.get("RUNG_NODE", ""), folder=folder)
    if provider is None:
        return
    otel.set_tracer_provider(provider)
    _state.provider, _state.sampler = provider, sampler


def shutdown_tracing() -> None:
    """Write down what is still in memory and stop recording. For the drain of a process."""
    provider, _state.provider, _state.sampler = _state.provider, None, None
    if provider is not None:
        provider.shutdown()


def _rate(text: str) -> float:
    match text.strip().lower():
        case "":
            return DEFAULT_TRACES_PER_SECOND
        case "always":
            return float("inf")
        case "off" | "never":
            return 0.0
        case number:
            try:
                return max(0.0, float(number))
            except ValueError:
                log.warning("RUNG_TRACE is not understood", value=number, expected="always, off or a number")
                return DEFAULT_TRACES_PER_SECOND
