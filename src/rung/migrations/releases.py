"""Which migrations earlier releases had: asked of git, whose tags are the releases."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from rung.errors import Finding, MachineError

GIT_SECONDS = 20
TAGS = "v*"
_FILE = re.compile(r"(\d{4})_[A-Za-z0-9_-]+\.sql")


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """A tag (or branch), and the numbers of the migrations that it has."""

    name: str
    numbers: frozenset[int]


def releases_of(directory: Path, *, count: int, tags: str = TAGS) -> list[Release]:
    """The newest `count` releases that led to what is checked out, the newest first; fewer when there are fewer.

    None outside of a git repository, or where no tag has these migrations.
    """
    names = release_names(directory, tags=tags)[:count]
    return [release for release in (_release(directory, name) for name in names) if release.numbers]


def release_names(directory: Path, *, tags: str = TAGS) -> list[str]:
    """All releases that led to what is checked out, the newest first."""
    told = _git(directory, "tag", "--list", tags, "--merged", "HEAD", "--sort=-version:refname")
    return [name for name in (told or "").splitlines() if name]


def release_at(directory: Path, reference: str) -> Release:
    """What a branch, tag or commit has. Raises MachineError (R0427) where git knows no such thing."""
    if _git(directory, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{reference}^{{commit}}") is None:
        raise MachineError(
            Finding(
                code="R0427",
                severity="error",
                message=f"git knows no {reference!r} here",
                found=str(directory),
                effect="what is released already is not known, so nothing was checked",
                help="fetch it (in CI: fetch-depth: 0), or leave --against away",
            )
        )
    return _release(directory, reference)


def _release(directory: Path, name: str) -> Release:
    told = _git(directory, "ls-tree", "--name-only", name, "--", ".") or ""
    matched = [_FILE.fullmatch(Path(line).name) for line in told.splitlines()]
    return Release(name=name, numbers=frozenset(int(each[1]) for each in matched if each is not None))


def _git(directory: Path, *words: str) -> str | None:
    """What git says; None when it fails or is not there."""
    try:
        ran = subprocess.run(
            ["git", "-C", str(directory), *words], capture_output=True, text=True, timeout=GIT_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return ran.stdout if ran.returncode == 0 else None
