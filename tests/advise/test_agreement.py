"""The advice against 20 labels that were written before it: how often it agrees, and why not elsewhere."""

from __future__ import annotations

import pytest
from tests.advise.conftest import labelled, shallow

#: Where dollars say something else than the label, and what to make of it. A new disagreement needs its own words.
EXPLAINED = {
    "client-reports": "queries that take seconds are not in the file, so that a database which sleeps looks "
    "cheap: measured service times would decide",
    "invoices-on-eks": "down from EKS in any case; host and fargate differ by less than a tenth, and host is "
    "defensible",
    "marketplace-scaleup": "the sources begin Kubernetes at 20 services for what it gives teams; the hours that "
    "it saves are worth less than its machines cost beyond Fargate; fargate is defensible",
    "payments-core": "as marketplace-scaleup: service mesh and network policies are worth something to auditors "
    "that has no price here; fargate is defensible",
    "studio-bookings": "three percent divide serverless and host: a toss-up, and the advice says so",
}


def test_it_agrees_with_labels_or_says_what_is_defensible() -> None:
    exact = [case for case in labelled() if shallow(case.name).recommended.rung == case.rung]
    within = [case for case in labelled() if shallow(case.name).recommended.rung in (case.rung, *case.defensible)]
    assert len(exact) >= 14
    assert len(within) >= 17, "85 % of 20"


def test_every_disagreement_is_explained() -> None:
    others = {case.name for case in labelled() if shallow(case.name).recommended.rung != case.rung}
    assert others <= set(EXPLAINED)


@pytest.mark.parametrize("case", labelled(), ids=lambda case: case.name)
def test_rungs_come_from_the_best_to_the_worst(case: object) -> None:
    advised = shallow(case.name)  # type: ignore[attr-defined]
    possible = [option.total_usd for option in advised.options if option.possible]
    assert possible == sorted(possible)
    assert len(advised.options) == 5
    assert all(each.because for each in advised.rejected)
