"""Alarms and runbooks name one another, and every command names something that exists."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from importlib.resources import files as package_files

import pytest
from tests.delivery.designs import box, fargate, host

from rung.delivery import files
from rung.delivery.commands import COMMANDS
from rung.delivery.failures import FAILURES
from rung.delivery.names import full_name
from rung.delivery.runbooks import OPERATIONS, rings
from rung.model.graph import Graph
from rung.model.read import load_workload
from rung.parts.design import Design
from rung.parts.operations import RUNBOOKS, Alarm, Notification, Recipient
from rung.rungs import place

SECTIONS = ("Meaning", "Impact", "Diagnosis", "Mitigation", "Escalation", "Last drilled")
#: What modules and commands append to a part's name.
SUFFIX = re.compile(r"(?:-dlq|-restored|-private-\*|-\d+)?")
TEMPLATES = {
    file.name.removesuffix(".md"): file.read_text()
    for file in (package_files("rung.delivery") / "templates/runbooks").iterdir()
    if file.name.endswith(".md")
}


def shop() -> tuple[Graph, dict[str, Design]]:
    graph = load_workload("workloads/shop/workload.py")
    designs = {name: place(graph, name) for name in ("prod", "staging")}
    return graph, {**designs, "dev": box(), "qa": host("qa")}


def runbooks(graph: Graph, designs: dict[str, Design]) -> dict[str, str]:
    made = files(graph, designs)
    return {name.split("/")[1][:-3]: text for name, text in made.items() if name.startswith("runbooks/")}


def commands(text: str) -> Iterator[str]:
    for block in re.findall(r"```sh\n(.*?)```", text, flags=re.DOTALL):
        yield from block.splitlines()


def test_there_is_a_template_for_every_runbook_and_no_other() -> None:
    assert set(TEMPLATES) == {*RUNBOOKS, *OPERATIONS}


def test_every_alarm_has_its_runbook_with_the_alarms_name_in_it() -> None:
    graph, designs = shop()
    made = runbooks(graph, designs)
    for design in designs.values():
        for alarm in design.of(Alarm):
            assert f"`{full_name(design, alarm.name)}`" in made[alarm.runbook]


def test_a_runbook_about_an_alarm_is_there_because_it_rings_or_another_leads_to_it() -> None:
    graph, designs = shop()
    made = runbooks(graph, designs)
    ringing = set(rings(designs))
    made.pop("README")
    linked = {slug for text in made.values() for slug in re.findall(r"\]\(([a-z-]+)\.md\)", text)}
    assert set(made) <= ringing | {failure.runbook for failure in FAILURES} | set(OPERATIONS) | linked
    assert linked <= set(made), "a link leads nowhere"


def test_every_name_in_a_command_is_a_part_of_its_design() -> None:
    graph, designs = shop()
    checked = 0
    for slug, text in runbooks(graph, designs).items():
        for line in commands(text):
            for environment, design in designs.items():
                names = {full_name(design, part.name) for part in design.parts}
                for found in re.findall(rf"(?<![\w-])shop-{environment}-[\w*-]+", line):
                    known = [name for name in names if found.startswith(name)]
                    checked += 1
                    assert any(SUFFIX.fullmatch(found[len(name) :]) for name in known), (slug, found)
    assert checked > 100


def test_commands_are_shell_that_parses() -> None:
    graph, designs = shop()
    lines = [line for text in runbooks(graph, designs).values() for line in commands(text)]
    done = subprocess.run(["bash", "-n"], input="\n".join(lines), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("slug", sorted(TEMPLATES))
def test_a_runbook_is_whole(slug: str) -> None:
    graph, designs = shop()
    made = runbooks(graph, designs)
    if slug in made:
        text = made[slug]
        positions = [text.find(f"\n## {section}\n") for section in SECTIONS]
        assert -1 not in positions
        assert positions == sorted(positions)
        assert "<<" not in text
        assert not re.search(r":\n\n(?:##|$)", text), "a sentence that introduces nothing"
    places = set(re.findall(r"<<([a-z_]+)>>", TEMPLATES[slug])) - {"title", "rings", "escalation"}
    assert places <= set(COMMANDS)


def test_no_command_set_is_forgotten() -> None:
    used = {place for text in TEMPLATES.values() for place in re.findall(r"<<([a-z_]+)>>", text)}
    assert set(COMMANDS) <= used


def test_runbooks_say_who_is_told() -> None:
    graph, _ = shop()
    told = fargate()
    topic = Notification(recipients=(Recipient(address="slack:#shop", node="slack:#shop"),))
    design = fargate(parts=(*told.parts, topic))
    assert "- prod: `slack:#shop`" in runbooks(graph, {"prod": design})["rollback"]


def test_the_failure_table_promises_no_time_that_nobody_measured() -> None:
    graph, designs = shop()
    text = files(graph, designs)["docs/failures.md"]
    rows = [line for line in text.splitlines() if line.startswith("| ") and "time to recover" not in line]
    assert len(rows) > 20
    assert all(row.endswith("| not drilled yet |") for row in rows)


def test_the_failure_table_names_alarms_and_runbooks_that_exist() -> None:
    graph, designs = shop()
    made = files(graph, designs)
    alarms = {full_name(design, part.name) for design in designs.values() for part in design.parts}
    assert set(re.findall(r"`(shop-[^`]+)`", made["docs/failures.md"])) <= alarms
    linked = set(re.findall(r"\]\(\.\./(runbooks/[a-z-]+\.md)\)", made["docs/failures.md"]))
    assert linked <= set(made)
    assert {failure.runbook for failure in FAILURES} <= set(TEMPLATES)
    assert {slug for failure in FAILURES for slug in failure.alarms} <= set(RUNBOOKS)
