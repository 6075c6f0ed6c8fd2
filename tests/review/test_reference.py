"""The reference lists every finding as the rules say it, and the guides name commands that exist."""

from __future__ import annotations

from pathlib import Path

import pytest

from rung.review import rules
from rung.review.advice import PILLARS, Rule, severity_of

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "reference" / "review.md"


def row(rule: Rule) -> str:
    return f"| [{rule.code}](../errors/{rule.code}.md) | {rule.severity} | {rule.title} | {rule.taxonomy} |"


def table() -> str:
    """Every finding, pillar by pillar."""
    texts = []
    for pillar, title in PILLARS.items():
        rows = [row(rule) for rule in rules() if rule.pillar == pillar]
        head = f"### {title.capitalize()}\n\n| code | severity | what is found | failure |\n|---|---|---|---|"
        texts.append("\n".join((head, *rows)))
    return "\n\n".join(texts)


def test_the_page_lists_every_finding() -> None:
    text = PAGE.read_text(encoding="utf-8")
    written = text.partition("<!-- findings -->")[2].partition("<!-- /findings -->")[0]
    assert written.strip() == table()


def test_codes_are_unique_and_in_order() -> None:
    codes = [rule.code for rule in rules()]
    assert codes == sorted(set(codes))


def test_every_pillar_and_every_failure_of_the_taxonomy_has_a_rule() -> None:
    assert {rule.pillar for rule in rules()} == set(PILLARS)
    assert {rule.taxonomy for rule in rules()} >= {
        "Friday deploy", "disk full", "unexpected egress", "unprepared spike", "single point of failure",
        "untested restore", "expired certificate", "noisy neighbour", "runaway cost", "secrets in logs",
        "retry storm", "connection exhaustion", "region loss", "zone loss", "thundering herd",
    }  # fmt: skip


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule.code)
def test_the_page_of_a_finding_has_its_title(rule: Rule) -> None:
    page = (ROOT / "docs" / "errors" / f"{rule.code}.md").read_text(encoding="utf-8")
    assert page.startswith(f"# {rule.code}: {rule.title}\n")


def test_severity_grows_with_likelihood_and_harm() -> None:
    assert severity_of("often", "severe") == severity_of("often", "serious") == "high"
    assert severity_of("sometimes", "severe") == "high"
    assert severity_of("seldom", "severe") == severity_of("sometimes", "serious") == "medium"
    assert severity_of("often", "slight") == severity_of("seldom", "serious") == "low"
