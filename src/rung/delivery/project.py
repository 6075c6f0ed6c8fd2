"""What the folder of the workload says about the application: how its packages are locked, and nothing more."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Packages = Literal["uv", "hashed", "requirements", "project", "none"]

#: In the order in which they are trusted: what is locked first.
_CANDIDATES = ("uv.lock", "requirements.lock", "requirements.txt", "pyproject.toml")


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """How the application's packages are named: the file, and whether it pins them (`hashed`: by content)."""

    packages: Packages = "none"
    file: str = ""

    @property
    def locked(self) -> bool:
        """Whether two builds of one commit install the same packages."""
        return self.packages in ("uv", "hashed")


def project_of(folder: Path) -> Project:
    """Look at the application's folder. One that has none of the usual files has no packages."""
    for name in _CANDIDATES:
        file = folder / name
        if file.is_file():
            return Project(packages=_packages(file), file=name)
    return Project()


def _packages(file: Path) -> Packages:
    if file.name == "uv.lock":
        return "uv"
    if file.name == "pyproject.toml":
        return "project"
    return "hashed" if "--hash=" in file.read_text(encoding="utf-8") else "requirements"
