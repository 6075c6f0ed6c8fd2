"""A workload and a command line become one plan; what would harm or never end is refused."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from rung import Objectives, Traffic, Workload
from rung.errors import MachineError, UsageError
from rung.load.options import Options, aims_of, plan_of
from rung.load.plan import Plan
from rung.load.sources import journeys_of, load_journeys
from rung.model.graph import Graph


def graph(**traffic: object) -> Graph:
    workload = Workload("tiny")
    api = workload.service("api", app="app:app", health="/health")
    workload.route("/api/*", api)
    values = {"concurrent_users": 2_000, "think_time": "4s", "peak": 10, "peak_duration": "20s",
              "routes": {"/api/a": 3, "/api/b": 1, "/api/c/*": 5}} | traffic  # fmt: skip
    workload.traffic(Traffic(**values))  # type: ignore[arg-type]
    workload.objectives(Objectives(availability="99.9%", p99="100ms", routes={"/api/b": "20ms"}))
    return workload.freeze()


def plan(**options: object) -> Plan:
    return plan_of(Options(**options), graph(), Path("/nowhere/workload.py"))  # type: ignore[arg-type]


def test_the_workload_says_how_many_users_and_what_they_request() -> None:
    made = plan()
    assert (made.users, made.rate, made.duration_seconds) == (2_000, 500.0, 60.0)
    journeys = journeys_of(made)
    assert [(journey.name, journey.weight) for journey in journeys] == [("/api/a", 3), ("/api/b", 1)]


def test_the_command_line_overrides_it() -> None:
    assert plan(users=100, think="2s").rate == 50.0
    made = plan(rate=7.5, duration="2m", seed=9, processes=2)
    assert (made.users, made.rate, made.duration_seconds, made.seed, made.processes) == (2_000, 7.5, 120.0, 9, 2)


def test_shapes_of_load() -> None:
    assert plan(spike=("10x@10s+5s",)).expected_requests == pytest.approx(500 * (55 + 50))
    assert plan(spike=("traffic",)).expected_requests == pytest.approx(500 * (40 + 200))
    assert plan(ramp="0x-2x").expected_requests == pytest.approx(500 * 60)
    assert plan(daily=True).profile.peak == 1.0


def test_objectives_become_aims() -> None:
    aims = aims_of(graph())
    assert (aims.p99_seconds, aims.availability) == (0.1, 0.999)
    assert aims.of("/api/b") == 0.02
    assert aims.of("/api/a") is None


@pytest.mark.parametrize(
    ("options", "message"),
    [({"duration": "25h"}, "24 h"), ({"duration": "soon"}, "not a duration"), ({"users": 300_000}, "200,000"),
     ({"rate": -1.0}, "above 0"), ({"rate": 2_000_000.0}, "the most is"), ({"processes": 0}, "--processes"),
     ({"rate": 5.0, "think": "1s"}, "contradict"), ({"think": "0s"}, "closed loop"),
     ({"spike": ("10",)}, "10x@60s"), ({"ramp": "up"}, "0.1x-1x"),
     ({"url": "ftp://x"}, "address"), ({"timeout": "1h"}, "--timeout"), ({"users": 0}, "--users"),
     ({"rate": math.nan}, "above 0"), ({"url": "http://x:y"}, "not an http.*: 'http://x:y'"),
     ({"url": "http://["}, "not an http"), ({"spike": ("10x@60s+1s",)}, "begins after the 60 s")],
)  # fmt: skip
def test_what_cannot_be_meant_is_a_usage_error(options: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        plan(**options)


def test_a_target_that_is_not_this_machine_needs_its_owners_word() -> None:
    with pytest.raises(MachineError) as refused:
        plan(url="http://192.0.2.1")
    assert refused.value.findings[0].code == "R0601"
    assert str(plan(url="https://192.0.2.1", own_target=True).target) == "https://192.0.2.1"


def test_a_workload_without_routes_or_journeys_has_nothing_to_send() -> None:
    with pytest.raises(MachineError) as refused:
        plan_of(Options(), graph(routes=None), Path("/nowhere/workload.py"))
    assert refused.value.findings[0].code == "R0606"


def test_more_connections_than_files_is_refused_with_the_number_of_processes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("rung.load.options.raise_open_files_limit", lambda connections: min(connections, 700))
    with pytest.raises(MachineError) as refused:
        plan()
    assert refused.value.findings[0].code == "R0604"
    assert "--processes 3" in refused.value.findings[0].help
    assert plan(processes=3).processes == 3


def test_journeys_beside_the_workload_are_found(tmp_path: Path) -> None:
    package = tmp_path / "tiny"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "journeys.py").write_text(
        "from rung.load import Journey, Step\njourneys = [Journey('a', [Step('GET', '/a')])]\nnothing = 3\n"
    )
    (package / "ends.py").write_text("raise SystemExit(3)")
    made = plan_of(Options(), graph(), tmp_path / "workload.py")
    assert made.journeys == "tiny.journeys:journeys"
    assert [journey.name for journey in load_journeys(made.journeys, str(tmp_path))] == ["a"]
    for reference, words in (
        ("tiny.journeys:nothing", "holds no journeys"),
        ("tiny.absent", "cannot be imported"),
        ("tiny.ends", "cannot be imported"),
    ):
        with pytest.raises(MachineError, match=words) as refused:
            load_journeys(reference, str(tmp_path))
        assert refused.value.findings[0].code == "R0603"
