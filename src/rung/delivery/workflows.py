"""The pipelines of GitHub Actions: pull requests, deployments, the emergency rollback, the nightly look for drift.

Every job has the permissions it needs and no more, no job holds a key, and text that others wrote reaches a script
in a variable only.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from rung.delivery.front_ends import FrontEnd
from rung.delivery.pins import ACTIONS, TOOLS
from rung.delivery.project import Packages, Project
from rung.delivery.release import smoke_url
from rung.parts.compute import EcsJob, EcsService, Host, HostGroup
from rung.parts.design import Design
from rung.parts.edge import SitePart
from rung.templates import render

FOLDER = ".github/workflows"
ARM_RUNNER, X86_RUNNER = "ubuntu-24.04-arm", "ubuntu-24.04"
_ECOSYSTEMS: Mapping[Packages, str] = {"uv": "uv"}


def workflow_files(
    designs: Mapping[str, Design], project: Project, built: tuple[FrontEnd, ...] = ()
) -> dict[str, str]:
    """The workflows and what keeps their pins fresh. Without an environment there is nothing to deploy."""
    ordered = in_order(designs)
    if not ordered:
        return {}
    texts = {
        "pull-request": _pull_request(ordered, built),
        "deploy": _deploy(ordered, built),
        "rollback": _rollback(ordered),
        "drift": _drift(ordered),
    }
    ecosystem = _ECOSYSTEMS.get(project.packages, "pip")
    return {
        **{f"{FOLDER}/{name}.yml": text for name, text in texts.items()},
        ".github/dependabot.yml": render(
            "rung.delivery", "dependabot.yml", packages=ecosystem, front_ends=_npm_updates(built)
        ),
    }


def in_order(designs: Mapping[str, Design]) -> tuple[Design, ...]:
    """The environments in the order in which a release reaches them: production last."""
    return tuple(sorted(designs.values(), key=lambda design: design.production))


def build_runner(designs: tuple[Design, ...]) -> str:
    """A runner of the architecture that the containers run on: building needs no emulation there."""
    parts = (part for design in designs for part in design.parts)
    found = {part.architecture for part in parts if isinstance(part, EcsService | EcsJob | Host | HostGroup)}
    return X86_RUNNER if "x86_64" in found else ARM_RUNNER


def _pull_request(designs: tuple[Design, ...], built: tuple[FrontEnd, ...]) -> str:
    names = [design.environment for design in designs]
    plans = [
        _workflow("plan", environment=design.environment, variable=_variable(design), region=design.region)
        for design in designs
    ]
    return _workflow(
        "pull-request",
        build_runner=build_runner(designs),
        front_ends=_builds(built),
        environments=" ".join(names),
        plans="\n".join(plans),
        plan_jobs=", ".join(f"plan-{name}" for name in names),
        plan_variables="\n".join(
            f"{_variable(design)}: ${{{{ needs['plan-{design.environment}'].outputs.plan }}}}"
            for design in designs
        ),
        plan_sections="\n".join(
            f"printf '<details><summary>%s</summary>\\n\\n```terraform\\n%s\\n```\\n\\n</details>\\n' "
            f'{design.environment} "${{{_variable(design)}:-no plan}}"'
            for design in designs
        ),
    )


def _deploy(designs: tuple[Design, ...], built: tuple[FrontEnd, ...]) -> str:
    jobs, earlier = [], "image"
    for design in designs:
        url = smoke_url(design)
        jobs.append(_workflow(
            "deployment", environment=design.environment, region=design.region,
            needs="image" if earlier == "image" else f"image, {earlier}",
            url=f"url: {url}" if url else "", approval=_approval(design), sites=_downloads(design, built),
        ))  # fmt: skip
        earlier = design.environment
    return _workflow(
        "deploy", build_runner=build_runner(designs), deployments="\n".join(jobs), front_ends=_builds(built),
        uploads=_uploads(designs, built),
    )  # fmt: skip


def _approval(design: Design) -> str:
    if design.production:
        return "Asks for an approval: the environment's required reviewers, in the repository's settings."
    return "Released without a question; the next environment waits until this one answers."


def _builds(built: tuple[FrontEnd, ...]) -> str:
    """The steps that build the front ends, in a job without a role of AWS: packages run scripts of their own."""
    return "".join(
        _workflow(
            "front-end", working_directory=_yaml(each.folder),
            install="npm ci" if each.lock else "npm install",
            version=f"node-version-file: {_yaml(each.node)}" if each.node else f"node-version: '{TOOLS['node']}'",
            # A cache without a lock has no key; left unsaid, the action would look for one and fail.
            cache=f"cache: npm\ncache-dependency-path: {_yaml(each.lock)}" if each.lock
            else "package-manager-cache: false",
        )
        for each in built
    )  # fmt: skip


def _uploads(designs: tuple[Design, ...], built: tuple[FrontEnd, ...]) -> str:
    wanted = {part.name for design in designs for part in design.of(SitePart)}
    sites = (site for each in built for site in each.sites if site.name in wanted)
    return "".join(_workflow("site-upload", site=site.name, path=_yaml(site.path)) for site in sites)


def _downloads(design: Design, built: tuple[FrontEnd, ...]) -> str:
    """Where a site is a bucket, the job that fills it takes the files that were built once, beside the image."""
    wanted = {part.name for part in design.of(SitePart)}
    sites = (site for each in built for site in each.sites if site.name in wanted)
    return "".join(_workflow("site-download", site=site.name, path=_yaml(site.path)) for site in sites)


def _npm_updates(built: tuple[FrontEnd, ...]) -> str:
    folders = ("/" + each.folder.removeprefix(".") for each in built)
    return "".join(render("rung.delivery", "dependabot-npm.yml", directory=_yaml(each)) for each in folders)


def _yaml(text: str) -> str:
    """The text as a YAML string, quoted where it must be."""
    return text if re.fullmatch(r"[\w./-]+", text) else json.dumps(text)


def _rollback(designs: tuple[Design, ...]) -> str:
    names = [design.environment for design in designs]
    return _workflow(
        "rollback", main_environment=names[-1], environments=", ".join(names), region=designs[-1].region
    )  # fmt: skip


def _drift(designs: tuple[Design, ...]) -> str:
    entries = [
        f"- {{environment: {design.environment}, variable: {_variable(design)}, region: {design.region}}}"
        for design in designs
    ]
    return _workflow("drift", matrix="\n".join(entries))


def _variable(design: Design) -> str:
    return design.environment.upper().replace("-", "_")


def _workflow(name: str, **values: str) -> str:
    return render("rung.delivery", f"workflows/{name}.yml", **ACTIONS, **TOOLS, **values)
