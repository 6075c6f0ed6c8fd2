"""From the trace files back to trees: what `rung trace` shows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec


class SpanLine(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a trace file, as `trace_export` writes it."""

    trace_id: str
    span_id: str
    parent_id: str | None
    name: str
    kind: str
    node: str
    process_id: int
    start_ns: int
    duration_ms: float
    status: str
    correlation_id: str | None = None
    attributes: dict[str, Any] = msgspec.field(default_factory=dict)
    error: str | None = None


@dataclass(slots=True)
class Branch:
    """A span and what happened inside it, in the order of their start."""

    span: SpanLine
    children: list[Branch] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """One trace. It has several roots when a process has not written its part (yet), or was killed before."""

    trace_id: str
    roots: tuple[Branch, ...]
    spans: tuple[SpanLine, ...]

    @property
    def start_ns(self) -> int:
        """When the first span began, in nanoseconds since the epoch."""
        return min(span.start_ns for span in self.spans)

    @property
    def duration_ms(self) -> float:
        """From the first start to the last end, over all processes."""
        end_ns = max(span.start_ns + span.duration_ms * 1e6 for span in self.spans)
        return (end_ns - self.start_ns) / 1e6

    @property
    def correlation_id(self) -> str:
        """Of the first span that has one; empty when none does."""
        return next((span.correlation_id for span in self.spans if span.correlation_id), "")

    @property
    def failed(self) -> bool:
        """Whether any span ended with an error."""
        return any(span.status == "error" for span in self.spans)


def read_spans(folder: Path) -> Iterator[SpanLine]:
    """Every span in `folder`'s files. Lines that are not whole (a process was killed) are left out."""
    decoder = msgspec.json.Decoder(SpanLine)
    for file in sorted(folder.glob("*.jsonl")):
        for line in file.read_bytes().splitlines():
            try:
                yield decoder.decode(line)
            except msgspec.MsgspecError:
                continue


def assemble(spans: Iterable[SpanLine]) -> list[Trace]:
    """The traces that `spans` belong to, the newest first."""
    by_trace: defaultdict[str, list[SpanLine]] = defaultdict(list)
    for span in spans:
        by_trace[span.trace_id].append(span)
    traces = [_trace(trace_id, found) for trace_id, found in by_trace.items()]
    return sorted(traces, key=lambda trace: trace.start_ns, reverse=True)


def find(spans: Iterable[SpanLine], identity: str) -> list[Trace]:
    """The whole traces in which a correlation id or trace id begins with `identity`, the oldest first."""
    every = list(spans)
    wanted = {
        span.trace_id
        for span in every
        if span.trace_id.startswith(identity) or (span.correlation_id or "").startswith(identity)
    }
    return assemble(span for span in every if span.trace_id in wanted)[::-1]


def _trace(trace_id: str, spans: list[SpanLine]) -> Trace:
    spans.sort(key=lambda span: span.start_ns)
    branches = {span.span_id: Branch(span) for span in spans}
    roots: list[Branch] = []
    for branch in branches.values():
        parent = branches.get(branch.span.parent_id or "")
        (roots if parent is None else parent.children).append(branch)
    return Trace(trace_id=trace_id, roots=tuple(roots), spans=tuple(spans))
