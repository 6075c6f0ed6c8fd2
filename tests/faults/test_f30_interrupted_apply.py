"""F30: an apply is interrupted. The next plan converges; the lock says whose it is and since when."""

from __future__ import annotations

import random
import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.faults.soak import share_of
from tests.terraform.conftest import terraform as terraform
from tests.terraform.emulator.cloud import Cloud, cloud
from tests.terraform.stateful import STEPS, Stateful, end, stateful, wait_for
from tests.terraform.tool import Terraform

pytestmark = [pytest.mark.terraform, pytest.mark.timeout(240), pytest.mark.xdist_group("state")]
APPLY = ("apply", "-auto-approve", "-input=false")


@pytest.fixture
def aws(tmp_path: Path) -> Iterator[Cloud]:
    """Emulators of this test alone."""
    with cloud(tmp_path) as found:
        yield found


@pytest.fixture
def made(aws: Cloud, terraform: Terraform, tmp_path: Path) -> Stateful:
    """A root with its state in the bucket."""
    return stateful(tmp_path / "root", aws, terraform)


def _converges(made: Stateful) -> None:
    made.run(*APPLY)
    assert made.topics() == sorted(STEPS)
    assert not made.has_changes()


def test_after_an_interrupt_the_next_apply_finishes_the_work(made: Stateful) -> None:
    applying = made.begin(*APPLY)
    wait_for(applying, "terraform_data.second: Creating...")
    said = end(applying, signal.SIGINT)
    assert "Interrupt received" in said
    assert applying.returncode != 0
    assert "third" not in made.topics()
    _converges(made)


def _killed_at(made: Stateful, step: str) -> str:
    """Kill an apply while it is about to make `step`; the id of the lock that it leaves, as a plan tells it."""
    applying = made.begin(*APPLY)
    wait_for(applying, f"terraform_data.{step}: Creating...")
    end(applying, signal.SIGKILL)
    refused = made.run("plan", "-input=false", check=False)
    assert refused.returncode == 1
    assert "Error acquiring the state lock" in refused.stderr
    told = dict(re.findall(r"^\W*(ID|Who|Operation|Created): +(.+?) *$", refused.stderr, re.MULTILINE))
    assert set(told) == {"ID", "Who", "Operation", "Created"}
    assert told["Operation"] == "OperationTypeApply"
    return told["ID"]


def test_a_killed_apply_leaves_a_lock_that_only_its_own_id_opens(made: Stateful) -> None:
    seed = random.randrange(10**6)
    print(f"seed {seed}")
    lock = _killed_at(made, random.Random(seed).choice(STEPS))
    wrong = made.run("force-unlock", "-force", "00000000-0000-0000-0000-000000000000", check=False)
    assert wrong.returncode == 1
    made.run("force-unlock", "-force", lock)
    _converges(made)


@pytest.mark.soak
def test_a_kill_at_every_resource_converges(made: Stateful) -> None:
    for _ in range(share_of(3)):
        for step in STEPS:
            made.run("force-unlock", "-force", _killed_at(made, step))
            _converges(made)
            made.run("destroy", "-auto-approve", "-input=false")
