"""The labels were written before the advice was: 20 workloads, and the rung that experience chooses for each.

They are the measure, so nothing may bend them: a change of a label or of its workload changes the seal below.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from pathlib import Path

import pytest

LABELLED = Path(__file__).parent / "labelled"
CASES = sorted(file.parent for file in LABELLED.glob("*/label.json"))
RUNGS = ("box", "host", "fargate", "eks", "serverless")
SEAL = "66001d17d3782f6ca40704a4e926cee7e64aff16c98282cae08f45b9d3bc6752"


def seal() -> str:
    """One digest of every label and of every workload, their names included."""
    digest = hashlib.sha256()
    for file in sorted(LABELLED.glob("*/*")):
        digest.update(file.relative_to(LABELLED).as_posix().encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()


def test_nobody_changed_a_label() -> None:
    assert seal() == SEAL


def test_twenty_over_all_rungs() -> None:
    labels = [json.loads((case / "label.json").read_text(encoding="utf-8")) for case in CASES]
    counts = Counter(label["rung"] for label in labels)
    assert len(labels) == 20
    assert set(counts) == set(RUNGS)
    assert min(counts.values()) >= 3


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_label_gives_its_reasons_and_where_they_come_from(case: Path) -> None:
    label = json.loads((case / "label.json").read_text(encoding="utf-8"))
    assert label["rung"] in RUNGS
    assert set(label["defensible"]) <= set(RUNGS) - {label["rung"]}
    assert label["reasons"]
    assert all(source["where"] and source["passage"] for source in label["sources"])
    assert (case / "workload.py").is_file()
