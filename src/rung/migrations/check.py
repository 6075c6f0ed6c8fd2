"""`rung migrate check`: what the files that are not released yet would lock, and whom they would break.

A file that a release has is done: its checksum is recorded, and nobody can mend it. What is judged is new. A table
that is new as well has no rows to scan and no version before that reads it. Where no release is known, each file
is judged as if all files before it were released.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rung.errors import Finding, Location
from rung.migrations import phases
from rung.migrations.linter import Report, lint
from rung.migrations.releases import Release
from rung.migrations.rules import ADDS_VALUE, BREAKS, WRITES_ALL, Rule, rule_of
from rung.runtime.database.sql_text import Statement, line_of
from rung.runtime.migrations import Migration, read_migrations

_NAME = r'(?:(?:\w+|"[^"]+")\s*\.\s*)?(?P<name>\w+|"[^"]+")'
_CREATED = re.compile(
    r"\s*create\s+(?:or\s+replace\s+)?(?:(?:global|local)\s+)?(?:temp(?:orary)?\s+|unlogged\s+)?(?:recursive\s+)?"
    rf"(?:table|(?:materialized\s+)?view|type|domain|function|procedure|schema)\s+(?:if\s+not\s+exists\s+)?{_NAME}",
    re.IGNORECASE,
)
_KIND = r"(?:foreign\s+)?(?:table|(?:materialized\s+)?view|type|domain|function|procedure|schema)"
_TARGETS = tuple(
    re.compile(rf"\s*{beginning}\s+(?:only\s+)?{_NAME}", re.IGNORECASE)
    for beginning in (
        rf"(?:alter|drop)\s+{_KIND}(?:\s+if\s+exists)?",
        r"create\s+(?:unique\s+)?index\b.*?\bon",
        r"(?:update|delete\s+from|truncate(?:\s+table)?)",
    )
)
_WRITES_ALL = re.compile(r"\s*(?:update|delete)\b(?!.*\bwhere\b)", re.IGNORECASE | re.DOTALL)
_ADDS_VALUE = re.compile(r"\s*alter\s+type\b.*\badd\s+value\b", re.IGNORECASE | re.DOTALL)
_OWN = ((_WRITES_ALL, WRITES_ALL), (_ADDS_VALUE, ADDS_VALUE))
_COMMENT = re.compile(r"--[^\n]*|/\*.*?\*/", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """The outcome: findings in order, which releases were known, which files were judged, what was accepted."""

    findings: tuple[Finding, ...]
    releases: tuple[str, ...]
    judged: tuple[int, ...]
    accepted: int = 0


def check(
    directory: Path,
    releases: Sequence[Release],
    *,
    versions: int = 1,
    against: Release | None = None,
    names: Sequence[str] = (),
) -> Checked:
    """Judge the files of `directory` that `against`, else the newest of `releases` (the newest first), has not.

    `versions`: how many releases must have had a migration before what it replaces may be taken away. `names`: all
    releases, the newest first; those given when left away. Raises MachineError: R0401 to R0409 about the files,
    R0427 when squawk is missing.
    """
    known = list(names) or [release.name for release in releases]
    migrations = read_migrations(directory)
    newest = against or next(iter(releases), None)
    released = newest.numbers if newest else frozenset[int]()
    new = [each for each in migrations if each.number not in released]
    reports = lint(new) if new else []
    judges = [_Judge(each, migrations, new, _History(releases, known, versions)) for each in new]
    for judge in judges:
        judge.judge([report for report in reports if report.file == str(judge.migration.path)])
    return Checked(
        findings=tuple(finding for judge in judges for finding in judge.findings),
        releases=tuple(release.name for release in releases),
        judged=tuple(each.number for each in new),
        accepted=sum(judge.accepted for judge in judges),
    )


@dataclass(frozen=True, slots=True)
class _History:
    """What was released: the newest releases, the names of all, and how many of them must go on working."""

    releases: Sequence[Release]
    names: Sequence[str]
    versions: int

    def lacking(self, phase: phases.Phase) -> list[str]:
        """Which of those that must go on working were before what the phase waits for. Nothing released: none."""
        if phase.release is not None:
            if phase.release not in self.names:
                return [f"git knows no release {phase.release} here"]
            older = self.names[self.names.index(phase.release) + 1 :]
            return [name for name in self.names[: self.versions] if name in older]
        if not self.releases:
            return []
        recent = self.releases[: self.versions]
        found = [release.name for release in recent if phase.after not in release.numbers]
        if len(recent) < self.versions:
            found.append(f"only {len(recent)} of {self.versions} releases are there")
        return found


class _Judge:
    """One file."""

    def __init__(
        self,
        migration: Migration,
        migrations: Sequence[Migration],
        new: Sequence[Migration],
        history: _History,
    ) -> None:
        self.migration = migration
        self.findings: list[Finding] = []
        self.accepted = 0
        self._history = history
        self._phase = phases.phase_of(migration, [each.number for each in migrations])
        # Where nothing is known to be released, only what this file itself creates is sure to be new.
        is_known = len(new) < len(migrations)
        fresh = [each for each in new if each.number <= migration.number] if is_known else [migration]
        self._fresh = {name for each in fresh for name in _created(each)}

    def judge(self, reports: Sequence[Report]) -> None:
        """Collect the findings, in the order of the lines."""
        if self._phase.problem:
            self.findings.append(_unreadable_phase(self.migration, self._phase))
        elif self._phase.is_contract:
            self._require_released()
        found = [(self._offset(report), rule_of(report.rule_name, report.message)) for report in reports]
        for each in self.migration.statements:
            found += [(each.offset, rule) for pattern, rule in _OWN if pattern.match(each.words)]
        for offset, rule in sorted(found, key=lambda pair: pair[0]):
            self._apply(offset, rule)

    def _offset(self, report: Report) -> int:
        lines = self.migration.sql.splitlines(keepends=True)
        before = sum(len(line) for line in lines[: report.line])
        line = lines[report.line] if report.line < len(lines) else ""
        return before + len(line.encode()[: report.column].decode(errors="ignore"))

    def _apply(self, offset: int, rule: Rule) -> None:
        statement = self._statement_at(offset)
        if statement is not None and _target(statement) in self._fresh:
            return
        if rule.code == BREAKS and self._phase.is_contract:
            return
        line = line_of(self.migration.sql, statement.offset if statement else offset)
        if rule.code in phases.accepted(self.migration.sql, line):
            self.accepted += 1
            return
        finding = _finding(self.migration, line, rule, statement)
        if finding not in self.findings:
            self.findings.append(finding)

    def _statement_at(self, offset: int) -> Statement | None:
        reached = [each for each in self.migration.statements if each.offset <= offset]
        return reached[-1] if reached else next(iter(self.migration.statements), None)

    def _require_released(self) -> None:
        """R0423 unless the releases that must go on working all came after what the contract waits for."""
        lacking = self._history.lacking(self._phase)
        if lacking:
            self.findings.append(_too_early(self.migration, self._phase, lacking, self._history.versions))


def _created(migration: Migration) -> list[str]:
    matched = [_CREATED.match(_plain(each)) for each in migration.statements]
    return [_normal(each["name"]) for each in matched if each is not None]


def _target(statement: Statement) -> str | None:
    """The table, view, type or function that a statement changes; None where it names none."""
    plain = _plain(statement)
    for pattern in _TARGETS:
        matched = pattern.match(plain)
        if matched is not None:
            return _normal(matched["name"])
    return None


def _plain(statement: Statement) -> str:
    return " ".join(_COMMENT.sub(" ", statement.text).split())


def _normal(name: str) -> str:
    return name[1:-1] if name.startswith('"') else name.lower()


def _finding(migration: Migration, line: int, rule: Rule, statement: Statement | None) -> Finding:
    return Finding(
        code=rule.code,
        severity="error" if rule.is_error else "warning",
        message=rule.message,
        location=_location(migration, line),
        found="" if statement is None else _plain(statement)[:120],
        effect=rule.effect,
        help=rule.help,
    )


def _unreadable_phase(migration: Migration, phase: phases.Phase) -> Finding:
    return Finding(
        code="R0424",
        severity="error",
        message="the phase of a migration cannot be read",
        location=_location(migration, phase.line),
        found=phase.problem,
        effect="it is not known whether the file may take something away",
        help="write `-- phase: expand`, or `-- phase: contract after NNNN` with an earlier migration's number",
    )


def _too_early(migration: Migration, phase: phases.Phase, lacking: Sequence[str], versions: int) -> Finding:
    after = phase.release or f"{phase.after:04d}"
    return Finding(
        code="R0423",
        severity="error",
        message=f"what is taken away may still be used: {after} is not in each of the last {versions} releases",
        location=_location(migration, phase.line),
        found=", ".join(lacking),
        effect="their code, which runs during the deployment and after a rollback, fails on the new schema",
        help=f"release {after} first, and this file in a release after that",
    )


def _location(migration: Migration, line: int) -> Location:
    lines = migration.sql.splitlines() or [""]
    return Location(file=str(migration.path), line=line, text=lines[min(line, len(lines)) - 1].strip())
