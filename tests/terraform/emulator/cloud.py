"""AWS on this machine for one test: two emulators on ports of their own, and a root that talks to them."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
from tests.terraform.emulator.serve import HOST

from rung.local.process import free_port

REPOSITORY = Path(__file__).parents[3]
#: moto's only account; ministack takes the access key for the account.
ACCOUNT = "123456789012"
CREDENTIALS = {"AWS_ACCESS_KEY_ID": ACCOUNT, "AWS_SECRET_ACCESS_KEY": "testing"}
#: Every service that a module of ours calls, by the provider's name for it.
SERVICES = (
    "acm", "appautoscaling", "autoscaling", "backup", "budgets", "chatbot", "cloudfront", "cloudwatch",
    "cloudwatchlogs", "dynamodb", "ec2", "ecr", "ecs", "efs", "elasticache", "elbv2", "events", "iam", "kms",
    "lambda", "rds", "route53", "s3", "scheduler", "secretsmanager", "servicediscovery", "sfn", "sns", "sqs",
    "ssm", "sts", "wafv2",
)  # fmt: skip
#: Those for which ministack is the better emulator: origins in a VPC, header policies, backup selections.
SECOND = frozenset({"backup", "cloudfront"})
PATIENCE_SECONDS = 60.0
#: What no emulator has, left out of the copy of a module that is applied: (module, resource, why).
LEFT_OUT = (
    ("aurora_cluster", "aws_rds_cluster_instance", "the provider waits three minutes for each, whatever answers"),
    ("backup_plan", "aws_backup_vault_lock_configuration", "neither emulator has vault locks"),
)
#: What is turned off by an argument instead: (module, argument, value, why).
TURNED_OFF = (("backup_plan", "restore_test", "false", "neither emulator has restore tests"),)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cloud:
    """Where the two emulators listen."""

    first: str
    second: str

    def endpoint(self, service: str) -> str:
        """The address that answers for a service."""
        return self.second if service in SECOND else self.first

    def client(self, service: str, region: str, *, provider_name: str | None = None) -> Any:
        """A client of boto3; `provider_name` where Terraform calls the service by another name."""
        return boto3.client(
            service, region_name=region, endpoint_url=self.endpoint(provider_name or service),
            aws_access_key_id=ACCOUNT, aws_secret_access_key="testing",
        )  # fmt: skip

    def point(self, root: Path, *, backend: str = 'backend "local" {}') -> None:
        """Let a root talk to the emulators: override files, which Terraform merges over the generated ones."""
        providers = [_provider(None, self)]
        if "us_east_1" in (root / "terraform.tf").read_text():
            providers.append(_provider("us_east_1", self))
        text = "\n".join([*providers, f"terraform {{\n  {backend}\n}}\n", *_turned_off(root)])
        (root / "emulator_override.tf").write_text(text)
        for module in {module for module, _, _ in LEFT_OUT}:
            folder = root.parent / "modules" / module
            if folder.is_dir():
                resources = [resource for name, resource, _ in LEFT_OUT if name == module]
                (folder / "emulator_override.tf").write_text("\n".join(_without(each) for each in resources))


@contextmanager
def cloud(directory: Path) -> Iterator[Cloud]:
    """Both emulators, with logs in `directory`, until the end of the block."""
    ports = {"moto": free_port(), "ministack": free_port()}
    started = [_start(name, port, directory / f"{name}.log") for name, port in ports.items()]
    found = Cloud(first=f"http://{HOST}:{ports['moto']}", second=f"http://{HOST}:{ports['ministack']}")
    try:
        for address, process in zip((found.first, found.second), started, strict=True):
            _wait_until_answering(address, process)
        yield found
    finally:
        for process in started:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _provider(alias: str | None, where: Cloud) -> str:
    lines = [f'  alias = "{alias}"'] if alias else []
    lines += [
        "  skip_credentials_validation = true", "  skip_metadata_api_check = true", "  s3_use_path_style = true",
        "  max_retries = 3", "  endpoints {",
    ]  # fmt: skip
    lines += [f'    {name} = "{where.endpoint(name)}"' for name in SERVICES]
    return "\n".join(['provider "aws" {', *lines, "  }", "}", ""])


def _turned_off(root: Path) -> Iterator[str]:
    """The arguments that turn off what no emulator has, for the blocks of this root that have them."""
    text = "\n".join(path.read_text() for path in sorted(root.glob("*.tf")))
    for module, argument, value, _ in TURNED_OFF:
        for label in re.findall(rf'^module "(\w+)" {{\n  source += "../modules/{module}"$', text, re.MULTILINE):
            yield f'module "{label}" {{\n  {argument} = {value}\n}}\n'


def _without(resource: str) -> str:
    return f'resource "{resource}" "this" {{\n  count = 0\n}}\n'


def _start(name: str, port: int, log: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "tests.terraform.emulator.serve", name, str(port)]
    environment = {key: value for key, value in os.environ.items() if not key.startswith("AWS_")}
    with log.open("wb") as output:
        return subprocess.Popen(
            command, cwd=REPOSITORY, env=environment, stdout=output, stderr=output, start_new_session=True
        )


def _wait_until_answering(address: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        assert process.poll() is None, "the emulator ended"
        try:
            urllib.request.urlopen(address, timeout=5).close()
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError(f"{address} does not answer after {PATIENCE_SECONDS:.0f} s")
