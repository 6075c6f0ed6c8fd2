"""The pipelines fit GitHub's schema, satisfy zizmor, pin every action, and release production last."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.delivery.designs import box, fargate, host

from rung.delivery import files
from rung.model.graph import Graph
from rung.parts.design import Design

RUNGS = {
    "three environments on three rungs": {"prod": fargate(), "staging": host(), "dev": box()},
    "production alone": {"prod": fargate()},
    "a box": {"dev": box()},
}


def workflows(graph: Graph, designs: dict[str, Design]) -> dict[str, str]:
    return {name: text for name, text in files(graph, designs).items() if name.startswith(".github")}


def read(graph: Graph, name: str) -> dict[str, Any]:
    text = workflows(graph, RUNGS["three environments on three rungs"])[f".github/workflows/{name}.yml"]
    loaded: dict[str, Any] = yaml.safe_load(text)
    return loaded


@pytest.mark.parametrize("case", RUNGS)
def test_the_tools_that_judge_workflows_find_nothing(
    graph: Graph, tmp_path: Path, tool: Callable[..., str], case: str
) -> None:
    for name, text in workflows(graph, RUNGS[case]).items():
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    pipelines = sorted((tmp_path / ".github/workflows").iterdir())
    assert len(pipelines) == 4
    tool("check-jsonschema", "--builtin-schema", "vendor.github-workflows", *pipelines)
    tool("check-jsonschema", "--builtin-schema", "vendor.dependabot", tmp_path / ".github/dependabot.yml")
    tool("zizmor", "--offline", tmp_path / ".github")


def test_every_action_is_pinned_by_its_commit(graph: Graph) -> None:
    used = re.findall(r"uses: (\S+)( # v[\d.]+)?", "\n".join(workflows(graph, {"prod": fargate()}).values()))
    assert used
    assert all(re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", action) and version for action, version in used)


@pytest.mark.parametrize("name", ["pull-request", "deploy", "rollback", "drift"])
def test_no_job_may_more_than_it_needs(graph: Graph, name: str) -> None:
    workflow = read(graph, name)
    assert workflow["permissions"] == {}
    for job in workflow["jobs"].values():
        assert "timeout-minutes" in job
        assert set(job["permissions"]) <= {"contents", "id-token", "pull-requests", "issues"}
        assert job["permissions"].get("contents", "read") == "read"
        writes_for_others = {"pull-requests", "issues"} & set(job["permissions"])
        assert not (writes_for_others and "id-token" in job["permissions"]), "one job, one kind of power"


def test_a_release_reaches_production_last_and_through_its_environment(graph: Graph) -> None:
    jobs = read(graph, "deploy")["jobs"]
    assert list(jobs) == ["test", "image", "staging", "dev", "prod"]
    assert jobs["prod"]["needs"] == ["image", "dev"]
    assert jobs["prod"]["environment"]["name"] == "prod"
    assert jobs["image"]["needs"] == "test"
    assert "id-token" not in jobs["image"]["permissions"], "what builds cannot reach AWS"


def test_the_image_is_built_on_the_architecture_it_runs_on(graph: Graph) -> None:
    assert "ubuntu-24.04-arm" in read(graph, "deploy")["jobs"]["image"]["runs-on"]
    assert "vars.BUILD_RUNNER" in read(graph, "deploy")["jobs"]["image"]["runs-on"]


def test_an_emergency_has_one_input_to_fill_in(graph: Graph) -> None:
    inputs = read(graph, "rollback")[True]["workflow_dispatch"]["inputs"]  # YAML reads the key `on` as true
    assert inputs["environment"]["default"] == "prod"
    assert inputs["tag"]["default"] == ""


def test_pull_requests_of_forks_reach_no_account(graph: Graph) -> None:
    for name, job in read(graph, "pull-request")["jobs"].items():
        if "id-token" in job["permissions"]:
            assert "head.repo.full_name == github.repository" in job["if"], name


def test_the_plan_stands_without_rung_and_the_cost_is_told_where_it_is(graph: Graph) -> None:
    jobs = read(graph, "pull-request")["jobs"]
    estimate = next(step for step in jobs["cost"]["steps"] if step.get("id") == "estimate")
    assert estimate["continue-on-error"] is True
    assert "[ -x .venv/bin/rung ] || exit 0" in estimate["run"]
    assert 'rung estimate workload.py --env "$environment" --diff "$BASE"' in estimate["run"]
    assert jobs["cost"]["permissions"] == {"contents": "read"}
    for name, job in jobs.items():
        if name.startswith("plan-"):
            assert "needs" not in job
            assert "rung" not in " ".join(str(step.get("run", "")) for step in job["steps"])
    comment = jobs["comment"]
    assert comment["if"].startswith("${{ !cancelled()"), "a cost that failed does not keep the plans back"
    assert comment["steps"][0]["env"]["COST"] == "${{ needs.cost.outputs.cost }}"


def test_only_the_script_that_knows_the_states_bucket_initialises(graph: Graph) -> None:
    for name in ("pull-request", "deploy", "rollback", "drift"):
        for job in read(graph, name)["jobs"].values():
            for step in job["steps"]:
                assert not re.search(r"terraform\b.* init\b", str(step.get("run", ""))), name


def test_without_an_environment_there_is_nothing_to_deploy(graph: Graph) -> None:
    assert workflows(graph, {}) == {}


def test_the_release_before_is_tested_on_the_new_schema(graph: Graph, tmp_path: Path) -> None:
    """The step itself, in a repository with a release: its tests see this commit's migrations and its own code."""
    steps = read(graph, "pull-request")["jobs"]["migrations"]["steps"]
    script = next(step["run"] for step in steps if step.get("name", "").startswith("Tests of the release before"))
    repository, temporary = tmp_path / "repository", tmp_path / "runner"
    (repository / "db" / "migrations").mkdir(parents=True)
    (repository / ".venv" / "bin").mkdir(parents=True)
    temporary.mkdir()
    for name in ("rung", "squawk", "python"):
        (repository / ".venv" / "bin" / name).symlink_to(Path(sys.executable).with_name(name))
    (repository / ".gitignore").write_text(".venv\n")
    (repository / "workload.py").write_text(
        'from rung import Workload\napp = Workload("app")\napp.postgres("db", migrations="db/migrations")\n'
    )
    (repository / "code.txt").write_text("before")
    (repository / "Makefile").write_text(
        "test:\n\t@ls db/migrations > $(RUNNER_TEMP)/seen; cat code.txt >> $(RUNNER_TEMP)/seen\n"
    )
    first = "0001_first.sql"
    (repository / "db" / "migrations" / first).write_text("create table a (id bigint primary key);\n")

    def git(*words: str) -> None:
        who = ["-c", "user.name=x", "-c", "user.email=x@example.com", "-c", "commit.gpgsign=false"]
        subprocess.run(["git", *who, *words], cwd=repository, check=True, capture_output=True, timeout=30)

    def step() -> None:
        environment = {**os.environ, "RUNNER_TEMP": str(temporary)}
        command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script]
        subprocess.run(command, cwd=repository, env=environment, check=True, capture_output=True, timeout=60)

    git("init", "-q", "-b", "main")
    git("add", ".")
    git("commit", "-qm", "before")
    step()
    assert not (temporary / "seen").exists(), "there is no release yet"
    git("tag", "v1.0.0")
    (repository / "code.txt").write_text("now")
    (repository / "db" / "migrations" / "0002_second.sql").write_text("alter table a add column b text;\n")
    git("add", ".")
    git("commit", "-qm", "now")
    step()
    assert (temporary / "seen").read_text().split() == [first, "0002_second.sql", "before"]
