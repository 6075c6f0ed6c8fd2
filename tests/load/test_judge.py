"""Verdicts: objectives met or not, and who could not keep up, the generator told apart from the server."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from rich.console import Console
from tests.load.example import example_plan, example_recording, example_result

from rung.load.judge import Aims, judge
from rung.load.recording import Recording
from rung.load.result import LoadResult, decode, encode
from rung.load.table import milliseconds, print_result, share

MOMENT = datetime(2026, 11, 21, tzinfo=UTC)


def verdict(recording: Recording, aims: Aims | None = None) -> LoadResult:
    return judge(recording, example_plan(), aims or Aims(), name="shop", started_at=MOMENT)


def text_of(result: LoadResult, width: int) -> str:
    console = Console(width=width, record=True, file=None, quiet=False, force_terminal=False)
    with console.capture() as captured:
        print_result(result, console)
    return captured.get()


def test_a_run_within_its_aims_is_met() -> None:
    result = example_result()
    assert result.met
    assert result.saturation.by is None
    assert result.total.offered == sum(group.offered for group in result.groups) == 20 * 100 + 6 * 400
    assert result.achieved_per_second == pytest.approx(result.offered_per_second)
    assert {objective.scope: objective.met for objective in result.objectives} == {
        "all": True, "POST /api/checkout": True, "/api/never": None
    }  # fmt: skip


def test_a_route_that_misses_its_aim_fails_the_run() -> None:
    result = example_result(slow=True)
    assert not result.met
    assert next(group for group in result.groups if group.route == "/api/checkout").met is False


def test_errors_count_against_the_availability() -> None:
    result = example_result(errors=True)
    availability = next(objective for objective in result.objectives if objective.kind == "availability")
    assert availability.found == pytest.approx(1 - result.total.failed / result.total.offered)
    assert not result.met


def test_without_a_promise_a_run_full_of_errors_is_still_not_met() -> None:
    recording = example_recording()
    recording.errors["connect"] = recording.second(0).offered = 10_000
    assert not verdict(recording).met


def test_a_run_that_answered_nothing_is_not_met() -> None:
    recording = example_recording()
    for group in recording.groups:
        group.latency, group.succeeded, group.offered = {}, 0, 0
    assert not verdict(recording, Aims(p99_seconds=1.0)).met


def test_a_late_generator_says_so_and_does_not_blame_the_server() -> None:
    recording = example_recording()
    recording.lag = {500: 900, 40_000: 100}
    found = verdict(recording).saturation
    assert found.by == "generator"
    assert "40 ms" in found.reasons[0]


def test_a_generator_without_processor_time_left_says_so() -> None:
    recording = example_recording()
    recording.cpu_seconds = 19.5
    found = verdict(recording).saturation
    assert found.by == "generator"
    assert "--processes" in found.reasons[0]


def test_unanswered_requests_are_the_servers_fault() -> None:
    recording = example_recording()
    for index in range(10, 14):
        recording.second(index).in_flight = 900
        recording.second(index).waiting = 500 + index
    found = verdict(recording).saturation
    assert found.by == "server"
    assert "at most 1,413 requests at second 13" in found.reasons[0]
    recording.lag = {40_000: 100}
    assert verdict(recording).saturation.by == "both"


def test_the_json_document_comes_back_as_it_went() -> None:
    result = example_result(errors=True)
    assert decode(encode(result)) == result
    assert '"schema": "rung.load/1"' in encode(result)


@pytest.mark.parametrize("width", [80, 140])
def test_the_table_tells_each_row_in_any_width(width: int) -> None:
    shown = text_of(example_result(slow=True, errors=True), width)
    for words in ("GET /api/products", "POST /api/checkout", "not met", "status 5xx", "first problems",
                  "not measured: no such request in the measured time"):  # fmt: skip
        assert words in shown
    assert max(len(line) for line in shown.splitlines()) <= width


def test_numbers_are_short_and_never_flatter() -> None:
    assert [milliseconds(value) for value in (0.84, 12.34, 123.4, 1_240)] == [
        "0.84 ms",
        "12.3 ms",
        "123 ms",
        "1.24 s",
    ]
    assert share(0.9999999) == "99.999 %"
    assert share(1.0) == "100 %"
    assert share(0.9995) == "99.95 %"
