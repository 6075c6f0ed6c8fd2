"""The picture of a run shows what is done, failed, waiting and undone; that of a definition shows every way."""

from __future__ import annotations

from typing import Any

import pytest
from tests.runtime.workflow import declared_cases as cases

from rung.runtime.workflow import RunFailedError, WorkflowContext
from rung.runtime.workflow.declared.picture import picture_of_definition
from rung.runtime.workflow.picture import as_mermaid, as_svg, picture_of
from rung.testing.workflows import WorkflowRunner


def _refuse() -> None:
    raise ValueError("no")


async def _flow(context: WorkflowContext, given: Any) -> None:
    await context.step('reserve "<a>"', lambda: 1, compensate=lambda _: None)
    await context.parallel("both", lambda inner: inner.step("left", int), lambda inner: inner.step("right", int))
    await context.step("ship", _refuse)


async def test_a_run_shows_what_became_of_each_step() -> None:
    runner = WorkflowRunner({"flow": _flow})
    run = await runner.start("flow", id="a")
    with pytest.raises(RunFailedError):
        await runner.result(run)
    view = await run.status()
    assert view is not None
    picture = picture_of(view)
    states = {box.title: box.state for box in picture.boxes}
    assert states == {
        "flow": "plain", 'reserve "<a>"': "undone", "left": "done", "right": "done", "ship": "failed",
        "failed": "failed",
    }  # fmt: skip
    assert {(source, target) for source, target, _ in picture.edges} == {
        ("@start", "0"), ("0", "1.0.0"), ("0", "1.1.0"), ("1.0.0", "2"), ("1.1.0", "2"), ("2", "@end"),
    }  # fmt: skip
    mermaid, svg = as_mermaid(picture), as_svg(picture)
    assert 'n1["reserve #quot;&lt;a&gt;#quot;<br/>step<br/>(undone)"]:::undone' in mermaid
    assert mermaid.startswith("flowchart TD\n")
    assert "reserve &quot;&lt;a&gt;&quot;" in svg
    assert "<title id='t'>flow a</title>" in svg


def test_a_definition_shows_every_way() -> None:
    case = next(each for each in cases.CASES if each.name == "approved")
    picture = picture_of_definition(case.definition)
    assert [box.title for box in picture.boxes] == ["ask", "c", "do", "no"]
    assert ("c", "do", "answer.approved = True") in picture.edges
    assert ("c", "no", "else") in picture.edges
