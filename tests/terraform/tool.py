"""Terraform on this machine: where its provider mirror is, and a runner that never reaches for the network."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

REGISTRY = "registry.terraform.io"
#: Where Terraform itself looks for a mirror when no configuration names one.
IMPLIED = ("/usr/local/share/terraform/plugins", "/usr/share/terraform/plugins", "~/.terraform.d/plugins",
           "~/.local/share/terraform/plugins", "terraform.d/plugins")  # fmt: skip
#: Where else people put one.
SEARCHED = ("/opt", "/usr/local", "/usr/share", "/usr/lib", "/var/lib", "~")
SEARCH_DEPTH = 4
#: Set by .ci/run where Terraform and a mirror are: what would be skipped is a failure then.
REQUIRED = "RUNG_REQUIRE_TERRAFORM"


@dataclass(frozen=True, slots=True, kw_only=True)
class Terraform:
    """The program, with an environment in which providers come from a folder and AWS is nowhere."""

    program: str
    environment: dict[str, str] = field(repr=False)

    def run(
        self,
        directory: Path,
        *arguments: str,
        check: bool = True,
        timeout_seconds: float = 300,
        environment: dict[str, str] | None = None,
    ) -> subprocess.CompletedProcess[str]:
        """One Terraform command in `directory`. Raises AssertionError with its whole output when it fails."""
        command = [self.program, *arguments]
        result = subprocess.run(
            command,
            cwd=directory,
            env=self.environment | (environment or {}),
            capture_output=True,
            text=True,
            timeout=timeout_seconds,
            check=False,
        )
        words = " ".join(arguments)
        assert not check or result.returncode == 0, f"terraform {words}\n{result.stdout}\n{result.stderr}"
        return result

    def init(self, directory: Path, *arguments: str) -> None:
        """Link providers and modules. Without a backend unless `arguments` ask for one."""
        self.run(directory, "init", "-input=false", "-no-color", *(arguments or ("-backend=false",)))

    def validate(self, directory: Path) -> list[dict[str, Any]]:
        """The diagnostics of `terraform validate`, warnings included; empty when all is well."""
        result = self.run(directory, "validate", "-json", "-no-color", check=False)
        return list(json.loads(result.stdout)["diagnostics"])

    def test(self, directory: Path) -> subprocess.CompletedProcess[str]:
        """`terraform test` of a module, after init. Raises AssertionError with the output when a run fails."""
        return self.run(directory, "test", "-no-color")

    def format_differences(self, directory: Path) -> str:
        """What `terraform fmt` would change below `directory`; empty when nothing."""
        return self.run(directory, "fmt", "-check", "-diff", "-recursive", "-no-color", check=False).stdout


def mirror() -> Path | None:
    """A folder that holds `registry.terraform.io/hashicorp/aws`, or None."""
    return next((folder for folder in _candidates() if (folder / REGISTRY / "hashicorp" / "aws").is_dir()), None)


def missing() -> str | None:
    """Why tests with Terraform cannot run here, or None when they can."""
    if shutil.which("terraform") is None:
        return "terraform is not on PATH"
    if _configuration() is None and mirror() is None:
        return "no CLI configuration and no provider mirror with hashicorp/aws: TF_CLI_CONFIG_FILE can name one"
    return None


def terraform(directory: Path) -> Terraform:
    """The runner; `directory` takes its CLI configuration. Ask `missing` first."""
    configuration = _configuration()
    if configuration is None:
        configuration = directory / "terraform.rc"
        configuration.write_text(
            f'provider_installation {{\n  filesystem_mirror {{\n    path = "{mirror()}"\n  }}\n}}\n'
        )
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "TF_"))}
    environment |= {
        "TF_CLI_CONFIG_FILE": str(configuration),
        "TF_IN_AUTOMATION": "1",
        "CHECKPOINT_DISABLE": "1",
        # A quarter of the processor of a plan is the collection of garbage, of which little is found.
        "GOGC": "400",
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    }
    return Terraform(program=str(shutil.which("terraform")), environment=environment)


def alone(runner: Terraform, directory: Path) -> Terraform:
    """The same runner where PATH holds Terraform and nothing else: no Python, no shell, no rung."""
    folder = directory / "path"
    folder.mkdir()
    (folder / "terraform").symlink_to(runner.program)
    kept = {name: value for name, value in runner.environment.items() if name.startswith(("TF_", "AWS_", "GOGC"))}
    bare = {**kept, "CHECKPOINT_DISABLE": "1", "PATH": str(folder), "HOME": str(directory)}
    return replace(runner, environment=bare)


def _configuration() -> Path | None:
    named = os.environ.get("TF_CLI_CONFIG_FILE")
    return Path(named) if named and Path(named).is_file() else None


def _candidates() -> Iterator[Path]:
    yield from (Path(folder).expanduser() for folder in IMPLIED)
    for folder in SEARCHED:
        yield from _below([Path(folder).expanduser()], SEARCH_DEPTH)


def _below(folders: Sequence[Path], depth: int) -> Iterator[Path]:
    """The folders that hold a registry's folder, breadth first, `depth` levels down; links are not followed."""
    for folder in folders:
        if (folder / REGISTRY).is_dir():
            yield folder
    if depth:
        inner = [each for folder in folders for each in _folders_in(folder)]
        if inner:
            yield from _below(inner, depth - 1)


def _folders_in(folder: Path) -> list[Path]:
    try:
        entries = [entry for entry in os.scandir(folder) if entry.is_dir(follow_symlinks=False)]
    except OSError:
        return []
    return [Path(entry.path) for entry in sorted(entries, key=lambda entry: entry.name)]
