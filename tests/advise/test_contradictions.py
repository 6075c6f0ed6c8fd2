"""What cannot hold together is a finding that says what is possible."""

from __future__ import annotations

import pytest
from tests.advise.conftest import small

from rung import Traffic, Workload
from rung.advise import advise
from rung.errors import ModelError
from rung.model.graph import Graph


def codes(graph: Graph) -> list[str]:
    found = advise(graph, "prod", deep=False).findings
    assert all(finding.found and finding.help and finding.effect for finding in found)
    return [finding.code for finding in found]


def test_nothing_contradicts_itself_in_a_plain_workload() -> None:
    assert codes(small()) == []


def test_five_nines_on_one_box() -> None:
    assert {"R1302", "R1303"} <= set(codes(small(availability="99.999%", rung="box")))


def test_a_promise_that_some_rung_keeps_is_no_contradiction() -> None:
    assert "R1302" not in codes(small(availability="99.95%"))


def test_a_budget_that_buys_little() -> None:
    found = advise(small(budget=5), "prod", deep=False).findings
    assert [(each.code, each.severity) for each in found] == [("R1306", "warning")]


def test_what_every_rung_refuses_alike_is_said_once() -> None:
    with pytest.raises(ModelError) as caught:
        advise(small(budget=0), "prod")
    assert len(caught.value.findings) == 1
    assert "budget" in caught.value.findings[0].message


def test_impossible_traffic() -> None:
    with pytest.raises(ModelError) as caught:
        advise(small(users=2_000_000_000, think_time="100s"), "prod")
    assert [each.code for each in caught.value.findings] == ["R1110"]


def test_hours_that_nobody_has() -> None:
    assert "R1307" in codes(small(hours=0.5))


def test_spikes_that_use_up_the_promise(shop: Graph) -> None:
    found = next(each for each in advise(shop, "prod", deep=False).findings if each.code == "R1308")
    assert "99.95 % allow 0.05 %" in found.found


def test_no_traffic_is_said() -> None:
    work = Workload("tea")
    api = work.service("api", app="tea.api:app", health="/health")
    work.route("/*", api)
    work.environment("prod")
    work.notify("email:me@example.com")
    assert codes(work.freeze()) == ["R1305"]


def test_a_workload_that_no_rung_holds() -> None:
    work = Workload("tea")
    api = work.service("api", app="tea.api:app", health="/health")
    work.search("find", engine="opensearch")
    work.route("/*", api)
    work.traffic(Traffic(concurrent_users=10))
    work.environment("prod")
    work.notify("email:me@example.com")
    with pytest.raises(ModelError) as caught:
        advise(work.freeze(), "prod")
    assert caught.value.findings[0].code == "R1301"
    assert "fargate" in caught.value.findings[0].found
