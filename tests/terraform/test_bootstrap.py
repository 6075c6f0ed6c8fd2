"""The root that comes first: its roles belong to one provider of tokens, and Terraform takes what is written."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from tests.terraform import shop
from tests.terraform.tool import Terraform

from rung.parts.design import Design
from rung.parts.operations import DeployIdentity
from rung.terraform.library import module_files
from rung.terraform.tree import BOOTSTRAP_MODULES, bootstrap


def designs() -> dict[str, Design]:
    """Two environments of shop, deployed from a repository that was renamed."""
    identity = DeployIdentity(repository="example/shop", owner_id="4242", repository_id="424242")
    found = {name: shop.design(name, "fargate") for name in ("staging", "prod")}
    others = {
        name: tuple(part for part in design.parts if not isinstance(part, DeployIdentity))
        for name, design in found.items()
    }
    return {name: replace(design, parts=(*others[name], identity)) for name, design in found.items()}


def test_one_environment_makes_the_provider_and_the_others_are_given_it() -> None:
    text = bootstrap(designs())["main.tf"]
    blocks = dict(re.findall(r'module "deploy_(\w+)" \{(.*?)\n\}', text, re.DOTALL))
    assert "own_provider" not in blocks["staging"]
    assert "module.deploy_staging.provider_arn" in blocks["prod"]
    assert 'environment      = "prod"' in blocks["prod"]


@pytest.mark.terraform
def test_terraform_takes_it(terraform: Terraform, tmp_path: Path) -> None:
    written = {f"bootstrap/{path}": text for path, text in bootstrap(designs()).items()}
    for module in BOOTSTRAP_MODULES:
        written |= {f"modules/{module}/{path}": text for path, text in module_files(module).items()}
    root = shop.write(tmp_path, written) / "bootstrap"
    assert terraform.format_differences(root) == ""
    terraform.init(root)
    assert terraform.validate(root) == []
