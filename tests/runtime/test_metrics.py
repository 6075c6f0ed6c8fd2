"""Metrics follow Prometheus' conventions and each process answers on a port of its own."""

from __future__ import annotations

import urllib.request

import pytest
from prometheus_client import Counter, Gauge, Histogram
from prometheus_client.metrics import MetricWrapperBase

from rung.runtime import metrics

DEFINED = [metric for metric in vars(metrics).values() if isinstance(metric, MetricWrapperBase)]


@pytest.mark.parametrize("metric", DEFINED, ids=lambda metric: metric._name)
def test_names_follow_the_conventions(metric: MetricWrapperBase) -> None:
    assert metric._name.startswith("rung_")
    assert metric._documentation.endswith(".")
    if isinstance(metric, Histogram):
        assert metric._name.endswith("_seconds")
    if isinstance(metric, Gauge):
        assert not metric._name.endswith("_total")
    assert isinstance(metric, Counter | Gauge | Histogram)


def test_two_processes_with_one_environment_get_two_ports(monkeypatch: pytest.MonkeyPatch) -> None:
    first = metrics.serve_metrics(0)
    assert first is not None
    monkeypatch.setenv("RUNG_METRICS_PORT", str(first.port))
    second = metrics.serve_metrics()
    assert second is not None
    try:
        metrics.cache_reads.labels("test", "memory").inc()
        assert second.port != first.port
        with urllib.request.urlopen(f"http://127.0.0.1:{second.port}/metrics") as answer:
            text = answer.read().decode()
        assert 'rung_cache_reads_total{cache="test",source="memory"} 1.0' in text
    finally:
        first.close()
        second.close()


def test_without_a_port_nothing_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RUNG_METRICS_PORT", raising=False)
    assert metrics.serve_metrics() is None
