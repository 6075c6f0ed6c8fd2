"""A generated secret is written, stays until it is asked to change, and stands in no state and no plan."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.aws.emulator import REGION, Emulator
from tests.terraform import module_harness
from tests.terraform.tool import Terraform

ROOT = """
provider "aws" {{
  region                      = "{region}"
  skip_credentials_validation = true
  skip_metadata_api_check     = true
  skip_requesting_account_id  = true
}}

variable "generation" {{
  type = number
}}

module "credentials" {{
  source = "{module}"

  name               = "shop-prod-db-api"
  key_arn            = "arn:aws:kms:{region}:123456789012:alias/aws/secretsmanager"
  generated          = true
  generated_username = "api"
  generation         = var.generation
}}
"""


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    running = Emulator()
    yield running
    running.stop()


def values(emulator: Emulator, stage: str = "AWSCURRENT") -> dict[str, str]:
    """The secret as an application reads it."""
    client = emulator.client("secretsmanager")
    answer: Any = client.get_secret_value(SecretId="shop-prod-db-api", VersionStage=stage)
    found: dict[str, str] = json.loads(answer["SecretString"])
    return found


@pytest.mark.terraform
@pytest.mark.timeout(180)
def test_a_generated_value_is_in_the_secret_and_nowhere_else(
    terraform: Terraform, emulator: Emulator, tmp_path: Path
) -> None:
    root = tmp_path / "root"
    root.mkdir()
    (root / "main.tf").write_text(ROOT.format(region=REGION, module=module_harness.MODULES / "secret"))
    terraform.init(root, "-input=false")

    def run(*arguments: str, generation: int) -> None:
        environment = {**emulator.environment(), "TF_VAR_generation": str(generation)}
        terraform.run(root, *arguments, "-no-color", environment=environment)

    run("plan", "-out=plan", generation=1)
    with zipfile.ZipFile(root / "plan") as plan:
        kept = b"".join(plan.read(name) for name in plan.namelist())
    run("apply", "plan", generation=1)
    first = values(emulator)
    assert first["username"] == "api"
    assert len(first["password"]) == 48
    assert first["password"].isalnum(), "a password that needs no escaping in a URL"

    run("apply", "-auto-approve", generation=1)
    assert values(emulator) == first, "every plan asks for a new value, and none is written without need"

    run("apply", "-auto-approve", generation=2)
    second = values(emulator)
    assert second["password"] != first["password"]
    assert values(emulator, "AWSPREVIOUS") == first, "who has not read the new one can still sign in"

    kept += b"".join(path.read_bytes() for path in root.glob("terraform.tfstate*"))
    assert b"shop-prod-db-api" in kept, "plan and states were looked at"
    for password in (first["password"], second["password"]):
        assert password.encode() not in kept
