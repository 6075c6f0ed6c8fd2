"""Rungs without modules are refused with one finding, and keep nobody from writing the other environments."""

from __future__ import annotations

import pytest

from rung import Workload
from rung.cli.synth import designs_of
from rung.errors import ModelError
from rung.model.graph import Graph
from rung.rungs import place
from rung.terraform import compile as compiled
from rung.terraform import modules_of


def tea() -> Graph:
    work = Workload("tea")
    work.route("/*", work.service("api", app="tea.api:app", health="/health"))
    work.notify("email:a@example.com")
    work.environment("dev", rung="host")
    work.environment("prod", rung="eks")
    return work.freeze()


@pytest.mark.parametrize("rung", ["eks", "serverless"])
def test_one_finding_says_what_can_be_done_today(rung: str) -> None:
    design = place(tea(), "prod", rung=rung)
    for write in (compiled, modules_of):
        with pytest.raises(ModelError) as caught:
            write(design)
        (finding,) = caught.value.findings
        assert finding.code == "R1003"
        assert finding.location is not None
        for command in ("rung estimate", "rung forecast", "rung advise"):
            assert f"{command}" in (finding.help or "")


def test_another_environment_on_such_a_rung_is_left_out() -> None:
    assert list(designs_of(tea(), "dev")) == ["dev"]
    assert list(designs_of(tea(), "prod")) == ["dev", "prod"]
