"""The generated Dockerfile: no finding of ours, none of hadolint's, and a health check that really asks."""

from __future__ import annotations

import http.server
import json
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from rung.delivery import files
from rung.delivery.dockerfile_findings import dockerfile_findings
from rung.model.graph import Graph

LOCKS = {
    "uv.lock": "uv sync --frozen",
    "requirements.lock": "--require-hashes -r requirements.lock",
    "requirements.txt": "install --no-cache-dir -r requirements.txt",
    "pyproject.toml": "tomllib",
    "none": "Nothing says which packages",
}


@pytest.mark.parametrize("lock", LOCKS)
def test_packages_come_from_the_lock_that_is_there(
    graph: Graph, tmp_path: Path, tool: Callable[..., str], lock: str
) -> None:
    if lock != "none":
        (tmp_path / lock).write_text(
            "starlette==1.0" + (" --hash=sha256:00\n" if lock.endswith(".lock") else "\n")
        )
    text = files(graph, {})["Dockerfile"]
    assert LOCKS[lock] in text
    assert dockerfile_findings(text, "Dockerfile") == ()
    (tmp_path / "Dockerfile").write_text(text)
    assert tool("hadolint", tmp_path / "Dockerfile") == ""


class Health(http.server.BaseHTTPRequestHandler):
    """Answers `/health` with the status that the test sets."""

    status = 200

    def do_GET(self) -> None:
        """Answer."""
        self.send_response(self.status if self.path == "/health" else 404)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def port() -> Iterator[int]:
    """A server on the loopback."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Health)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server.server_port
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize(("status", "healthy"), [(200, True), (503, False)])
def test_the_health_check_tells_healthy_from_not(
    graph: Graph, port: int, monkeypatch: pytest.MonkeyPatch, status: int, healthy: bool
) -> None:
    monkeypatch.setattr(Health, "status", status)
    assert (_check(graph, port) == 0) is healthy


def test_the_health_check_fails_where_nothing_listens(graph: Graph) -> None:
    assert _check(graph, 1) != 0


def _check(graph: Graph, port: int) -> int:
    text = files(graph, {})["Dockerfile"]
    found = re.search(r"HEALTHCHECK .*\\\n\s+CMD (\[.*\])", text)
    assert found
    command = [sys.executable, *json.loads(found[1])[1:]]
    variables = {"PORT": str(port), "HEALTH_PATH": "/health"}
    return subprocess.run(command, env=variables, capture_output=True, check=False).returncode


def test_secrets_and_state_are_never_sent_to_the_builder(graph: Graph) -> None:
    ignored = files(graph, {})[".dockerignore"].splitlines()
    assert {".git", ".env*", "*.tfstate*", "*.tfvars", "**/*.key"} <= set(ignored)
