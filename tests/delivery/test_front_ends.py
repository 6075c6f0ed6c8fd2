"""A front end that has to be built is built before the image, once, where nothing can reach AWS."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.delivery.designs import box, fargate

from rung.cli.main import main
from rung.delivery import files
from rung.delivery.front_ends import front_ends, site_findings
from rung.model.graph import Graph
from rung.model.read import load_workload

WORKLOAD = """\
from rung import Workload

shop = Workload("shop")
web = shop.site("web", path="web/dist")
shop.route("/*", web)
shop.environment("dev")
shop.notify("email:oncall@example.com")
"""
BUILT = {"scripts": {"build": "vite build"}}


def workload(folder: Path, package: object = None, *, at: str = "web", lock: str = "package-lock.json") -> Graph:
    (folder / "workload.py").write_text(WORKLOAD)
    (folder / at).mkdir(parents=True, exist_ok=True)
    if package is not None:
        (folder / at / "package.json").write_text(json.dumps(package))
    if lock:
        (folder / at / lock).write_text("{}")
    return load_workload(folder / "workload.py")


def generated(graph: Graph) -> dict[str, str]:
    return files(graph, {"prod": fargate(), "dev": box()})


def jobs(graph: Graph, name: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(generated(graph)[f".github/workflows/{name}.yml"])["jobs"]
    return found


def place(steps: list[dict[str, Any]], word: str) -> int:
    """Where the first step stands whose action or command has the word."""
    return next(number for number, each in enumerate(steps) if word in f"{each.get('uses')} {each.get('run')}")


def test_it_is_built_before_the_image_and_each_site_takes_those_files(tmp_path: Path) -> None:
    graph = workload(tmp_path, BUILT | {"engines": {"node": ">=22"}})
    for name in ("deploy", "pull-request"):
        image = jobs(graph, name)["image"]
        node, build, docker = (place(image["steps"], word) for word in ("setup-node@", "npm ci\n", "docker build"))
        assert node < build < docker
        assert "id-token" not in image["permissions"], "what packages run cannot reach AWS"
        assert image["steps"][node]["with"] == {
            "node-version-file": "web/package.json", "cache": "npm",
            "cache-dependency-path": "web/package-lock.json",
        }  # fmt: skip
        assert image["steps"][build]["working-directory"] == "web"
        assert image["steps"][build]["run"].split("\n") == ["npm ci", "npm run build", ""]
    deploy = jobs(graph, "deploy")
    uploaded = deploy["image"]["steps"][-1]["with"]
    assert (uploaded["name"], uploaded["path"], uploaded["if-no-files-found"]) == ("site-web", "web/dist", "error")
    taken = [step["with"] for step in deploy["prod"]["steps"] if "download-artifact@" in step.get("uses", "")]
    assert taken == [{"name": "image"}, {"name": "site-web", "path": "web/dist"}]
    on_a_machine = [step for step in deploy["dev"]["steps"] if "download-artifact@" in step.get("uses", "")]
    assert len(on_a_machine) == 1, "the image of a box holds the site"


def test_the_tools_that_judge_workflows_find_nothing(tmp_path: Path, tool: Callable[..., str]) -> None:
    texts = generated(workload(tmp_path, BUILT))
    for name in (name for name in texts if name.startswith(".github")):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(texts[name])
    pipelines = sorted((tmp_path / ".github/workflows").iterdir())
    tool("check-jsonschema", "--builtin-schema", "vendor.github-workflows", *pipelines)
    tool("check-jsonschema", "--builtin-schema", "vendor.dependabot", tmp_path / ".github/dependabot.yml")
    tool("zizmor", "--offline", tmp_path / ".github")
    updates = yaml.safe_load(texts[".github/dependabot.yml"])["updates"]
    assert [each["directory"] for each in updates if each["package-ecosystem"] == "npm"] == ["/web"]


def test_make_builds_it_before_a_release_too(tmp_path: Path) -> None:
    texts = generated(workload(tmp_path, BUILT))
    assert "\ndeploy: sites  ##" in texts["Makefile"]
    assert "\n\t@cd web && npm ci && npm run build\n" in texts["Makefile"]
    assert "node" not in texts["Dockerfile"].lower()


@pytest.mark.parametrize(
    ("at", "folder"), [("web", "web"), (".", "."), ("web/dist", "web/dist"), ("elsewhere", None)]
)
def test_the_nearest_folder_at_or_above_the_site_with_a_build(tmp_path: Path, at: str, folder: str | None) -> None:
    found = front_ends(workload(tmp_path, BUILT, at=at))
    assert [each.folder for each in found] == ([folder] if folder else [])


@pytest.mark.parametrize("package", [None, {}, {"scripts": {"dev": "vite"}}, {"scripts": []}, [], "text"])
def test_without_a_build_nothing_is_built_and_a_missing_folder_is_said(tmp_path: Path, package: object) -> None:
    graph = workload(tmp_path, package)
    assert front_ends(graph) == ()
    assert "npm" not in "".join(generated(graph).values())
    (finding,) = site_findings(graph)
    assert (finding.code, finding.severity) == ("R0910", "warning")
    assert finding.location is not None
    assert finding.location.line == 4
    (tmp_path / "web/dist").mkdir()
    assert "is empty" in site_findings(graph)[0].found
    (tmp_path / "web/dist/index.html").write_text("<!doctype html>")
    assert site_findings(graph) == ()


def test_a_build_without_a_lock_is_said_and_has_no_cache(tmp_path: Path) -> None:
    graph = workload(tmp_path, BUILT, lock="")
    (finding,) = site_findings(graph)
    assert (finding.code, finding.severity) == ("R0911", "warning")
    steps = jobs(graph, "deploy")["image"]["steps"]
    assert steps[place(steps, "setup-node@")]["with"] == {"node-version": "24", "package-manager-cache": False}
    assert "npm install\n" in steps[place(steps, "npm run build")]["run"]
    assert site_findings(workload(tmp_path, BUILT, lock="npm-shrinkwrap.json")) == ()


def test_synth_says_it_and_writes_all_the_same(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    workload(tmp_path)
    assert main(["synth", str(tmp_path / "workload.py"), "--env", "dev"]) == 0
    assert "warning[R0910]" in capsys.readouterr().err
