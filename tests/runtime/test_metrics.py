"""Metrics follow Prometheus' conventions and each process answers on a port of its own."""

from __future__ import annotations

import os
import urllib.request
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
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


def test_a_process_says_below_its_state_where_its_metrics_are(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    server = metrics.serve_metrics(0)
    assert server is not None
    try:
        monkeypatch.delenv("RUNG_STATE", raising=False)
        server.announce()
        monkeypatch.setenv("RUNG_STATE", str(tmp_path))
        assert not (tmp_path / "metrics").exists()
        server.announce()
        assert (tmp_path / "metrics" / str(os.getpid())).read_text() == str(server.port)
    finally:
        server.close()
    assert list((tmp_path / "metrics").iterdir()) == []


def test_answered_requests_are_shown_as_prometheus_shows_them() -> None:
    answered = metrics.Answered()
    answered.count("shop", "GET", "/api/", "200")[0] += 3
    durations = answered.durations("shop", "/api/")
    durations[0] += 2  # at most 1 ms
    durations[-2] += 1  # more than 30 s
    durations[-1] += 31.5
    registry = CollectorRegistry()
    registry.register(answered)
    text = generate_latest(registry).decode()
    assert 'rung_http_requests_total{method="GET",route="/api/",service="shop",status="200"} 3.0' in text
    series = 'rung_http_request_duration_seconds_bucket{le="%s",route="/api/",service="shop"} %s'
    assert series % ("0.001", "2.0") in text
    assert series % ("30.0", "2.0") in text
    assert series % ("+Inf", "3.0") in text
    assert 'rung_http_request_duration_seconds_sum{route="/api/",service="shop"} 31.5' in text
    assert 'rung_http_request_duration_seconds_count{route="/api/",service="shop"} 3.0' in text


def test_without_a_port_nothing_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RUNG_METRICS_PORT", raising=False)
    assert metrics.serve_metrics() is None
