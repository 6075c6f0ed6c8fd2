"""What one request costs stands in one place, and what rung load measured replaces what was assumed there."""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from rung.errors import UsageError
from rung.forecast import behaviour
from rung.model.assumed import assumed, described
from rung.model.measured import Behaviour, from_load, read_load
from rung.price.assumptions import Assumptions


def result(**server: Any) -> dict[str, Any]:
    """A result of rung load, as far as it is read."""
    given = {"requests": 1_000, "service_cpu_seconds": 2.5, "database_cpu_seconds": 0.6, "utilisation": 0.1}
    return {
        "schema": "rung.load/1", "started_at": "2026-11-21T10:00:00",
        "total": {
            "succeeded": 1_000, "received_bytes": 2_048_000, "service": {"p50_ms": 3.0, "p99_ms": 30.7},
        },
        "server": {**given, **server},
    }  # fmt: skip


def test_bills_and_forecasts_share_every_value_of_a_request() -> None:
    shared = {each.name for each in fields(Behaviour)}
    assert shared <= {each.name for each in fields(Assumptions)} & {
        each.name for each in fields(behaviour.Behaviour)
    }
    both = {each.name for each in fields(Assumptions)} & {each.name for each in fields(behaviour.Behaviour)}
    assert both == shared, "what both read belongs to rung.model.measured"


def test_an_acu_answers_what_its_share_of_cpu_does() -> None:
    assert Behaviour().requests_per_acu == pytest.approx(200)
    assert Behaviour(database_ms=2.0).requests_per_acu == pytest.approx(100)
    assert Behaviour(database_ms=0.0).requests_per_acu == float("inf")


def test_measured_beats_assumed_and_says_so() -> None:
    found = from_load(behaviour.Behaviour(), result())
    assert found.response_kib == pytest.approx(2.0)
    assert found.cpu_ms == pytest.approx(2.5)
    assert found.database_ms == pytest.approx(0.6 / 0.3)
    assert found.cpu_cv == pytest.approx(1.3108, abs=0.01), "the lognormal with this median and p99"
    assert found.basis_of("cpu_ms") == "measured"
    assert found.basis_of("cpu_target") == "assumed"
    why = {name: text for name, _, _, text in described(found)}
    assert why["cpu_ms"] == "measured by rung load, 2026-11-21, 1,000 requests"


def test_the_cache_s_measured_share_is_used() -> None:
    cache = {"requests": 1_000, "reads": 950, "hits": 900, "loads": 50, "hit_ratio": 0.95, "database_share": 0.1}
    found = from_load(Assumptions(), {**result(), "cache": cache})
    assert (found.database_share, found.database_ms) == (pytest.approx(0.1), pytest.approx(6.0))
    assert found.basis_of("database_share") == "measured"
    assert from_load(Assumptions(), result()).basis_of("database_share") == "assumed"


def test_what_requests_share_is_what_many_at_once_cost_less() -> None:
    """Alone half a millisecond, among many 0.13: a turn of 0.37, and a bill that counts the whole."""
    found = from_load(behaviour.Behaviour(), result(levels=[[300.0, 0.5], [4_500.0, 0.13]]))
    assert (found.cpu_ms, found.turn_ms, found.own_ms) == tuple(map(pytest.approx, (0.5, 0.37, 0.13)))
    assert found.basis_of("turn_ms") == "measured"
    assert from_load(Assumptions(), result(levels=[[300.0, 0.5], [4_500.0, 0.13]])).cpu_ms == pytest.approx(0.5)
    for levels in ([], [[300.0, 0.5]], [[300.0, 0.5], [500.0, 0.4]], [[300.0, 0.5], [900.0, 0.6]]):
        assert from_load(behaviour.Behaviour(), result(levels=levels)).basis_of("turn_ms") == "assumed"


def test_a_full_machine_says_nothing_about_the_spread_of_work() -> None:
    assert from_load(behaviour.Behaviour(), result(utilisation=0.8)).basis_of("cpu_cv") == "assumed"


def test_a_result_from_elsewhere_measures_sizes_alone() -> None:
    document = result()
    del document["server"]
    assert {each.name for each in from_load(Assumptions(), document).basis} == {"response_kib"}


def test_what_the_user_gives_is_stronger_than_what_was_measured() -> None:
    found = assumed(from_load(behaviour.Behaviour(), result()), ["cpu_ms=7"])
    assert (found.cpu_ms, found.basis_of("cpu_ms")) == (7.0, "given")
    assert len([each for each in found.basis if each.name == "cpu_ms"]) == 1


@pytest.mark.parametrize(
    ("text", "said"),
    [("[]", "not a result"), ("{", "--measured"), ('{"schema": "rung.load/9"}', "rung.load/9"),
     ('{"schema": "rung.load/1"}', "not a whole result"),
     ('{"schema": "rung.load/1", "total": {"succeeded": 0}}', "no request was answered")],
)  # fmt: skip
def test_a_file_that_is_no_result_is_named(text: str, said: str, tmp_path: Path) -> None:
    file = tmp_path / "load.json"
    file.write_text(text)
    with pytest.raises(UsageError, match=said):
        read_load(Behaviour(), file)
    with pytest.raises(UsageError, match="missing"):
        read_load(Behaviour(), tmp_path / "missing.json")


def test_without_a_file_everything_stays_assumed(tmp_path: Path) -> None:
    assert read_load(Behaviour(), None) == Behaviour()
    file = tmp_path / "load.json"
    file.write_text(json.dumps(result()))
    assert read_load(Behaviour(), file).cpu_ms == pytest.approx(2.5)
