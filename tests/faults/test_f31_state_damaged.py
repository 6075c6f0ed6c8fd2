"""F31: the state is cut off, lost, old, or written by two. Terraform refuses; the bucket has a good version."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.terraform.conftest import terraform as terraform
from tests.terraform.emulator.cloud import cloud
from tests.terraform.stateful import BUCKET, KEY, STEPS, Stateful, stateful, wait_for
from tests.terraform.tool import Terraform

pytestmark = [pytest.mark.terraform, pytest.mark.timeout(240), pytest.mark.xdist_group("state")]
APPLY = ("apply", "-auto-approve", "-input=false")
#: How long a restore may take (docs: five minutes for a person; here without one).
RESTORE_SECONDS = 300.0


@pytest.fixture(scope="module")
def applied(terraform: Terraform, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stateful]:
    """A root that was applied twice, so that its state has a history."""
    directory = tmp_path_factory.mktemp("state")
    with cloud(directory) as aws:
        made = stateful(directory / "root", aws, terraform)
        made.run(*APPLY, "-target=aws_sns_topic.first")
        made.run(*APPLY)
        yield made


@pytest.fixture
def made(applied: Stateful) -> Iterator[Stateful]:
    """The root with a good state, before and after the test."""
    good = applied.good_version()
    yield applied
    applied.bucket.put_object(Bucket=BUCKET, Key=KEY, Body=good)


def test_two_writers_at_once_are_one(made: Stateful) -> None:
    writing = made.begin("apply", "-auto-approve", "-input=false", "-replace=terraform_data.third")
    wait_for(writing, "terraform_data.third: Creating...")
    # Held where it is, lock in hand, however long the second one takes to start.
    writing.send_signal(signal.SIGSTOP)
    second = made.run("apply", "-auto-approve", "-input=false", check=False)
    writing.send_signal(signal.SIGCONT)
    assert second.returncode == 1
    assert "Error acquiring the state lock" in second.stderr
    assert writing.stdout is not None
    with writing.stdout:
        writing.stdout.read()
    assert writing.wait(timeout=60) == 0
    assert not made.has_changes()


def test_a_lost_state_is_brought_back_from_its_versions(made: Stateful, tmp_path: Path) -> None:
    began = time.monotonic()
    good = tmp_path / "good.tfstate"
    good.write_bytes(made.good_version())
    made.bucket.delete_object(Bucket=BUCKET, Key=KEY)
    assert made.has_changes(), "without its state, everything would be made once more"
    made.run("state", "push", str(good))
    assert not made.has_changes()
    assert time.monotonic() - began < RESTORE_SECONDS


def test_a_state_that_was_cut_off_is_refused_and_restored(made: Stateful) -> None:
    whole = made.good_version()
    made.bucket.put_object(Bucket=BUCKET, Key=KEY, Body=whole[: len(whole) // 2])
    refused = made.run("plan", "-input=false", check=False)
    assert refused.returncode == 1
    # It cannot be pushed over: Terraform reads what is there first. The version is put back in the bucket itself.
    made.bucket.put_object(Bucket=BUCKET, Key=KEY, Body=made.good_version())
    assert not made.has_changes()


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [("serial", 0, "serial"), ("lineage", "11111111-2222-3333-4444-555555555555", "lineage")],
)
def test_an_old_state_and_one_of_another_root_are_refused(
    made: Stateful, tmp_path: Path, field: str, value: object, said: str
) -> None:
    wrong = {
        **json.loads(made.good_version()),
        field: value,
        "outputs": {"stale": {"value": "1", "type": "string"}},
    }
    (tmp_path / "wrong.tfstate").write_text(json.dumps(wrong))
    refused = made.run("state", "push", str(tmp_path / "wrong.tfstate"), check=False)
    assert refused.returncode == 1
    assert said in refused.stderr
    assert not made.has_changes()
    assert made.topics() == sorted(STEPS)
