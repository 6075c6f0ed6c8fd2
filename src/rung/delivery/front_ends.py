"""Front ends that have to be built before they are a site: where their source is, and findings R0910 and R0911.

A site is a folder of files. When it, or a folder above it, has a `package.json` with a script `build`, that script
makes the files: the pipelines run it with npm before they build the image, which then needs no Node.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from rung.errors import Finding
from rung.model.graph import Graph
from rung.model.nodes import Site

_LOCKS = ("package-lock.json", "npm-shrinkwrap.json")


@dataclass(frozen=True, slots=True, kw_only=True)
class FrontEnd:
    """A folder with a build. Paths are relative to the application's folder, which is `.`; `lock` and `node` (the
    file that says which Node) are empty where there is none."""

    folder: str
    lock: str
    node: str
    sites: tuple[Site, ...]


def front_ends(graph: Graph) -> tuple[FrontEnd, ...]:
    """The front ends of a workload's sites, each folder once. Reads their `package.json`, and writes nothing."""
    root = Path(graph.root)
    sites: dict[PurePosixPath, list[Site]] = {}
    for site in graph.of(Site):
        folder = _folder_of(root, site)
        if folder is not None:
            sites.setdefault(folder, []).append(site)
    return tuple(_front_end(root, folder, tuple(found)) for folder, found in sites.items())


def site_findings(graph: Graph) -> tuple[Finding, ...]:
    """Sites without files and without a build (R0910), and builds whose packages are not locked (R0911)."""
    return (*_missing(graph), *_not_locked(graph))


def _missing(graph: Graph) -> Iterator[Finding]:
    built = {site.name for each in front_ends(graph) for site in each.sites}
    for site in graph.of(Site):
        folder = Path(graph.root) / site.path
        if site.name not in built and not (folder.is_dir() and any(folder.iterdir())):
            yield Finding(
                code="R0910", severity="warning",
                message=f'the site "{site.name}" has no files, and nothing builds them',
                location=graph.locations.get(site.name),
                found=f"{site.path} is {'empty' if folder.is_dir() else 'missing'}, "
                "and no package.json there or above has a script `build`",
                effect="its release fails: there is nothing to upload, and nothing to put beside a proxy",
                help=f"commit {site.path}, or add a package.json whose script `build` writes it",
            )  # fmt: skip


def _not_locked(graph: Graph) -> Iterator[Finding]:
    for each in front_ends(graph):
        if not each.lock:
            yield Finding(
                code="R0911", severity="warning",
                message=f'the packages of the front end in "{each.folder}" are not locked',
                location=graph.locations.get(each.sites[0].name),
                found=f"package.json without a {_LOCKS[0]} beside it",
                effect="each release is built with whatever npm finds that day",
                help=f"run `npm install --package-lock-only` in {each.folder} and commit {_LOCKS[0]}",
            )  # fmt: skip


def _folder_of(root: Path, site: Site) -> PurePosixPath | None:
    """The nearest folder with a build, at or above the site's, inside of the application's."""
    path = PurePosixPath(site.path)
    if path.is_absolute() or ".." in path.parts:
        return None
    found = (folder for folder in (path, *path.parents) if "build" in _section(root / folder, "scripts"))
    return next(found, None)


def _front_end(root: Path, folder: PurePosixPath, sites: tuple[Site, ...]) -> FrontEnd:
    lock = next((name for name in _LOCKS if (root / folder / name).is_file()), "")
    said = [name for name in (".nvmrc", ".node-version") if (root / folder / name).is_file()]
    if "node" in _section(root / folder, "engines"):
        said.append("package.json")
    return FrontEnd(
        folder=str(folder), lock=str(folder / lock) if lock else "", node=str(folder / said[0]) if said else "",
        sites=sites,
    )  # fmt: skip


def _section(folder: Path, name: str) -> dict[str, object]:
    """A table of the folder's `package.json`; empty when there is none, or it cannot be read."""
    try:
        document = json.loads((folder / "package.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    found = document.get(name) if isinstance(document, dict) else None
    return found if isinstance(found, dict) else {}
