"""The wheel holds what commands read at run time: the pages of the findings."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_explain_works_from_an_installed_wheel(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "installed")
    run = [sys.executable, "-c", "from rung.cli.main import main; main(['explain', 'R0142'])"]
    environment = {"PYTHONPATH": str(tmp_path / "installed"), "PYTHONSAFEPATH": "1"}
    result = subprocess.run(run, env=environment, capture_output=True, text=True, check=True)
    assert result.stdout.startswith("# R0142: ")
    assert not (tmp_path / "installed" / "rung" / "error_pages").is_symlink()
