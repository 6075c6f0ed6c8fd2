"""The Makefile of the generated project: the targets people know, each a line that they could type themselves."""

from __future__ import annotations

import shlex
from collections.abc import Mapping

from rung.delivery.front_ends import FrontEnd
from rung.delivery.images import UV_VERSION
from rung.delivery.pins import TOOLS
from rung.delivery.project import Packages, Project
from rung.delivery.workflows import in_order
from rung.parts.design import Design
from rung.templates import render

_PIP = "python3 -m venv .venv && $(BIN)/pip install --quiet"
_INSTALL: Mapping[Packages, str] = {
    "uv": f"pipx run --spec uv=={UV_VERSION} uv sync --frozen",
    "hashed": f"{_PIP} --require-hashes -r <<file>>",
    "requirements": f"{_PIP} -r <<file>>",
    "project": f"{_PIP} --editable .",
    "none": f"{_PIP} rung pytest",
}


def makefile(designs: Mapping[str, Design], project: Project, built: tuple[FrontEnd, ...] = ()) -> dict[str, str]:
    """The Makefile. `ENV=` is the first environment of a release unless it is said, not production by accident."""
    ordered = [design.environment for design in in_order(designs)]
    text = render(
        "rung.delivery",
        "Makefile",
        environments=", ".join(ordered) or "none yet",
        default_environment=ordered[0] if ordered else "",
        requirements=project.file or "workload.py",
        install=_INSTALL[project.packages].replace("<<file>>", project.file),
        sites=_sites(built),
        before_deploy=" sites" if built else "",
        phony="sites " if built else "",
        **TOOLS,
    )
    return {"Makefile": text}


def _sites(built: tuple[FrontEnd, ...]) -> str:
    lines = [
        f"\t@cd {shlex.quote(each.folder)} && npm {'ci' if each.lock else 'install'} && npm run build"
        for each in built
    ]
    return "\n".join(["sites:  ## build the front ends", *lines]) if built else ""
