"""The gate of every rung: plan, policy scan, apply, quiet second plan, what exists against the graph, destroy.

Against emulators on this machine. An apply waits for what Terraform's provider waits for, whatever answers: most
of its time nothing is computed, so the rungs run beside each other and beside other tests.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.terraform import existing, shop
from tests.terraform.emulator.cloud import CREDENTIALS, REPOSITORY, Cloud, cloud
from tests.terraform.tool import REQUIRED, Terraform, alone

from rung.cli.main import main
from rung.parts.design import Design
from rung.terraform.waivers import checkov_configuration

CHECKOV = REPOSITORY / ".venv-policy" / "bin" / "checkov"
PARALLEL = "-parallelism=30"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stand:
    """One environment on one rung, its root, and the emulators it talks to."""

    design: Design
    root: Path
    aws: Cloud
    terraform: Terraform

    def run(self, *arguments: str, timeout_seconds: float = 600) -> str:
        """A Terraform command in the root; its standard output."""
        environment = {**shop.VARIABLES, **CREDENTIALS}
        result = self.terraform.run(
            self.root, *arguments, "-no-color", environment=environment, timeout_seconds=timeout_seconds
        )
        return result.stdout

    def plan(self) -> dict[str, object]:
        """The first plan, kept as `first` and as `plan.json`."""
        self.run("plan", "-json", "-input=false", "-out=first")
        text = self.run("show", "-json", "first")
        (self.root / "plan.json").write_text(text)
        return dict(json.loads(text))


@pytest.fixture
def stand(request: pytest.FixtureRequest, terraform: Terraform, tmp_path: Path) -> Iterator[Stand]:
    """The environment on the rung that the test is parametrised with; Terraform finds nothing there but itself."""
    environment, rung = request.param
    root = ejected(tmp_path) if rung == "fargate" else shop.write(tmp_path, shop.files(environment, rung))
    root = root / "infra" / environment
    runner = alone(terraform, tmp_path)
    with cloud(tmp_path) as aws:
        aws.point(root)
        existing.prepare(aws, shop.design(environment, rung))
        runner.init(root, "-input=false")
        yield Stand(design=shop.design(environment, rung), root=root, aws=aws, terraform=runner)


def ejected(folder: Path) -> Path:
    """What `rung eject` leaves to somebody who will have no rung."""
    shutil.copy(shop.WORKLOAD, folder / "workload.py")
    (folder / "migrations").mkdir()
    assert main(["eject", str(folder / "workload.py")]) == 0
    (folder / "workload.py").unlink()
    return folder


def scan(stand: Stand) -> subprocess.Popen[str]:
    """Begin to scan the plan with Checkov. A value that is known after the apply counts as set."""
    if not CHECKOV.is_file():
        reason = "Checkov is not installed: make policy"
        pytest.fail(reason) if os.environ.get(REQUIRED) else pytest.skip(reason)
    (stand.root / ".checkov.yaml").write_text(checkov_configuration())
    command = [
        str(CHECKOV),
        "-f",
        "plan.json",
        "--config-file",
        ".checkov.yaml",
        "-o",
        "json",
        "--compact",
        "--quiet",
    ]
    environment = {**os.environ, "EVAL_TF_PLAN_AFTER_UNKNOWN": "True"}
    return subprocess.Popen(
        command, cwd=stand.root, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def failed_rules(scanning: subprocess.Popen[str]) -> list[str]:
    """What a scan complains about: rule and resource."""
    output, errors = scanning.communicate(timeout=180)
    report = json.loads(output or "{}")
    assert report, errors
    report = report[0] if isinstance(report, list) else report
    assert report["summary"]["passed"] > 100
    return [f"{each['check_id']} {each['resource']}" for each in report["results"]["failed_checks"]]


#: Production where a rung holds it; on a box the environment of shop that is most like it.
GATED = (("prod", "fargate"), ("prod", "host"), ("staging", "box"))
GATES = [
    pytest.param(
        (environment, rung), id=f"{rung}-{environment}",
        marks=[pytest.mark.xdist_group(f"gate-{rung}"), *([pytest.mark.soak] if rung == "host" else [])],
    )
    for environment, rung in GATED
]  # fmt: skip


@pytest.mark.gate
@pytest.mark.terraform
@pytest.mark.timeout(900)
@pytest.mark.parametrize("stand", GATES, indirect=True)
def test_gate(stand: Stand) -> None:
    first = stand.plan()
    assert {change["change"]["actions"][0] for change in first["resource_changes"]} <= {"create", "read"}  # type: ignore[attr-defined]
    scanning = scan(stand)
    stand.run("apply", "-input=false", PARALLEL, "first")
    assert failed_rules(scanning) == []
    assert existing.differences(stand.aws, stand.design) == []
    # 0: nothing would be changed. A difference is 2, and raises with what it is.
    stand.run("plan", "-json", "-input=false", "-detailed-exitcode", PARALLEL)
    existing.unprotect(stand.aws, stand.design)
    # The plan has just read everything again.
    stand.run("destroy", "-json", "-auto-approve", "-input=false", "-refresh=false", PARALLEL)
    assert json.loads((stand.root / "terraform.tfstate").read_text())["resources"] == []
