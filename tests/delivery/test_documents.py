"""The documents: a picture that is well-formed, says in words what it shows, and has every process in it."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

import pytest
from tests.delivery.designs import box, fargate

from rung.delivery import files
from rung.delivery.drawing import mermaid, svg
from rung.delivery.picture import picture_of
from rung.model.graph import Graph
from rung.model.read import load_workload
from rung.rungs import place

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def shop() -> Graph:
    """The shop."""
    return load_workload("workloads/shop/workload.py")


@pytest.mark.parametrize("rung", ["box", "host", "fargate"])
def test_the_drawing_is_a_picture_with_a_title_and_a_description(shop: Graph, rung: str) -> None:
    picture = picture_of(place(shop, "staging", rung=rung), shop)
    root = ET.fromstring(svg(picture))
    assert root.get("role") == "img"
    assert root.get("aria-labelledby") == "title description"
    assert root.findtext(f"{SVG}title") == f"shop in staging on {rung}"
    described = root.findtext(f"{SVG}desc") or ""
    for name in ("api", "fulfil", "orders", "db", "cache", "web"):
        assert f"{name} (" in described
    assert "prefers-color-scheme: dark" in (root.findtext(f"{SVG}style") or "")


def test_nothing_is_drawn_over_another_or_outside_of_the_paper(shop: Graph) -> None:
    root = ET.fromstring(svg(picture_of(place(shop, "prod"), shop)))
    _, _, wide, high = (float(each) for each in str(root.get("viewBox")).split())
    places = [
        tuple(float(str(rect.get(side))) for side in ("x", "y", "width", "height"))
        for rect in root.iter(f"{SVG}rect")
        if rect.get("class") == "box"
    ]
    assert len(places) > 8
    for number, (x, y, width, height) in enumerate(places):
        assert x >= 0
        assert x + width <= wide
        assert y + height <= high
        for a, b, _, _ in places[number + 1 :]:
            assert abs(a - x) >= width or abs(b - y) >= height


def test_requests_go_in_by_the_edge_and_messages_by_the_queue(shop: Graph) -> None:
    arrows = picture_of(place(shop, "prod"), shop).arrows
    assert arrows["visitors", "distribution"] == "HTTPS"
    assert ("distribution", "load-balancer") in arrows
    assert ("load-balancer", "api") in arrows
    assert ("distribution", "web") in arrows
    assert arrows["api", "orders"] == "sends"
    assert arrows["orders", "fulfil"] == "feeds"


def test_mermaid_names_every_box_once_and_draws_between_known_ones(shop: Graph) -> None:
    picture = picture_of(place(shop, "prod"), shop)
    text = mermaid(picture)
    defined = re.findall(r"^\s+(n\d+)\[", text, flags=re.MULTILINE)
    assert len(defined) == len(set(defined)) == len(picture.boxes)
    drawn = re.findall(r"(n\d+) -->(?:\|[^|]*\|)? (n\d+)", text)
    assert len(drawn) == len(picture.arrows)
    assert {end for ends in drawn for end in ends} <= set(defined)


def test_documents_are_whole(graph: Graph) -> None:
    made = files(graph, {"prod": fargate(), "dev": box()})
    for name in (
        "docs/architecture.md",
        "docs/adr/0001-rungs.md",
        "SECURITY.md",
        "CONTRIBUTING.md",
        "CHANGELOG.md",
    ):
        assert made[name].startswith("# "), name
        assert "<<" not in made[name], name
    assert "**prod: fargate**" in made["docs/adr/0001-rungs.md"]
    assert "workload.py:5" in made["docs/architecture.md"]


def test_the_same_input_gives_the_same_bytes(shop: Graph) -> None:
    designs = {"prod": place(shop, "prod")}
    assert files(shop, designs) == files(shop, designs)
