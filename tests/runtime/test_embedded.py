"""Figures in CloudWatch's embedded metric format: the shape that AWS documents, and only where they are wanted."""

from __future__ import annotations

import io
import json

import pytest

from rung.runtime import embedded


def test_nobody_asks_for_them_and_nothing_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(embedded.VARIABLE, raising=False)
    out = io.StringIO()
    assert not embedded.tell("rung/workflow", {"RunsFailed": 1.0}, node="flow", out=out)
    assert out.getvalue() == ""


def test_a_line_has_every_figure_and_every_dimension_that_it_names(monkeypatch: pytest.MonkeyPatch) -> None:
    """AWS, "Specification: Embedded Metric Format": what `_aws` names stands in the root beside it."""
    monkeypatch.setenv(embedded.VARIABLE, embedded.WANTED)
    monkeypatch.setenv("RUNG_WORKLOAD", "shop")
    monkeypatch.setenv("RUNG_ENVIRONMENT", "prod")
    out = io.StringIO()
    figures = {"RunsFailed": 2.0, "OldestDueSeconds": 0.5}
    assert embedded.tell("rung/workflow", figures, node="flow", now_seconds=1_700_000_000.5, out=out)
    line = json.loads(out.getvalue())
    (described,) = line["_aws"]["CloudWatchMetrics"]
    assert line["_aws"]["Timestamp"] == 1_700_000_000_500
    assert described["Namespace"] == "rung/workflow"
    assert [line[name] for name in described["Dimensions"][0]] == ["shop", "prod", "flow"]
    assert {each["Name"]: line[each["Name"]] for each in described["Metrics"]} == figures
