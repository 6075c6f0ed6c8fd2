"""One trace crosses processes as W3C headers, its cost is bounded by a rate, and its files by a size."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from opentelemetry import trace as otel
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

from rung.runtime import trace
from rung.runtime.context import Context, Tenant, serving
from rung.runtime.database.database import Database
from rung.runtime.trace import extract, inject, span
from rung.runtime.trace_export import CorrelationProcessor, JsonLinesExporter
from rung.runtime.trace_sampling import RateLimitedSampler, TokenBucket
from rung.testing import ManualClock


class Recording:
    """A tracing set-up of one test: `spans()` are the lines written so far."""

    def __init__(self, folder: Path, clock: ManualClock, rate: float) -> None:
        self.folder = folder
        self.clock = clock
        self.sampler = RateLimitedSampler(rate, clock)
        self.provider = TracerProvider(sampler=self.sampler, shutdown_on_exit=False)
        self.provider.add_span_processor(CorrelationProcessor())
        self.provider.add_span_processor(SimpleSpanProcessor(JsonLinesExporter(folder, node="api")))

    def spans(self) -> list[dict[str, Any]]:
        return [json.loads(line) for file in self.folder.glob("*.jsonl") for line in file.read_text().splitlines()]


@pytest.fixture
def recording(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Recording]:
    """Two traces per second."""
    it = Recording(tmp_path, ManualClock(), 2.0)
    monkeypatch.setattr(trace, "tracer", it.provider.get_tracer("test"))
    monkeypatch.setattr(trace._state, "sampler", it.sampler)
    yield it
    it.provider.shutdown()


def test_one_action_is_one_tree_across_processes(recording: Recording) -> None:
    headers: dict[str, str] = {}
    with serving(Context(correlation_id="c-9", tenant=Tenant("acme"))):
        with span("GET /cart", kind="server"), span("send"):
            inject(headers)
        with span("handle", kind="consumer", headers=headers):
            pass
    send, request, handle = recording.spans()
    assert send["trace_id"] == request["trace_id"] == handle["trace_id"]
    assert send["parent_id"] == request["span_id"]
    assert handle["parent_id"] == send["span_id"]
    assert request["parent_id"] is None
    assert {line["correlation_id"] for line in (send, request, handle)} == {"c-9"}
    assert request["attributes"] == {"rung.tenant": "acme"}


async def test_new_traces_are_limited_and_children_follow_their_root(recording: Recording) -> None:
    for _ in range(5):
        with span("root"), span("child"):
            pass
    assert [line["name"] for line in recording.spans()] == ["child", "root"] * 2
    await recording.clock.advance(0.5)
    with span("later"):
        pass
    assert recording.spans()[-1]["name"] == "later"


def test_a_request_that_was_not_chosen_is_not_chosen_further_down(recording: Recording) -> None:
    while recording.sampler._roots.take():
        pass
    headers: dict[str, str] = {}
    with span("root"):
        inject(headers)
    assert headers["traceparent"].endswith("-00")
    recording.clock._elapsed_seconds += 10
    with span("next process", headers=headers):
        pass
    assert recording.spans() == []


def test_outsiders_cannot_ask_for_any_number_of_traces(recording: Recording) -> None:
    for number in range(1, 50):
        with span("hello", headers={"traceparent": f"00-{number:032x}-{number:016x}-01"}):
            pass
    assert len(recording.spans()) == 20


@pytest.mark.parametrize(
    "value",
    ["", "00-zz-11-01", "00-" + "0" * 32 + "-" + "0" * 16 + "-01", "ff-" + "1" * 32 + "-" + "1" * 16 + "-01"],
)
def test_a_malformed_traceparent_starts_a_new_trace(value: str) -> None:
    assert not otel.get_current_span(extract({"traceparent": value})).get_span_context().is_valid


def test_a_failure_is_recorded_without_its_secrets(recording: Recording) -> None:
    with pytest.raises(ValueError, match="boom"), span("pay", attributes={"card_number": "4111111111111111"}):
        raise ValueError("boom at https://user:pass@bank")
    (line,) = recording.spans()
    assert line["status"] == "error"
    assert line["error"] == "ValueError: boom at https://user:***@bank"
    assert line["attributes"] == {"card_number": "***"}


def test_files_and_folder_are_bounded(tmp_path: Path) -> None:
    for process in range(10):
        (tmp_path / f"old-{process}.jsonl").write_bytes(b"x" * 1000)
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(
        SimpleSpanProcessor(JsonLinesExporter(tmp_path, node="api", file_bytes=2000, folder_bytes=5000))
    )
    for _ in range(50):
        with provider.get_tracer("t").start_as_current_span("work"):
            pass
    provider.shutdown()
    sizes = {file.name: file.stat().st_size for file in tmp_path.glob("*.jsonl")}
    assert sum(sizes.values()) <= 7000
    assert sum(name.startswith("api-") for name in sizes) == 2


async def test_the_bucket_gives_its_rate() -> None:
    clock = ManualClock()
    bucket = TokenBucket(10.0, clock)
    taken = 0
    for _ in range(1000):
        taken += bucket.take()
        await clock.advance(0.01)
    assert 108 <= taken <= 110


def test_without_a_set_up_a_span_records_nothing() -> None:
    with span("anything") as recorded:
        assert not recorded.is_recording()
    headers: dict[str, str] = {}
    inject(headers)
    assert headers == {}


async def test_statements_of_a_traced_action_show_in_it_and_no_others(
    recording: Recording, postgres_url: str
) -> None:
    database = Database.from_url(postgres_url, pool_size=1)
    with serving(Context(correlation_id="c-1")):
        await database.fetch_value("select 0")
        with span("GET /cart", kind="server"):
            await database.fetch_value("select $1::text", "a card number")
            async with database.transaction(tenant="acme") as connection:
                await connection.execute("create temporary table seen (id int)")
    await database.close()
    lines = recording.spans()
    assert [line["name"] for line in lines] == ["select", "begin", "create", "commit", "GET /cart"]
    assert len({line["trace_id"] for line in lines}) == 1
    assert "a card number" not in str(lines)
