"""Documents of the generated project: the architecture, the decision for its rung, and how to work on it."""

from __future__ import annotations

from collections.abc import Mapping

from rung.delivery.drawing import mermaid, svg
from rung.delivery.names import line_of
from rung.delivery.picture import picture_of
from rung.delivery.workflows import in_order
from rung.model.graph import Graph
from rung.parts.design import Design
from rung.parts.operations import Alarm, Notification
from rung.templates import render

_RUNGS: Mapping[str, tuple[str, str]] = {
    "box": (
        "one machine that runs everything, databases included",
        "Recovery takes a person and minutes: a new machine and the last backup. What was written since is lost.",
    ),
    "host": (
        "replaceable machines with Docker behind a load balancer, and a managed database",
        "Machines are patched by being replaced; a group of them has to be sized and watched.",
    ),
    "fargate": (
        "containers without machines, an Aurora database and managed queues",
        "Nothing to patch, and a bill that begins with what is always on: load balancer, way out, database.",
    ),
}


def document_files(graph: Graph, designs: Mapping[str, Design]) -> dict[str, str]:
    """Architecture with its picture, one decision, and the files that hosts of repositories look for."""
    ordered = tuple(reversed(in_order(designs)))
    if not ordered:
        return {}
    main = ordered[0]
    people = [each.address for topic in main.of(Notification) for each in topic.recipients]
    values = {
        "workload": graph.name,
        "environments": ", ".join(design.environment for design in in_order(designs)),
    }
    picture = f"![The parts of {graph.name} and what they do to one another]"
    return {
        "docs/architecture.md": _document(
            "architecture.md", **values, sections=_sections(graph, ordered), picture=f"{picture}(architecture.svg)"
        ),
        "docs/architecture.svg": svg(picture_of(main, graph)),
        "docs/adr/0001-rungs.md": _document("adr.md", **values, choices="\n".join(map(_choice, ordered))),
        "SECURITY.md": _document("SECURITY.md", **values, contact=_contact(people)),
        "CONTRIBUTING.md": _document("CONTRIBUTING.md", **values),
        "CHANGELOG.md": _document("CHANGELOG.md", **values),
    }


def _sections(graph: Graph, designs: tuple[Design, ...]) -> str:
    sections = []
    for design in designs:
        rows = [
            f"| `{part.name}` | {part.kind.replace('_', ' ')} | {part.why or '–'} | {line_of(design, part)} |"
            for part in design.parts
            if not isinstance(part, Alarm)
        ]
        sections += [
            f"## {design.environment} ({design.rung}, {design.region})", "", "```mermaid",
            mermaid(picture_of(design, graph)), "```", "",
            "| part | what | why | from |", "|---|---|---|---|", *rows, "",
        ]  # fmt: skip
    return "\n".join(sections)


def _choice(design: Design) -> str:
    what, price = _RUNGS.get(design.rung, (design.rung, ""))
    return f"- **{design.environment}: {design.rung}**, {what}. {price}"


def _contact(people: list[str]) -> str:
    mail = next((address.removeprefix("email:") for address in people if address.startswith("email:")), None)
    return f"write to <{mail}>" if mail else "use the repository's private vulnerability reporting"


def _document(template: str, **values: str) -> str:
    return render("rung.delivery", f"docs/{template}", **values)
