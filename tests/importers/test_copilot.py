"""The manifests of AWS Copilot become a workload file that `rung check` accepts."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rung.cli.main import main
from rung.errors import ModelError
from rung.importers.copilot import import_copilot
from rung.importers.copilot_parts import counts, every_or_cron
from rung.model.checks import check
from rung.model.graph import Graph
from rung.model.nodes import Environment, Route, Schedule, Service, Site, Worker
from rung.model.read import load_workload

STORE = Path(__file__).parent / "copilot/store"


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """The manifests of an application with one workload of each type."""
    shutil.copytree(STORE, tmp_path / "store")
    return tmp_path / "store"


def graph_of(folder: Path) -> Graph:
    text, _ = import_copilot(folder)
    (folder / "workload.py").write_text(text)
    return load_workload(folder / "workload.py")


def test_every_type_of_manifest_becomes_its_node(store: Path) -> None:
    graph = graph_of(store)
    assert graph.name == "store"
    assert graph.repository == "example/store", "where the pipeline took it from"
    frontend, mailer, report = graph.node("frontend"), graph.node("mailer"), graph.node("report")
    assert isinstance(frontend, Service)
    assert (frontend.port, frontend.health, frontend.cpu, frontend.memory_mib) == (3000, "/healthz", 0.25, 512)
    assert (frontend.min_tasks, frontend.max_tasks) == (2, 10)
    assert frontend.command == ("node", "dist/server.js"), "from its Dockerfile"
    assert isinstance(mailer, Worker)
    assert (mailer.acceptable_latency_seconds, mailer.processing_time_seconds) == (600, 0.25)
    assert isinstance(report, Schedule)
    assert report.every_seconds == 86_400
    assert isinstance(graph.node("docs"), Site)
    assert graph.node("api").health == "/health"  # type: ignore[union-attr]


def test_topics_become_sends_to_their_subscribers(store: Path) -> None:
    graph = graph_of(store)
    assert [(edge.target, edge.verb) for edge in graph.edges_from("api")] == [("mailer-queue", "send")]
    queue = graph.node("mailer-queue")
    assert (queue.max_receive_count, queue.visibility_timeout_seconds) == (10, 90)  # type: ignore[union-attr]


def test_routes_and_environments(store: Path) -> None:
    graph = graph_of(store)
    assert {(route.host, route.target, route.sticky) for route in graph.of(Route)} == {
        ("shop.example.org", "frontend", True), ("docs.example.org", "docs", False),
    }  # fmt: skip
    environments = {each.name: each for each in graph.of(Environment)}
    assert environments["prod"].production
    assert environments["test"].existing_vpc is not None
    assert environments["test"].existing_vpc.vpc_id == "vpc-0123456789abcdef0"


def test_it_passes_rung_check_and_holds_no_secret(store: Path) -> None:
    assert [finding for finding in check(graph_of(store)) if finding.severity == "error"] == []
    assert "/copilot/store/prod/secrets" not in (store / "workload.py").read_text()


def test_what_is_left_behind_is_said(store: Path) -> None:
    _, findings = import_copilot(store / "copilot")
    said = "\n".join(finding.message for finding in findings)
    for word in ("sidecars", "addon api/cluster", "in prod is not carried over", "CloudFormation", "who calls"):
        assert word in said
    addon = next(finding for finding in findings if "addon" in finding.message)
    assert addon.found == "AWS::RDS::DBCluster, AWS::S3::Bucket"


def test_a_folder_without_manifests_is_one_error(tmp_path: Path) -> None:
    with pytest.raises(ModelError) as caught:
        import_copilot(tmp_path)
    assert [finding.code for finding in caught.value.findings] == ["R1062"]


def test_the_command(store: Path) -> None:
    assert main(["import", "copilot", str(store), "--out", str(store / "workload.py")]) == 0
    assert main(["check", str(store / "workload.py")]) == 0


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("rate(5 minutes)", {"every": "5 minutes"}), ("rate(1 hour)", {"every": "1 hour"}),
        ("@daily", {"every": "1 day"}), ("@every 1h30m", {"every": "1h 30m"}), ("@every 5m", {"every": "5m"}),
        ("0 9 * * MON-FRI", {"cron": "0 9 * * MON-FRI"}), ("cron(0 12 * * ? *)", {"cron": "0 12 * * *"}),
        ("cron(0 12 ? * 2 *)", None), ("none", None), ("@yearly", None), ("rate(0 hours)", None), ("", None),
    ],
)  # fmt: skip
def test_times(text: str, expected: dict[str, str] | None) -> None:
    assert every_or_cron(text) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (3, (3, 4)), ("2-8", (2, 8)), ({"range": "1-10", "cpu_percentage": 70}, (1, 10)),
        ({"range": {"min": 0, "max": 5, "spot_from": 3}}, (1, 5)), ({"spot": 5}, None), (True, None), ("x", None),
    ],
)  # fmt: skip
def test_counts(value: object, expected: tuple[int, int] | None) -> None:
    found = counts(value)
    assert (found.get("min_tasks"), found.get("max_tasks")) == (expected or (None, None))


SCALARS = st.one_of(
    st.text(alphabet="abc -/'\"{}$:", max_size=12), st.integers(-3, 9_000), st.booleans(), st.none()
)
MAPS = st.dictionaries(
    st.sampled_from(["path", "port", "build", "alias", "healthcheck", "range", "schedule", "x"]),
    SCALARS,
    max_size=3,
)
TYPES = st.sampled_from(
    ["Load Balanced Web Service", "Backend Service", "Worker Service", "Scheduled Job", "Static Site", "Other"]
)
MANIFESTS = st.fixed_dictionaries(
    {"type": TYPES},
    optional={
        key: st.one_of(MAPS, SCALARS, st.lists(st.one_of(MAPS, SCALARS), max_size=2))
        for key in ("name", "image", "http", "cpu", "memory", "count", "variables", "secrets", "command", "on", "files",
                    "publish", "subscribe", "timeout", "environments", "sidecars")
    },
)  # fmt: skip


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(manifests=st.lists(MANIFESTS, min_size=1, max_size=4))
def test_whatever_stands_in_them_the_result_is_a_workload_file(
    tmp_path: Path, manifests: list[dict[str, Any]]
) -> None:
    shutil.rmtree(tmp_path / "copilot", ignore_errors=True)
    (tmp_path / "dist").mkdir(exist_ok=True)
    for number, manifest in enumerate(manifests):
        if manifest["type"] == "Static Site":
            manifest["files"] = [{"source": "dist"}]
        folder = tmp_path / f"copilot/w{number}"
        folder.mkdir(parents=True)
        (folder / "manifest.yml").write_text(yaml.safe_dump(manifest))
    text, _ = import_copilot(tmp_path)
    (tmp_path / "workload.py").write_text(text)
    load_workload(tmp_path / "workload.py")
