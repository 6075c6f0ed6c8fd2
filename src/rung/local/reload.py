"""Which processes a changed file concerns, read from the imports in the source; nothing is executed for it."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Sequence
from enum import Enum
from pathlib import Path

from rung.local.specification import ProcessSpec

DEBOUNCE_MILLISECONDS = 200
STEP_MILLISECONDS = 50
IGNORED_FOLDERS = frozenset(
    {
        ".rung",
        ".git",
        ".venv",
        "venv",
        "node_modules",
        "__pycache__",
        ".pytest_cache",
        ".mypy_cache",
        ".ruff_cache",
    }
)


class Change(Enum):
    """What a changed file is to the workload."""

    WORKLOAD = "workload"
    MIGRATION = "migration"
    CODE = "code"
    NOTHING = "nothing"


def kind_of(file: Path, workload: Path, migrations: Iterable[Path]) -> Change:
    """What has to happen when `file` has changed. Sites are served from disk and need nothing."""
    if file == workload:
        return Change.WORKLOAD
    if any(folder in file.parents for folder in migrations):
        return Change.MIGRATION if file.suffix == ".sql" else Change.NOTHING
    return Change.CODE if file.suffix == ".py" else Change.NOTHING


def is_watched(file: Path, folder: Path) -> bool:
    """Whether a change of `file` can matter: not our own state, not caches, not installed packages."""
    return file.suffix in (".py", ".sql") and not IGNORED_FOLDERS & set(file.relative_to(folder).parts)


def affected(specs: Iterable[ProcessSpec], changed: Iterable[Path], folder: Path) -> tuple[ProcessSpec, ...]:
    """The processes that have imported one of `changed`, directly or not.

    A `command=` is somebody else's program: it is restarted for every changed module that no test folder holds.
    """
    files = {file.resolve() for file in changed}
    application = {file for file in files if "tests" not in file.relative_to(folder).parts}
    sources: dict[Path, frozenset[Path]] = {}
    return tuple(
        spec
        for spec in specs
        if spec.kind != "server"
        and (application if not spec.entries else files & reachable(spec.entries, folder, sources))
    )


def reachable(
    entries: Sequence[str], folder: Path, known: dict[Path, frozenset[Path]] | None = None
) -> frozenset[Path]:
    """The files below `folder` that importing `entries` (`module:object`) imports. `known` caches by file."""
    cache = {} if known is None else known
    found: set[Path] = set()
    waiting = [file for entry in entries for file in _files_of(entry.partition(":")[0], folder)]
    while waiting:
        file = waiting.pop()
        if file in found:
            continue
        found.add(file)
        if file not in cache:
            cache[file] = frozenset(_imports(file, folder))
        waiting.extend(cache[file])
    return frozenset(found)


def _imports(file: Path, folder: Path) -> Iterator[Path]:
    try:
        tree = ast.parse(file.read_bytes())
    except (OSError, SyntaxError, ValueError):
        return  # it is broken now; whoever imports it is affected by its own name already
    package = file.relative_to(folder).with_suffix("").parts[:-1]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield from _files_of(alias.name, folder)
        elif isinstance(node, ast.ImportFrom):
            around = package[: len(package) - node.level + 1] if node.level else ()
            base = ".".join((*around, node.module or ""))
            yield from _files_of(base.strip("."), folder)
            for alias in node.names:
                yield from _files_of(f"{base}.{alias.name}".strip("."), folder)


def _files_of(module: str, folder: Path) -> Iterator[Path]:
    """The file of a module and of every package around it, as far as they lie below `folder`."""
    parts = [part for part in module.split(".") if part]
    for length in range(1, len(parts) + 1):
        stem = folder.joinpath(*parts[:length])
        for candidate in (stem / "__init__.py", stem.with_suffix(".py")):
            if candidate.is_file():
                yield candidate
