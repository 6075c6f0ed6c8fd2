"""The runner that every other test of Terraform stands on: it finds the mirror and tells bad files from good."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.terraform.tool import REGISTRY, Terraform, mirror

GOOD = """\
terraform {
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.100, < 7"
    }
  }
}

resource "aws_sqs_queue" "this" {
  name = "orders"
}
"""


def test_a_mirror_is_found_below_the_home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "tools" / "plugins" / REGISTRY / "hashicorp" / "aws").mkdir(parents=True)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr("tests.terraform.tool.SEARCHED", ("~",))
    monkeypatch.setattr("tests.terraform.tool.IMPLIED", ())
    assert mirror() == tmp_path / "tools" / "plugins"


@pytest.mark.terraform
def test_validate_passes_good_files_and_names_what_is_wrong_in_others(
    terraform: Terraform, tmp_path: Path
) -> None:
    (tmp_path / "main.tf").write_text(GOOD)
    terraform.init(tmp_path)
    assert terraform.validate(tmp_path) == []
    (tmp_path / "main.tf").write_text(GOOD.replace('name = "orders"', 'names = "orders"'))
    assert "names" in str(terraform.validate(tmp_path))
