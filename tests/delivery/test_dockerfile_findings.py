"""Every trap of a Dockerfile is found at its line, its mended form is silent, and no secret's value is shown."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rung.cli.main import main
from rung.delivery.dockerfile_findings import dockerfile_findings
from rung.errors import Finding

GOOD = """\
FROM python:3.13-slim-bookworm
ENV TZ=UTC PORT=8000
COPY . .
USER 10001
HEALTHCHECK CMD ["python", "-c", "import urllib.request as w; w.urlopen('http://127.0.0.1:8000/health')"]
CMD ["uvicorn", "app:app", "--host", "0.0.0.0"]
"""


def found(text: str) -> dict[str, Finding]:
    return {finding.code: finding for finding in dockerfile_findings(text, "Dockerfile")}


def test_a_sound_file_has_no_finding() -> None:
    assert found(GOOD) == {}


def test_a_file_without_from_has_no_finding() -> None:
    assert dockerfile_findings("# nothing yet\n", "Dockerfile") == ()


@pytest.mark.parametrize(
    ("base", "check", "expected"),
    [
        ("node:20-alpine", "curl -f http://127.0.0.1:3000/health", True),
        ("node:20-alpine", "wget --spider http://127.0.0.1:3000/health", False),  # BusyBox has it
        ("python:3.13-slim", "curl -f http://127.0.0.1/", True),
        ("python:3.13-slim", "wget -q http://127.0.0.1/", True),
        ("python:3.13-bookworm", "curl -f http://127.0.0.1/", False),  # the full image has it
        ("gcr.io/distroless/python3:nonroot", "wget -q http://127.0.0.1/", True),
    ],
)
def test_a_health_check_calls_what_the_image_has(base: str, check: str, expected: bool) -> None:
    text = f'FROM {base}\nUSER 10001\nHEALTHCHECK CMD {check} || exit 1\nCMD ["app"]\n'
    assert ("R0901" in found(text)) is expected
    if expected:
        assert found(text)["R0901"].location.line == 3  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "install",
    [
        "RUN apk add --no-cache curl=8.5",
        "RUN apk update && apk --no-cache add tzdata curl",
        "COPY --from=x /bin/curl /bin/",
    ],
)
def test_an_installed_program_may_be_called(install: str) -> None:
    text = f"FROM alpine:3.20\n{install}\nUSER 1\nHEALTHCHECK CMD curl http://127.0.0.1/\n"
    assert "R0901" not in found(text)


def test_what_an_earlier_stage_installs_counts_only_when_the_last_is_built_on_it() -> None:
    check = "HEALTHCHECK CMD curl http://127.0.0.1/\nUSER 1\n"
    on_it = "FROM alpine:3.20 AS base\nRUN apk add curl\nFROM base\n" + check
    beside = "FROM alpine:3.20 AS build\nRUN apk add curl\nFROM alpine:3.20\n" + check
    assert "R0901" not in found(on_it)
    assert "R0901" in found(beside)


def test_localhost_in_a_health_check() -> None:
    assert "R0902" in found(GOOD.replace("127.0.0.1", "localhost"))


def test_alpine_without_time_zone_data() -> None:
    assert found("FROM alpine:3.20\nUSER 1\n")["R0903"].severity == "note"
    assert found("FROM alpine:3.20\nENV TZ=Europe/Berlin\nUSER 1\n")["R0903"].severity == "warning"
    assert "R0903" not in found("FROM alpine:3.20\nRUN apk add --no-cache tzdata\nUSER 1\n")


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ('["uvicorn", "app:app", "--host", "127.0.0.1"]', True),
        ('["uvicorn", "app:app"]', True),
        ('["uvicorn", "app:app", "--host=0.0.0.0"]', False),
        ('["gunicorn", "-b", "localhost:8000", "app"]', True),
        ('["gunicorn", "-b", "0.0.0.0:8000", "app"]', False),
        ('["python", "manage.py", "runserver"]', True),
        ('["python", "manage.py", "runserver", "0.0.0.0:8000"]', False),
        ('["flask", "--app", "shop", "run"]', True),
        ('["flask", "db", "upgrade"]', False),
        ('["celery", "-A", "shop", "worker"]', False),
        ('["sh", "-c", "exec uvicorn app:app --host 127.0.0.1"]', True),
    ],
)
def test_listening_on_the_loopback(command: str, expected: bool) -> None:
    assert ("R0904" in found(f"FROM python:3.13\nUSER 1\nCMD {command}\n")) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("FROM python:3.13\n", True),
        ("FROM python:3.13\nUSER root\n", True),
        ("FROM python:3.13\nUSER 0:0\n", True),
        ("FROM python:3.13\nUSER app\nUSER root\n", True),
        ("FROM python:3.13\nUSER app\n", False),
        ("FROM python:3.13 AS base\nUSER app\nFROM base\n", False),
        ("FROM gcr.io/distroless/python3:nonroot\n", False),
    ],
)
def test_running_as_root(text: str, expected: bool) -> None:
    assert ("R0905" in found(text)) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("FROM python\nUSER 1\n", True),
        ("FROM python:latest\nUSER 1\n", True),
        ("FROM registry.example.com:5000/python\nUSER 1\n", True),
        ("FROM registry.example.com:5000/python:3.13\nUSER 1\n", False),
        ("FROM python@sha256:0123\nUSER 1\n", False),
        ("ARG VERSION=3.13\nFROM python:${VERSION}-slim AS build\nFROM build\nUSER 1\n", False),
        ("FROM scratch\nUSER 1\n", False),
    ],
)
def test_moving_tags(text: str, expected: bool) -> None:
    assert ("R0906" in found(text)) is expected


@pytest.mark.parametrize("line", ["ENV DB_PASSWORD=hunter2", "ENV API_KEY hunter2", "ARG GITHUB_TOKEN=hunter2"])
def test_a_secret_is_named_and_its_value_never_shown(line: str) -> None:
    finding = found(f"FROM python:3.13\nUSER 1\n{line}\n")["R0907"]
    assert finding.location is not None
    assert finding.location.line == 3
    assert "hunter2" not in str(finding)


@pytest.mark.parametrize(
    "line",
    [
        "ENV DB_PASSWORD_FILE=/run/secrets/db",
        "ENV API_KEY=",
        "ENV TOKENIZERS_PARALLELISM=false",
        "COPY .env.example ./",
    ],
)
def test_what_only_sounds_like_a_secret(line: str) -> None:
    assert "R0907" not in found(f"FROM python:3.13\nUSER 1\n{line}\n")


def test_a_file_of_secrets() -> None:
    assert "R0907" in found("FROM python:3.13\nUSER 1\nCOPY .env ./\n")


def test_the_shell_form_is_process_one() -> None:
    assert "R0908" in found("FROM python:3.13\nUSER 1\nCMD python -m app\n")
    assert "R0908" not in found("FROM python:3.13\nUSER 1\nCMD exec python -m app\n")


def test_continuations_comments_and_heredocs_are_read() -> None:
    install = "RUN apk add \\\n  # the client\n  curl \\\n  tzdata\n"
    text = f"FROM alpine:3.20\nRUN <<END\nUSER nobody\nEND\n{install}HEALTHCHECK CMD curl http://127.0.0.1/\n"
    assert set(found(text)) == {"R0905"}


def test_rung_check_reads_the_dockerfile_beside_the_workload_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "workload.py").write_text('from rung import Workload\nshop = Workload("shop")\n')
    (tmp_path / "Dockerfile").write_text("FROM python:3.13\nCMD python -m app\n")
    main(["check", str(tmp_path / "workload.py"), "--format", "json"])
    codes = [each["code"] for each in json.loads(capsys.readouterr().out)["findings"]]
    assert {"R0905", "R0908"} <= set(codes)
