"""The Terraform of this machine for every test that needs one; a skip with its reason where there is none."""

from __future__ import annotations

import os

import pytest
from tests.terraform import tool


@pytest.fixture(scope="session")
def terraform(tmp_path_factory: pytest.TempPathFactory) -> tool.Terraform:
    """A runner of Terraform that takes providers from this machine's mirror. Mark the test `terraform`."""
    reason = tool.missing()
    if reason is not None:
        if os.environ.get(tool.REQUIRED):
            pytest.fail(f"{tool.REQUIRED} is set, and {reason}")
        pytest.skip(reason)
    return tool.terraform(tmp_path_factory.mktemp("terraform"))
