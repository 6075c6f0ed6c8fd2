"""Watches the workload's folder and restarts what a change concerns; a broken change keeps what runs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rung.errors import Finding, UserError
from rung.local.database import migrate_again
from rung.local.diagnosis import explain, import_problems
from rung.local.logs import finding_line, own_line
from rung.local.reload import (
    DEBOUNCE_MILLISECONDS,
    IGNORED_FOLDERS,
    STEP_MILLISECONDS,
    Change,
    affected,
    is_watched,
    kind_of,
)
from rung.local.specification import ProcessSpec
from rung.local.supervisor import StartFailedError
from rung.model.checks import check
from rung.model.nodes import Postgres
from rung.model.read import load_workload

if TYPE_CHECKING:
    from rung.local.develop import Session


class Reloader:
    """Follows the files of one session."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._workload = session.options.workload.resolve()
        self._folder = self._workload.parent

    async def run(self) -> None:
        """Until cancelled."""
        async for files in watch(self._folder):
            changed = {file for file in files if is_watched(file, self._folder)}
            if changed:
                await self.apply(changed)

    async def apply(self, changed: set[Path]) -> None:
        """Do what these changed files ask for. Findings are shown, never raised."""
        session = self._session
        migrations = [
            self._folder / node.migrations for node in session.running.graph.of(Postgres) if node.migrations
        ]
        kinds: dict[Change, set[Path]] = {}
        for file in changed:
            kinds.setdefault(kind_of(file, self._workload, migrations), set()).add(file)
        try:
            if Change.WORKLOAD in kinds:
                await self._plan_again()
            elif Change.MIGRATION in kinds:
                session.say_migrated(
                    await migrate_again(session.running.graph, session.running.prepared.databases)
                )
            if Change.CODE in kinds:
                await self._restart(kinds[Change.CODE])
        except UserError as error:
            session.emit(finding_line("not reloaded: what ran before goes on", error.findings))

    async def _plan_again(self) -> None:
        session = self._session
        graph = load_workload(session.options.workload)
        errors = [finding for finding in check(graph) if finding.severity == "error"]
        if errors:
            raise UserError(*errors)
        session.running = await session.bring_up(graph)
        session.emit(own_line("planned again", file=self._workload.name))

    async def _restart(self, changed: set[Path]) -> None:
        """Replace the processes that import a changed file, and start those that an earlier change broke."""
        session = self._session
        there = session.supervisor.specs
        wanted = session.running.plan.processes
        missing = [spec for spec in wanted if spec.name not in there]
        concerned = list(dict.fromkeys(spec.name for spec in (*affected(wanted, changed, self._folder), *missing)))
        specs = [spec for spec in wanted if spec.name in concerned]
        if not specs:
            return
        problems = await import_problems_of(specs)
        if problems:
            raise UserError(*problems)
        files = sorted(str(file.relative_to(self._folder)) for file in changed)
        session.emit(own_line("reloading", changed=files, processes=concerned))
        try:
            await session.supervisor.replace(specs)
        except StartFailedError as error:
            findings = [await explain(each) for each in error.errors]
            session.emit(finding_line("not reloaded: it starts again after the next change", findings))


async def import_problems_of(specs: Iterable[ProcessSpec]) -> Sequence[Finding]:
    """What cannot be imported, once for each entry, all processes asked in parallel."""
    chosen = [spec for spec in specs if spec.entries]
    found = await asyncio.gather(*(import_problems(spec) for spec in chosen))
    return list(dict.fromkeys(finding for findings in found for finding in findings))


async def watch(folder: Path) -> AsyncIterator[set[Path]]:
    """Changed files below `folder`, a burst at a time; folders that are not the application's are not watched.

    The state folder would otherwise report every page that Postgres writes.
    """
    changes: asyncio.Queue[set[Path]] = asyncio.Queue()
    watcher = asyncio.create_task(_watch_into(changes, folder))
    try:
        while True:
            yield await changes.get()
    finally:
        watcher.cancel()
        await asyncio.gather(watcher, return_exceptions=True)


async def _watch_into(changes: asyncio.Queue[set[Path]], folder: Path) -> None:
    """The folder itself, and each folder in it; anew when a folder appears or goes."""
    while True:
        folders = _folders(folder)
        below = asyncio.create_task(_watch_below(changes, folders)) if folders else None
        try:
            async for burst in _bursts([folder], recursive=False):
                await changes.put(burst)
                if _folders(folder) != folders:
                    break
        finally:
            if below is not None:
                below.cancel()
                await asyncio.gather(below, return_exceptions=True)


async def _watch_below(changes: asyncio.Queue[set[Path]], folders: Sequence[Path]) -> None:
    async for burst in _bursts(folders, recursive=True):
        await changes.put(burst)


async def _bursts(paths: Sequence[Path], *, recursive: bool) -> AsyncIterator[set[Path]]:
    from watchfiles import awatch

    async for burst in awatch(
        *paths, recursive=recursive, watch_filter=None, debounce=DEBOUNCE_MILLISECONDS, step=STEP_MILLISECONDS
    ):
        yield {Path(path) for _, path in burst}


def _folders(folder: Path) -> list[Path]:
    return sorted(each for each in folder.iterdir() if each.is_dir() and each.name not in IGNORED_FOLDERS)
