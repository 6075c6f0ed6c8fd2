"""A small root whose state is in a versioned bucket of the emulator, with native locking, for faults."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.terraform.emulator.cloud import CREDENTIALS, Cloud
from tests.terraform.tool import Terraform

REGION, BUCKET, KEY = "eu-west-1", "shop-state-123456789012", "shop/prod.tfstate"
STEPS = ("first", "second", "third")
#: Three topics, one after the other; before each, time enough to be interrupted in.
ROOT = """
terraform {
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.100, < 7"
    }
  }

  backend "s3" {
    bucket                      = "%(bucket)s"
    key                         = "%(key)s"
    region                      = "%(region)s"
    use_lockfile                = true
    use_path_style              = true
    skip_credentials_validation = true
    skip_requesting_account_id  = true
    endpoints                   = { s3 = "%(address)s" }
  }
}

provider "aws" {
  region                      = "%(region)s"
  skip_credentials_validation = true
  skip_requesting_account_id  = true
  endpoints {
    sns = "%(address)s"
  }
}
"""
STEP = """
resource "terraform_data" "%(name)s" {
  depends_on = [%(before)s]

  provisioner "local-exec" {
    command = "sleep 1"
  }
}

resource "aws_sns_topic" "%(name)s" {
  name = "%(name)s"

  depends_on = [terraform_data.%(name)s]
}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stateful:
    """The root, and the emulator that has its state."""

    root: Path
    aws: Cloud
    terraform: Terraform

    def run(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """A Terraform command."""
        return self.terraform.run(self.root, *arguments, "-no-color", check=check, environment=CREDENTIALS)

    def begin(self, *arguments: str) -> subprocess.Popen[str]:
        """A Terraform command that goes on, in a process group of its own."""
        return subprocess.Popen(
            [self.terraform.program, *arguments, "-no-color"], cwd=self.root, text=True, start_new_session=True,
            env=self.terraform.environment | CREDENTIALS, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip

    @property
    def bucket(self) -> Any:
        """A client for the bucket with the state."""
        return self.aws.client("s3", REGION)

    def topics(self) -> list[str]:
        """The topics that exist, by name."""
        arns = self.aws.client("sns", REGION).list_topics()["Topics"]
        return sorted(topic["TopicArn"].rsplit(":", 1)[-1] for topic in arns)

    def has_changes(self) -> bool:
        """Whether a plan would change something. Raises AssertionError when it cannot be made."""
        result = self.run("plan", "-input=false", "-detailed-exitcode", check=False)
        assert result.returncode in (0, 2), result.stderr
        return result.returncode == 2

    def good_version(self) -> bytes:
        """The newest version of the state that is whole, as the README says to find it."""
        versions = self.bucket.list_object_versions(Bucket=BUCKET, Prefix=KEY)["Versions"]
        for version in versions:
            if version["Key"] == KEY:
                body = self.bucket.get_object(Bucket=BUCKET, Key=KEY, VersionId=version["VersionId"])[
                    "Body"
                ].read()
                if body.rstrip().endswith(b"}"):
                    return bytes(body)
        raise AssertionError("no version of the state is whole")


def stateful(root: Path, aws: Cloud, terraform: Terraform) -> Stateful:
    """Make the bucket and the root, and initialise it."""
    client = aws.client("s3", REGION)
    client.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
    client.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    values = {"bucket": BUCKET, "key": KEY, "region": REGION, "address": aws.first}
    before = [""] + [f"aws_sns_topic.{name}" for name in STEPS[:-1]]
    steps = [STEP % {"name": name, "before": last} for name, last in zip(STEPS, before, strict=True)]
    root.mkdir(parents=True, exist_ok=True)
    (root / "main.tf").write_text(ROOT % values + "".join(steps))
    made = Stateful(root=root, aws=aws, terraform=terraform)
    made.run("init", "-input=false")
    return made


def wait_for(process: subprocess.Popen[str], words: str, seconds: float = 60) -> str:
    """Read what a command says until it says `words`. Returns what it said; AssertionError when it does not."""
    assert process.stdout is not None
    said, deadline = "", time.monotonic() + seconds
    for line in process.stdout:
        said += line
        if words in line:
            return said
        assert time.monotonic() < deadline, said
    raise AssertionError(f"it ended before it said {words!r}:\n{said}")


def end(process: subprocess.Popen[str], number: signal.Signals) -> str:
    """Signal a command (SIGKILL: with everything that it started) and return what it said until its end."""
    if number is signal.SIGKILL:
        os.killpg(process.pid, number)
    else:
        process.send_signal(number)
    assert process.stdout is not None
    with process.stdout:
        said = process.stdout.read()
    process.wait(timeout=60)
    return said
