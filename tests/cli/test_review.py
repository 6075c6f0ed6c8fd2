"""`rung review` as it is called: tables and findings, JSON, pillars, thresholds and exit statuses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.review import golden

from rung.cli.main import main
from rung.model.checks import check
from rung.model.read import load_workload
from rung.review import rules

SHOP = str(Path(__file__).parents[2] / "workloads" / "shop" / "workload.py")
CALM = """
from rung import Business, Objectives, Traffic, Workload

w = Workload("calm", repository="example/calm")
db = w.postgres("db")
api = w.service("api", app="calm.api:app", health="/health", uses=[db], min_tasks=2)
w.route("/*", api)
w.traffic(Traffic(concurrent_users=50, think_time="10s"))
w.objectives(Objectives(availability="99.5%", p99="300ms"))
w.business(Business(monthly_budget_usd=500, monthly_revenue_usd=5_000, engineers=3))
w.notify("pagerduty:key")
w.environment("staging", scale=0.5)
w.environment("prod", domain="calm.example.com", zone="example.com")
"""


@pytest.fixture
def calm(tmp_path: Path) -> str:
    file = tmp_path / "workload.py"
    file.write_text(CALM)
    return str(file)


def test_shop_reads_as_it_was_read_before() -> None:
    assert golden.printed() == golden.FILE.read_text(encoding="utf-8"), "python -m tests.review.golden writes it"


def test_text_and_json_say_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["review", SHOP]) == 1
    text = capsys.readouterr().out
    assert main(["review", SHOP, "--format", "json"]) == 1
    document = json.loads(capsys.readouterr().out)
    assert document["schema"] == "rung.review/1"
    assert (document["workload"], document["environment"], document["rung"]) == ("shop", "prod", "fargate")
    codes = [finding["code"] for finding in document["findings"]]
    assert len(codes) >= 5
    assert [
        line.partition("[")[2][:5] for line in text.splitlines() if line[:4] in ("high", "medi", "low[")
    ] == codes
    counted = sum(sum(each.values()) for each in document["summary"].values())
    assert counted == len(codes)
    assert all(finding["location"]["file"].endswith("workload.py") for finding in document["findings"])
    assert any(finding["cure_dollars_monthly"] for finding in document["findings"])


def test_it_says_nothing_that_check_says_already() -> None:
    said = {finding.code for finding in check(load_workload(SHOP))}
    assert not said & {rule.code for rule in rules()}


def test_a_calm_workload_passes(calm: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["review", calm, "--fail-on", "low"]) == 0
    assert "together" in capsys.readouterr().out


def test_the_threshold_decides_the_exit_status(calm: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["review", calm, "--env", "staging", "--fail-on", "low"]) == 1
    assert main(["review", calm, "--env", "staging"]) == 0
    assert main(["review", SHOP, "--env", "staging", "--fail-on", "low"]) == 0  # a copy has no spikes
    assert main(["review", SHOP, "--fail-on", "never"]) == 0
    assert "R1474" in capsys.readouterr().out


def test_one_pillar_alone(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["review", SHOP, "--pillar", "operations", "--format", "json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert {finding["pillar"] for finding in document["findings"]} == {"operations"}


def test_measured_values_replace_assumptions(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    result = {
        "schema": "rung.load/1", "started_at": "2026-11-20T10:00:00Z",
        "total": {"succeeded": 10_000, "received_bytes": 1, "service": {"p50_ms": 1.0, "p99_ms": 2.0}},
        "server": {"requests": 10_000, "service_cpu_seconds": 10.0, "utilisation": 0.1},
    }  # fmt: skip
    file = tmp_path / "load.json"
    file.write_text(json.dumps(result))
    main(["review", SHOP, "--measured", str(file), "--format", "json"])
    found = json.loads(capsys.readouterr().out)["findings"]
    assert "R1422" not in {finding["code"] for finding in found}
    assert "1 ms of CPU" in next(each["evidence"] for each in found if each["code"] == "R1421")


def test_a_region_without_prices_is_reviewed_without_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "workload.py"
    file.write_text(
        CALM.replace('"prod", ', '"prod", region="sa-east-1", ')
        .replace("99.5%", "99.9%")
        .replace("pagerduty:key", "email:a@example.com")
    )
    main(["review", str(file), "--format", "json"])
    found = json.loads(capsys.readouterr().out)["findings"]
    assert found
    assert not any(finding["cure_dollars_monthly"] for finding in found)


@pytest.mark.parametrize("rung", ["box", "host", "eks", "serverless"])
def test_shop_on_other_rungs(rung: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for each in Path(SHOP).parent.iterdir():
        if each.name != "workload.py":
            (tmp_path / each.name).symlink_to(each)
    file = tmp_path / "workload.py"
    text = Path(SHOP).read_text().replace("concurrent_users=10_000", "concurrent_users=1_000")
    file.write_text(text.replace("peak=10", "peak=2"))
    main(["review", str(file), "--rung", rung, "--format", "json"])
    document = json.loads(capsys.readouterr().out)
    assert document["rung"] == rung
    assert {finding["code"] for finding in document["findings"]} & {"R1402", "R1403", "R1433"}


def test_details_are_told_part_by_part(capsys: pytest.CaptureFixture[str]) -> None:
    main(["review", SHOP, "--pillar", "cost", "--details", "--fail-on", "never"])
    text = capsys.readouterr().out
    assert "7 -> 12 -> 20" in text
    assert [line.split()[0] for line in text.splitlines() if line.startswith(("spike", "without", "store "))] == [
        "spike", "without", "store",
    ]  # fmt: skip
    main(["review", SHOP, "--format", "json", "--fail-on", "never"])
    document = json.loads(capsys.readouterr().out)
    assert {each["part"] for each in document["spike"]} == {"api", "db", "fulfil"}
    assert next(each for each in document["blast_radius"] if each["part"] == "db")["share"] == 1.0
    assert next(each for each in document["recovery"] if each["part"] == "db")["failover_seconds"] == 30
