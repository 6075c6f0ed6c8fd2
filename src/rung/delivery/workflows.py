"""The pipelines of GitHub Actions: pull requests, deployments, the emergency rollback, the nightly look for drift.

Every job has the permissions it needs and no more, no job holds a key, and text that others wrote reaches a script
in a variable only.
"""

from __future__ import annotations

from collections.abc import Mapping

from rung.delivery.pins import ACTIONS, TOOLS
from rung.delivery.project import Packages, Project
from rung.delivery.release import smoke_url
from rung.parts.compute import EcsJob, EcsService, Host, HostGroup
from rung.parts.design import Design
from rung.templates import render

FOLDER = ".github/workflows"
ARM_RUNNER, X86_RUNNER = "ubuntu-24.04-arm", "ubuntu-24.04"
_ECOSYSTEMS: Mapping[Packages, str] = {"uv": "uv"}


def workflow_files(designs: Mapping[str, Design], project: Project) -> dict[str, str]:
    """The workflows and what keeps their pins fresh. Without an environment there is nothing to deploy."""
    ordered = in_order(designs)
    if not ordered:
        return {}
    texts = {
        "pull-request": _pull_request(ordered),
        "deploy": _deploy(ordered),
        "rollback": _rollback(ordered),
        "drift": _drift(ordered),
    }
    ecosystem = _ECOSYSTEMS.get(project.packages, "pip")
    return {
        **{f"{FOLDER}/{name}.yml": text for name, text in texts.items()},
        ".github/dependabot.yml": render("rung.delivery", "dependabot.yml", packages=ecosystem),
    }


def in_order(designs: Mapping[str, Design]) -> tuple[Design, ...]:
    """The environments in the order in which a release reaches them: production last."""
    return tuple(sorted(designs.values(), key=lambda design: design.production))


def build_runner(designs: tuple[Design, ...]) -> str:
    """A runner of the architecture that the containers run on: building needs no emulation there."""
    parts = (part for design in designs for part in design.parts)
    found = {part.architecture for part in parts if isinstance(part, EcsService | EcsJob | Host | HostGroup)}
    return X86_RUNNER if "x86_64" in found else ARM_RUNNER


def _pull_request(designs: tuple[Design, ...]) -> str:
    names = [design.environment for design in designs]
    plans = [
        _workflow("plan", environment=design.environment, variable=_variable(design), region=design.region)
        for design in designs
    ]
    return _workflow(
        "pull-request",
        build_runner=build_runner(designs),
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


def _deploy(designs: tuple[Design, ...]) -> str:
    jobs, earlier = [], "image"
    for design in designs:
        url = smoke_url(design)
        jobs.append(_workflow(
            "deployment", environment=design.environment, region=design.region,
            needs="image" if earlier == "image" else f"image, {earlier}",
            url=f"url: {url}" if url else "", approval=_approval(design),
        ))  # fmt: skip
        earlier = design.environment
    return _workflow("deploy", build_runner=build_runner(designs), deployments="\n".join(jobs))


def _approval(design: Design) -> str:
    if design.production:
        return "Asks for an approval: the environment's required reviewers, in the repository's settings."
    return "Released without a question; the next environment waits until this one answers."


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
