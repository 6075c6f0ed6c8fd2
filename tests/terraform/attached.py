"""One provider process for many Terraform commands: it builds its schema once, not once for every graph walked.

`terraform test` starts the provider for every `run` block, mocked or not, and the AWS provider spends a third of a
second of processor on it each time. A provider can be started by somebody else, which is meant for debuggers
(HashiCorp, "Debugging Terraform providers": `-debug` and `TF_REATTACH_PROVIDERS`). All commands share one
configured provider then: right for `test` with mocks and for `validate`, wrong for two roots planned at once.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from tests.terraform.tool import REGISTRY, Terraform, mirror

ANNOUNCED = re.compile(r"TF_REATTACH_PROVIDERS='(?P<value>[^']+)'")


@contextmanager
def attached(terraform: Terraform) -> Iterator[Terraform]:
    """The same runner with a provider that is already there. Without one in the mirror: the runner as it is."""
    program = _provider()
    if program is None:
        yield terraform
        return
    command = [str(program), "-debug"]
    with subprocess.Popen(
        command, env=terraform.environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        try:
            value = _announced(process)
            yield replace(terraform, environment=terraform.environment | {"TF_REATTACH_PROVIDERS": value})
        finally:
            process.terminate()


def _provider() -> Path | None:
    folder = mirror()
    if folder is None:
        return None
    found = sorted((folder / REGISTRY / "hashicorp" / "aws").glob("*/*/terraform-provider-aws*"))
    return next((path for path in reversed(found) if os.access(path, os.X_OK)), None)


def _announced(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    for line in process.stdout:
        if found := ANNOUNCED.search(line):
            return found["value"]
    raise AssertionError("the provider ended before it said where it listens")
