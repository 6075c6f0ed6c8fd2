"""Expand and contract: what a file of migrations says about itself.

`-- phase: expand` (or nothing): the versions before go on working on the new schema. `-- phase: contract after
0003`: it takes away what no version needs any more that has migration 0003; `contract after v1.4.0`: what no
version needs since that release. The check holds it to that.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from rung.runtime.migrations import Migration

_PHASE = re.compile(r"^[ \t]*--[ \t]*phase:[ \t]*(?P<what>[^\n]*?)[ \t]*$", re.IGNORECASE | re.MULTILINE)
_CONTRACT = re.compile(
    r"contract\s+after\s+(?:(?P<number>\d{4})|(?P<release>[A-Za-z][\w./-]*\d[\w.-]*))", re.IGNORECASE
)
_ACCEPT = re.compile(r"--\s*rung:\s*accept\s+(?P<code>R\d{4}):?\s+(?P<reason>\S.*)", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Phase:
    """What the file says. `after` or `release`: since when nothing uses what is taken away. `problem`: R0424."""

    after: int | None = None
    release: str | None = None
    line: int = 1
    problem: str = ""

    @property
    def is_contract(self) -> bool:
        """Whether the file may take something away."""
        return self.after is not None or self.release is not None


def phase_of(migration: Migration, numbers: Sequence[int]) -> Phase:
    """The phase of a file; `numbers` are those of all files."""
    found = list(_PHASE.finditer(migration.sql))
    if not found:
        return Phase()
    line = migration.sql.count("\n", 0, found[0].start()) + 1
    if len(found) > 1:
        return Phase(line=line, problem=f"{len(found)} lines say a phase")
    what = found[0]["what"]
    if what.lower() == "expand":
        return Phase(line=line)
    contract = _CONTRACT.fullmatch(what)
    if contract is None:
        return Phase(
            line=line, problem=f"{what!r}: a phase is `expand`, or `contract after NNNN` (or after a release)"
        )
    if contract["release"]:
        return Phase(release=contract["release"], line=line)
    after = int(contract["number"])
    if after not in numbers:
        return Phase(line=line, problem=f"there is no migration {after:04d}")
    if after >= migration.number:
        return Phase(line=line, problem=f"{after:04d} does not come before {migration.number:04d}")
    return Phase(after=after, line=line)


def accepted(sql: str, line: int) -> dict[str, str]:
    """The codes that comments right above `line` (from 1) accept, with their reasons."""
    lines = sql.splitlines()
    found: dict[str, str] = {}
    for text in reversed(lines[: max(0, line - 1)]):
        if not text.strip().startswith("--"):
            break
        matched = _ACCEPT.search(text)
        if matched is not None:
            found[matched["code"].upper()] = matched["reason"].strip()
    return found
