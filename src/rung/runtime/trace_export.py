"""Where spans go: JSON lines in a bounded folder, or an OpenTelemetry collector.

A line is `{"trace_id", "span_id", "parent_id", "name", "kind", "node", "process_id", "start_ns", "duration_ms",
"status", "correlation_id", "attributes", "error"}`; `rung trace` reads them.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
from opentelemetry.context import Context as TraceContext
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.sampling import Sampler

from rung.runtime.context import current_or_none
from rung.runtime.log import logger
from rung.runtime.masking import MASK, is_secret_name, mask_text, masked

FILE_BYTES = 4 * 1024 * 1024
FOLDER_BYTES = 64 * 1024 * 1024
EXPORT_DELAY_MILLISECONDS = 500

CORRELATION_ATTRIBUTE = "rung.correlation_id"
TENANT_ATTRIBUTE = "rung.tenant"

log = logger(__name__)


def build_provider(sampler: Sampler, *, node: str, folder: Path | None) -> TracerProvider | None:
    """A provider that writes to the collector, else into `folder`; None when there is neither."""
    exporter = _exporter(node, folder)
    if exporter is None:
        return None
    resource = Resource.create({"service.name": node or "rung", "process.pid": os.getpid()})
    provider = TracerProvider(sampler=sampler, resource=resource, shutdown_on_exit=True)
    provider.add_span_processor(CorrelationProcessor())
    provider.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=EXPORT_DELAY_MILLISECONDS))
    return provider


def _exporter(node: str, folder: Path | None) -> SpanExporter | None:
    if os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT"):
        try:
            from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        except ImportError:
            log.warning("traces are not sent: the extra is missing", help="pip install 'rung[otlp]'")
        else:
            return OTLPSpanExporter()
    return None if folder is None else JsonLinesExporter(folder / "traces", node=node)


class CorrelationProcessor(SpanProcessor):
    """Writes the correlation id and the tenant of the current action on each span that starts."""

    def on_start(self, span: Span, parent_context: TraceContext | None = None) -> None:
        """Called only for spans that are recorded."""
        context = current_or_none()
        if context is None:
            return
        span.set_attribute(CORRELATION_ATTRIBUTE, context.correlation_id)
        if context.tenant is not None:
            span.set_attribute(TENANT_ATTRIBUTE, context.tenant.id)


class JsonLinesExporter(SpanExporter):
    """One file per process, `<node>-<pid>.jsonl`, at most 4 MiB and one predecessor; 64 MiB for the folder."""

    def __init__(
        self, folder: Path, *, node: str, file_bytes: int = FILE_BYTES, folder_bytes: int = FOLDER_BYTES
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._node = node
        self._file_bytes = file_bytes
        self._folder_bytes = folder_bytes
        self._path = folder / f"{node or 'rung'}-{os.getpid()}.jsonl"
        self._lock = threading.Lock()
        self._trim()

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Append the spans; a full disk loses traces, never requests."""
        lines = b"".join(msgspec.json.encode(describe(span, self._node)) + b"\n" for span in spans)
        try:
            with self._lock:
                self._rotate(len(lines))
                with self._path.open("ab") as file:
                    file.write(lines)
        except OSError as error:
            log.warning("traces are lost", reason=str(error), spans=len(spans))
            return SpanExportResult.FAILURE
        return SpanExportResult.SUCCESS

    def _rotate(self, coming_bytes: int) -> None:
        if self._path.exists() and self._path.stat().st_size + coming_bytes > self._file_bytes:
            self._path.replace(self._path.with_suffix(".1.jsonl"))
            self._trim()

    def _trim(self) -> None:
        files = [(file.stat().st_mtime, file.stat().st_size, file) for file in self._folder.glob("*.jsonl")]
        kept = 0
        for _, size, file in sorted(files, reverse=True):
            kept += size
            if kept > self._folder_bytes and file != self._path:
                with suppress(OSError):
                    file.unlink()


def describe(span: ReadableSpan, node: str) -> dict[str, Any]:
    """One span as a line of the file."""
    attributes = dict(span.attributes or {})
    start, end = span.start_time or 0, span.end_time or 0
    here = span.get_span_context()
    assert here is not None, "a span that has ended has a context"
    return {
        "trace_id": f"{here.trace_id:032x}",
        "span_id": f"{here.span_id:016x}",
        "parent_id": None if span.parent is None else f"{span.parent.span_id:016x}",
        "name": span.name,
        "kind": span.kind.name.lower(),
        "node": node,
        "process_id": os.getpid(),
        "start_ns": start,
        "duration_ms": (end - start) / 1e6,
        "status": span.status.status_code.name.lower(),
        "correlation_id": attributes.pop(CORRELATION_ATTRIBUTE, None),
        "attributes": {
            name: MASK if is_secret_name(name) else masked(value) for name, value in attributes.items()
        },
        "error": _error(span),
    }


def _error(span: ReadableSpan) -> str | None:
    for event in span.events:
        if event.name == "exception" and event.attributes is not None:
            kind, message = (event.attributes.get(f"exception.{part}", "") for part in ("type", "message"))
            return mask_text(f"{kind}: {message}")
    return mask_text(span.status.description) if span.status.description else None
