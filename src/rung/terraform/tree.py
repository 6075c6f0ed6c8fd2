"""The folder `infra/`: a root for each environment, the modules that they share, and the root that comes first."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from rung.parts.design import Design
from rung.parts.values import Reference
from rung.terraform.bootstrap import bootstrap
from rung.terraform.library import module_files, release_of, with_siblings
from rung.terraform.root import compile as compiled
from rung.terraform.root import modules_of
from rung.terraform.waivers import checkov_configuration

Late = Mapping[str, Mapping[str, Reference]]
LOCK = "infra/modules.lock.json"
BOOTSTRAP_MODULES = ("deploy_identity", "state")


def tree(designs: Mapping[str, Design], chosen: Iterable[str], late: Late | None = None) -> dict[str, str]:
    """The files of `infra/` by path: the roots of the environments `chosen`, and the modules of all environments;
    and what their policy scan is told.

    `late`, by environment, is what the user data of machines is told.

    The lock says of each module its version and the hash of its files: a review sees that one was changed.
    """
    files: dict[str, str] = {}
    for name in chosen:
        root = compiled(designs[name], (late or {}).get(name))
        files.update({f"infra/{name}/{path}": text for path, text in root.items()})
    files.update({f"infra/bootstrap/{path}": text for path, text in bootstrap(designs).items()})
    modules = used_modules(designs)
    for module in modules:
        files.update({f"infra/modules/{module}/{path}": text for path, text in module_files(module).items()})
    files[LOCK] = lock(modules)
    files[".checkov.yaml"] = checkov_configuration()
    return files


def used_modules(designs: Mapping[str, Design]) -> tuple[str, ...]:
    """The modules of every environment, those that they call in turn, and those of the bootstrap root."""
    names = {name for design in designs.values() for name in modules_of(design)}
    return with_siblings((*sorted(names), *BOOTSTRAP_MODULES))


def lock(modules: Iterable[str]) -> str:
    """Which modules, at which versions, with which content."""
    releases = [release_of(name) for name in modules]
    entries = {release.name: {"version": release.version, "sha256": release.sha256} for release in releases}
    return json.dumps({"schema": "rung.modules/1", "modules": entries}, indent=2) + "\n"
