"""Compose files of popular shapes become workload files that `rung check` accepts, and no secret passes through."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rung.cli.main import main
from rung.errors import ModelError
from rung.importers.compose import import_compose
from rung.model.checks import check
from rung.model.graph import Graph
from rung.model.nodes import External, Job, Postgres, Route, Secret, Service, Worker
from rung.model.read import load_workload

EXAMPLES = Path(__file__).parent / "compose"
SECRETS = ("correct-horse", "sk_live_dontcommit", "not-in-the-output")


def imported(file: Path, folder: Path) -> tuple[str, list[str], Graph]:
    """The text, the codes of its findings, and the graph that it describes."""
    text, findings = import_compose(file)
    (folder / "workload.py").write_text(text)
    return text, [finding.code for finding in findings], load_workload(folder / "workload.py")


@pytest.mark.parametrize("name", sorted(file.name for file in EXAMPLES.iterdir()))
def test_every_example_passes_rung_check_and_reads_well(name: str, tmp_path: Path) -> None:
    text, codes, graph = imported(EXAMPLES / name, tmp_path)
    assert [finding for finding in check(graph) if finding.severity == "error"] == []
    assert not [secret for secret in SECRETS if secret in text]
    assert codes
    compile(text, name, "exec")
    assert all(line == line.rstrip() for line in text.splitlines())


def test_django_with_celery(tmp_path: Path) -> None:
    text, codes, graph = imported(EXAMPLES / "django-celery.yml", tmp_path)
    assert graph.name == "bookings"
    web = graph.node("web")
    assert isinstance(web, Service)
    assert (web.port, web.health, web.min_tasks, web.cpu, web.memory_mib) == (8000, "/healthz/", 2, 0.5, 512)
    assert isinstance(graph.node("worker"), Worker)
    beat = graph.node("beat")
    assert isinstance(beat, Worker)
    assert (beat.min_tasks, beat.max_tasks) == (1, 1)
    assert isinstance(graph.node("migrate"), Job)
    assert [route.target for route in graph.of(Route)] == ["web"], "what the proxy depended on"
    assert {secret.name for secret in graph.of(Secret)} == {"secret-key", "stripe-api-key"}
    assert [(edge.target, edge.verb) for edge in graph.edges_from("web") if edge.target == "tasks"] == [
        ("tasks", "send")
    ]
    assert {"R1052", "R1054", "R1055", "R1057"} <= set(codes)
    assert "DATABASE_URL" not in text, "rung says where the database is"
    assert '"SENTRY_ENVIRONMENT": "production"' in text, "a default is a value"


def test_fastapi_with_a_front_end(tmp_path: Path) -> None:
    _, codes, graph = imported(EXAMPLES / "fastapi-worker.yml", tmp_path)
    assert graph.node("postgres").extensions == ("vector",)  # type: ignore[union-attr]
    assert [(route.path, route.target) for route in graph.of(Route)] == [("/*", "frontend"), ("/api/*", "api")]
    assert [edge.verb for edge in graph.edges_from("frontend")] == ["call"]
    assert {"R1055", "R1058", "R1063"} <= set(codes)


def test_traefiks_labels_are_routes_and_brokers_stay_outside(tmp_path: Path) -> None:
    _, codes, graph = imported(EXAMPLES / "traefik-rails.yml", tmp_path)
    assert {(route.host, route.path, route.target) for route in graph.of(Route)} == {
        ("www.example.com", "/*", "web"), ("www.example.com", "/admin/*", "admin"),
    }  # fmt: skip
    assert {(each.name, each.port) for each in graph.of(External)} == {("rabbit", 5672), ("search", 9200)}
    assert graph.of(Postgres)[0].pool_size == 6, "three processes of four tasks each fit the server"
    assert {"R1053", "R1056"} <= set(codes)


def test_findings_point_at_their_lines(tmp_path: Path) -> None:
    _, findings = import_compose(EXAMPLES / "wordpress.yml")
    outside = next(finding for finding in findings if finding.code == "R1053")
    assert outside.location is not None
    assert (EXAMPLES / "wordpress.yml").read_text().splitlines()[outside.location.line - 1].strip() == "db:"


def test_the_command_of_a_dockerfile_is_read(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text(
        'FROM python:3.13\nEXPOSE 9000\nENTRYPOINT ["python"]\nCMD ["-m", "app"]\n'
    )
    (tmp_path / "compose.yaml").write_text("services: {web: {build: ., ports: ['80:9000']}}\n")
    _, _, graph = imported(tmp_path / "compose.yaml", tmp_path)
    web = graph.node("web")
    assert isinstance(web, Service)
    assert web.command == ("python", "-m", "app")
    assert web.port == 9000


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "R1051"), ("- a\n", "R1051"), ("a: [\n", "R1051"), ("services: {}\n", "R1062"), ("volumes: {}\n", "R1062"),
        ("services:\n\tweb: x\n", "R1051"), ("services: 5\n", "R1062"),
    ],
)  # fmt: skip
def test_what_is_no_compose_file_is_one_error(tmp_path: Path, text: str, code: str) -> None:
    (tmp_path / "compose.yaml").write_text(text)
    with pytest.raises(ModelError) as caught:
        import_compose(tmp_path / "compose.yaml")
    assert [finding.code for finding in caught.value.findings] == [code]


def test_the_command_writes_a_file_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "workload.py"
    words = ["import", "compose", str(EXAMPLES / "wordpress.yml"), "--out", str(target)]
    assert main(words) == 0
    assert "R1053" in capsys.readouterr().err
    assert main(words) == 2, "it is not written over"
    assert main([*words, "--force"]) == 0
    assert main(["check", str(target)]) == 0


def test_the_command_prints_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["import", "compose", str(EXAMPLES / "wordpress.yml"), "--format", "json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["schema"] == "rung.import/1"
    assert document["findings"]


NAMES = st.sampled_from(
    ["web", "api", "db", "redis", "worker", "celery-beat", "Front End", "my_service", "class", "x" * 60, "rabbit", "9lives", "ümlaut", "print"]
)  # fmt: skip
TEXTS = st.one_of(
    st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\x00", exclude_categories=("Cs", "Cc")), max_size=30),
    st.sampled_from(["postgres://u:p@db:5432/x", "redis://redis:6379", "${A:-b}", "$HOME", "8000:80", "'\"\\", "{port}"]),
)  # fmt: skip
SCALARS = st.one_of(TEXTS, st.integers(-5, 99_999), st.booleans(), st.none(), st.floats(allow_nan=False, width=16))
IMAGES = st.sampled_from(
    ["postgres:16", "redis", "mysql:8", "nginx", "app:1", "pgvector/pgvector:pg17", "x/y@sha256:0", ""]
)
SERVICES = st.fixed_dictionaries(
    {},
    optional={
        "image": st.one_of(IMAGES, SCALARS),
        "build": st.one_of(TEXTS.map(lambda text: text.replace("/", "")), st.just({"context": "."})),
        "command": st.one_of(TEXTS, st.lists(SCALARS, max_size=3)),
        "environment": st.one_of(
            st.dictionaries(st.sampled_from(["A", "DB_PASSWORD", "API_KEY", "DATABASE_URL", "B"]), SCALARS, max_size=4),
            st.lists(TEXTS, max_size=3),
        ),
        "ports": st.lists(st.one_of(TEXTS, st.just("8080:80"), st.just({"target": 80})), max_size=2),
        "depends_on": st.one_of(st.lists(NAMES, max_size=3), st.dictionaries(NAMES, st.just({}), max_size=2)),
        "volumes": st.lists(st.sampled_from(["a:/b", "./x:/y", "data:/data", {"source": "s", "target": "/t"}]), max_size=3),
        "healthcheck": st.fixed_dictionaries({"test": st.one_of(TEXTS, st.just("curl http://localhost/ok"))}),
        "deploy": st.one_of(SCALARS, st.just({"replicas": 3, "resources": {"limits": {"memory": "1g", "cpus": "2"}}})),
        "mem_limit": SCALARS, "scale": SCALARS, "privileged": st.booleans(), "labels": st.lists(TEXTS, max_size=2),
    },
)  # fmt: skip


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(services=st.dictionaries(NAMES, st.one_of(SERVICES, SCALARS), min_size=1, max_size=5))
def test_whatever_stands_in_it_the_result_is_a_workload_file(tmp_path: Path, services: dict[str, Any]) -> None:
    (tmp_path / "compose.yaml").write_text(
        yaml.safe_dump({"services": services}, allow_unicode=True), encoding="utf-8"
    )
    text, _ = import_compose(tmp_path / "compose.yaml")
    (tmp_path / "workload.py").write_text(text, encoding="utf-8")
    load_workload(tmp_path / "workload.py")  # raises when it does not parse or freeze
