"""Writes what was generated, and never over what somebody else wrote or changed.

A manifest says what rung wrote, and with which content. A file that is there and not in it, or is in it with other
content than it has now, belongs to somebody: it is kept and reported, unless `force` says to take it back.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from rung.errors import Finding, Location

MANIFEST = "infra/.rung-manifest.json"
SCHEMA = "rung.manifest/1"
State = Literal["new", "changed", "unchanged", "kept", "removed"]
#: Files that are run.
_PROGRAMS = ("scripts/",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one file."""

    path: str
    state: State
    #: Why it was kept.
    reason: Literal["", "foreign", "edited"] = ""


def write(
    root: Path, files: Mapping[str, str], owned: Iterable[str] = (), *, force: bool = False
) -> list[Outcome]:
    """Write `files` (path below `root` -> text). What of `owned` (path prefixes) is no longer generated goes.

    Returns what became of every file, by path.
    """
    known = read_manifest(root)
    outcomes = [_written(root, path, text, known, force=force) for path, text in sorted(files.items())]
    outcomes += _removed(root, files, tuple(owned), known)
    kept = {outcome.path for outcome in outcomes if outcome.state == "kept"}
    for outcome in outcomes:
        if outcome.state == "removed":
            known.pop(outcome.path)
    known |= {path: digest(text) for path, text in files.items() if path not in kept}
    document = {"schema": SCHEMA, "files": dict(sorted(known.items()))}
    _put(root / MANIFEST, json.dumps(document, indent=1) + "\n")
    return outcomes


def read_manifest(root: Path) -> dict[str, str]:
    """What was written last, path -> hash; empty when nothing was."""
    try:
        return dict(json.loads((root / MANIFEST).read_text(encoding="utf-8"))["files"])
    except FileNotFoundError:
        return {}


def digest(text: str) -> str:
    """The hash by which a file is known again."""
    return hashlib.sha256(text.encode()).hexdigest()


def findings_of(outcomes: Iterable[Outcome]) -> tuple[Finding, ...]:
    """One warning for each file that was kept."""
    return tuple(_finding(outcome) for outcome in outcomes if outcome.state == "kept")


def _finding(outcome: Outcome) -> Finding:
    edited = outcome.reason == "edited"
    return Finding(
        code="R1002" if edited else "R1001",
        severity="warning",
        message=f"{outcome.path} was changed by hand and is kept"
        if edited
        else f"{outcome.path} is not ours and is kept",
        location=Location(file=outcome.path, line=1),
        found="other content than was generated" if edited else "a file that rung did not write",
        effect="what the workload file says now is not in it",
        help="move the change into the workload file, or say --force to write over it",
    )


def _written(root: Path, path: str, text: str, known: Mapping[str, str], *, force: bool) -> Outcome:
    target = root / path
    if not target.exists():
        _put(target, text, program=path.startswith(_PROGRAMS))
        return Outcome(path=path, state="new")
    now = hashlib.sha256(target.read_bytes()).hexdigest()
    if now == digest(text):
        return Outcome(path=path, state="unchanged")
    if now != known.get(path) and not force:
        return Outcome(path=path, state="kept", reason="edited" if path in known else "foreign")
    _put(target, text, program=path.startswith(_PROGRAMS))
    return Outcome(path=path, state="changed")


def _removed(
    root: Path, files: Mapping[str, str], owned: tuple[str, ...], known: Mapping[str, str]
) -> list[Outcome]:
    """Files that were generated once, are generated no more, and were not touched since."""
    outcomes = []
    for path, was in sorted(known.items()):
        target = root / path
        if path in files or not path.startswith(owned) or not owned:
            continue
        if target.exists() and hashlib.sha256(target.read_bytes()).hexdigest() != was:
            outcomes.append(Outcome(path=path, state="kept", reason="edited"))
        else:
            target.unlink(missing_ok=True)
            outcomes.append(Outcome(path=path, state="removed"))
    return outcomes


def _put(target: Path, text: str, *, program: bool = False) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text, encoding="utf-8", newline="\n")
    if program:
        target.chmod(0o755)
