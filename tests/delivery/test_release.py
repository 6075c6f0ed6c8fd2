"""The release script, run for real: stand-ins for aws, terraform, docker and curl write down what is asked."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from fnmatch import fnmatch
from itertools import pairwise
from pathlib import Path

import pytest
from tests.delivery.designs import box, fargate, host

from rung.delivery import files
from rung.model.graph import Graph

STAND_IN = f"""#!{sys.executable}
import json, os, pathlib, sys
name = pathlib.Path(sys.argv[0]).name
words = " ".join([name, *sys.argv[1:]])
tag = os.environ.get("TF_VAR_image_tag")
folder = pathlib.Path(__file__).parents[1]
with (folder / "calls").open("a") as calls:
    calls.write(words + (f" [{{tag}}]" if tag else "") + "\\n")
state = json.loads((folder / "state.json").read_text())
if name == "terraform" and "apply" in words and "-target" not in words:
    state["running"] = tag if tag not in state["rolled_back"] else state["running"]
    (folder / "state.json").write_text(json.dumps(state))
for part, answer in state["answers"].items():
    if part in words:
        print(answer.replace("<running>", state["running"]))
        sys.exit(0)
sys.exit(state["fails"].get(next((part for part in state["fails"] if part in words), ""), 0))
"""
ANSWERS = {
    "get-caller-identity": "123456789012",
    "describe-services": "arn:definition",
    "describe-task-definition": "123.dkr.ecr.eu-central-1.amazonaws.com/shop-prod-images:<running>",
    "reverse(sort_by": "new\told\tolder",
    "describe-security-groups": "sg-1",
    "describe-subnets": "subnet-1\tsubnet-2",
    "run-task": "arn:task",
    "exitCode": "0",
    "get-secret-value": "<running>",
    "send-command": "command-1",
    "list-commands": "Success",
}


class Project:
    """A generated project whose tools are stand-ins."""

    def __init__(self, folder: Path, graph: Graph) -> None:
        self.folder = folder
        self.state: dict[str, object] = {
            "running": "old",
            "answers": dict(ANSWERS),
            "fails": {},
            "rolled_back": [],
        }
        script = files(graph, {"prod": fargate(), "staging": host(), "dev": box()})["scripts/release"]
        (folder / "scripts").mkdir()
        (folder / "scripts/release").write_text(script)
        (folder / "web/dist").mkdir(parents=True)
        (folder / "web/dist/index.html").write_text("<!doctype html>")
        (folder / "bin").mkdir()
        for name in ("aws", "terraform", "docker", "curl"):
            (folder / "bin" / name).write_text(STAND_IN)
            (folder / "bin" / name).chmod(0o755)

    def run(self, *arguments: str) -> tuple[int, str, list[str]]:
        """Exit code, what it printed, and every call it made."""
        (self.folder / "state.json").write_text(json.dumps(self.state))
        (self.folder / "calls").write_text("")
        path = f"{self.folder / 'bin'}:{os.environ['PATH']}"
        done = subprocess.run(
            ["bash", str(self.folder / "scripts/release"), *arguments],
            env={"PATH": path, "RUNG_POLL_SECONDS": "0"}, capture_output=True, text=True, check=False,
        )  # fmt: skip
        return done.returncode, done.stdout + done.stderr, (self.folder / "calls").read_text().splitlines()


@pytest.fixture
def project(tmp_path: Path, graph: Graph) -> Project:
    """A generated project in a folder of its own."""
    folder = tmp_path / "project"
    folder.mkdir()
    return Project(folder, graph)


def position(calls: list[str], *words: str) -> int:
    """Where the first call with all of these words stands."""
    found = [number for number, call in enumerate(calls) if all(word in call for word in words)]
    assert found, (words, calls)
    return found[0]


def test_shellcheck_finds_nothing(project: Project, tool: Callable[..., str]) -> None:
    tool("shellcheck", project.folder / "scripts/release")


def test_a_release_migrates_then_switches_then_waits_then_asks(project: Project) -> None:
    code, said, calls = project.run("deploy", "prod", "new")
    assert code == 0, said
    order = [
        position(calls, "terraform", "-target=module.db_migrate", "[new]"),
        position(
            calls, "run-task", "--task-definition shop-prod-db-migrate", "subnets=[subnet-1,subnet-2]", "sg-1"
        ),
        position(calls, "terraform -chdir=infra/prod apply -input=false -auto-approve [new]"),
        position(calls, "services-stable", "--services shop-prod-api shop-prod-fulfil"),
        position(calls, "curl", "https://prod.example.com/health"),
    ]
    assert order == sorted(order)


def test_a_failed_migration_changes_no_service(project: Project) -> None:
    project.state["answers"] = {**ANSWERS, "exitCode": "1"}
    code, said, calls = project.run("deploy", "prod", "new")
    assert code == 1
    assert "the services were not changed" in said
    assert not [call for call in calls if "apply" in call and "-target" not in call and "[new]" in call]


def test_a_release_that_its_health_checks_rolled_back_is_a_failure(project: Project) -> None:
    project.state["rolled_back"] = ["new"]
    code, said, calls = project.run("deploy", "prod", "new")
    assert code == 1
    assert "rolled back by its health checks" in said
    assert position(calls, "terraform", "apply", "[old]"), "the state must name what runs"


def test_a_release_that_does_not_answer_from_outside_is_taken_back(project: Project) -> None:
    project.state["fails"] = {"curl": 22}
    code, said, calls = project.run("deploy", "prod", "new")
    assert code == 1
    assert "new failed: back to old" in said
    assert position(calls, "curl") < position(calls, "terraform", "apply", "[old]")


def test_one_command_goes_back_to_the_image_before(project: Project) -> None:
    project.state["running"] = "new"
    code, said, calls = project.run("rollback", "prod")
    assert code == 0, said
    assert position(calls, "terraform", "apply", "[old]") >= 0
    assert not [call for call in calls if "run-task" in call], "migrations are never rolled back"


def test_a_rollback_may_name_its_image(project: Project) -> None:
    code, _, calls = project.run("rollback", "prod", "older")
    assert code == 0
    assert position(calls, "terraform", "apply", "[older]") >= 0


def test_machines_are_told_one_after_the_other(project: Project) -> None:
    code, said, calls = project.run("deploy", "staging", "new")
    assert code == 0, said
    assert position(calls, "put-secret-value", "shop-staging-release", "--secret-string new") < position(
        calls, "send-command"
    )
    assert position(calls, "send-command", "--max-concurrency 1 --max-errors 0", "rung-deploy new") >= 0


def test_a_machine_that_fails_brings_the_old_image_back(project: Project) -> None:
    project.state["answers"] = {**ANSWERS, "list-commands": "Failed"}
    code, _, calls = project.run("deploy", "dev", "new")
    assert code == 1
    assert position(calls, "put-secret-value", "string old") > position(calls, "put-secret-value", "string new")


def test_files_that_never_change_are_kept_for_ever(project: Project) -> None:
    """Later filters win, as the AWS CLI documents them; what no filter names is included."""
    project.state["answers"] = {**ANSWERS, "list-buckets": "shop-prod-web-1"}
    _, _, calls = project.run("deploy", "prod", "new")
    lasting = {}
    for call in (call for call in calls if " s3 sync " in call):
        filters = [pair for pair in pairwise(call.split()) if pair[0] in ("--include", "--exclude")]
        control = call.partition("--cache-control ")[2]
        for name in ("assets/app.3f9a1c2b4d5e.js", "logo.svg", "index.html", "font-deadbeef.woff2"):
            taken = [kind for kind, glob in filters if fnmatch(name, glob)]
            if not taken or taken[-1] == "--include":
                lasting[name] = "immutable" in control
    assert lasting == {
        "assets/app.3f9a1c2b4d5e.js": True, "font-deadbeef.woff2": True, "logo.svg": False, "index.html": False,
    }  # fmt: skip


def test_a_site_without_files_is_not_released(project: Project) -> None:
    """Uploading nothing would delete every page: it is refused before anything is changed."""
    (project.folder / "web/dist/index.html").unlink()
    for command in (("deploy", "prod", "new"), ("sites", "prod")):
        code, said, calls = project.run(*command)
        assert code == 1
        assert "web/dist: no files for shop-prod-web" in said
        assert calls == []


def test_production_is_not_stopped_from_here(project: Project) -> None:
    code, said, calls = project.run("stop", "prod")
    assert code == 1
    assert "is production" in said
    assert calls == []


def test_stopping_and_starting_machines(project: Project) -> None:
    _, _, calls = project.run("stop", "staging")
    assert position(calls, "update-auto-scaling-group", "shop-staging-hosts", "--desired-capacity 0") >= 0
    assert position(calls, "stop-db-instance", "shop-staging-db") >= 0
    _, _, calls = project.run("start", "staging")
    assert position(calls, "--desired-capacity 2") >= 0


@pytest.mark.parametrize(
    "arguments", [[], ["deploy"], ["deploy", "prod"], ["nonsense", "prod"], ["current", "qa"]]
)
def test_a_wrong_command_changes_nothing(project: Project, arguments: list[str]) -> None:
    code, _, calls = project.run(*arguments)
    assert code in (1, 2)
    assert calls == []


def test_a_second_push_of_a_tag_is_no_error(project: Project) -> None:
    project.state["answers"] = {
        "repositoryUri": "123.dkr.ecr.eu-central-1.amazonaws.com/shop-prod-images",
        **ANSWERS,
    }
    code, said, calls = project.run("push", "prod", "new")
    assert code == 0
    assert "is there already" in said
    assert not [call for call in calls if "docker push" in call]


def test_a_plan_is_made_for_the_image_that_runs(project: Project) -> None:
    code, said, calls = project.run("plan", "prod", "-lock=false")
    assert code == 0, said
    assert position(calls, "terraform -chdir=infra/prod plan -input=false -out=tfplan -lock=false [old]") >= 0


def test_terraform_is_told_where_its_state_is(project: Project) -> None:
    """Its bucket has the account's number in its name, which the pipeline asks for."""
    _, _, calls = project.run("plan", "prod")
    bucket = "-backend-config=bucket=shop-state-123456789012"
    assert position(calls, f"terraform -chdir=infra/prod init -input=false {bucket}") >= 0


def test_the_first_push_makes_the_registry(project: Project) -> None:
    project.state["fails"] = {"describe-repositories": 254, "describe-images": 254}
    _, _, calls = project.run("push", "prod", "new")
    assert position(calls, "terraform", "-target=module.images") >= 0
