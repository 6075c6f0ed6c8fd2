"""`rung estimate` and `rung prices` as a user runs them: text, JSON, Markdown, and one line for what is wrong."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from rung.cli.main import main

SHOP = Path(__file__).parents[2] / "workloads" / "shop" / "workload.py"


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RUNG_CACHE", str(tmp_path / "cache"))


def test_the_bill_as_json_adds_up(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["estimate", str(SHOP), "--format", "json", "--savings"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["environment"] == "prod"
    assert found["total_usd"] == pytest.approx(sum(line["usd"] for line in found["lines"]))
    assert found["share_of_revenue"] == pytest.approx(found["total_usd"] / 40_000)
    assert all(saving["before_usd"] - saving["after_usd"] >= 1 for saving in found["savings"])


def test_the_bill_as_text_shows_parts_and_the_total(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["estimate", str(SHOP)]) == 0
    text = capsys.readouterr().out
    assert "shop prod on fargate" in text
    assert "for 1,000 requests" in text


def test_savings_say_how_sure_they_are_and_what_has_no_contract_price(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["estimate", str(SHOP), "--savings"]) == 0
    text = " ".join(capsys.readouterr().out.split())
    assert "reserved for three years" in text
    assert "prices: derived, the oldest read on 20" in text
    assert "contracts for fargate arm64" in text
    assert "rung prices update --region eu-west-1 reads them" in text


def test_a_quantity_is_explained(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["estimate", str(SHOP), "--explain", "load-balancer"]) == 0
    assert "units at the busy hour" in capsys.readouterr().out


def test_a_measured_value_replaces_an_assumption(capsys: pytest.CaptureFixture[str]) -> None:
    totals = []
    for value in ("8", "80"):
        assert main(["estimate", str(SHOP), "--assume", f"response_kib={value}", "--format", "json"]) == 0
        totals.append(json.loads(capsys.readouterr().out)["total_usd"])
    assert totals[1] > totals[0] * 1.5


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--assume", "respons_kib=8"], 'did you mean "response_kib"'),
        (["--assume", "response_kib=many"], "needs a number"),
        (["--assume", "response_kib=-1"], "must not be negative"),
        (["--explain", "load-balncer"], 'did you mean "load-balancer"'),
        (["--env", "prd"], 'did you mean "prod"'),
        (["--diff", "--output=/tmp/x"], "no commit"),
    ],
)
def test_a_wrong_word_is_answered_with_the_right_ones(
    capsys: pytest.CaptureFixture[str], words: list[str], message: str
) -> None:
    joined = [f"{words[0]}={words[1]}"]
    assert main(["estimate", str(SHOP), *joined]) == 2
    assert message in capsys.readouterr().err


def test_the_difference_to_a_commit_is_a_comment(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "app"
    folder.mkdir()
    workload = folder / "workload.py"
    for text in (_workload(min_tasks=1), _workload(min_tasks=3)):
        workload.write_text(text)
        if not (folder / ".git").exists():
            _git(folder, "init", "-q")
            _git(folder, "add", ".")
            _git(folder, "-c", "user.name=a", "-c", "user.email=a@example.com", "commit", "-qm", "first")
    assert main(["estimate", str(workload), "--diff", "HEAD"]) == 0
    text = capsys.readouterr().out
    assert "against `HEAD`" in text
    assert "| `api` |" in text
    assert "<details>" in text
    assert main(["estimate", str(workload), "--diff", "HEAD", "--env", "prod", "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["after_usd"] > 0
    assert main(["estimate", str(workload), "--diff", "v9"]) == 2
    assert "git cannot read that" in capsys.readouterr().err


def test_what_a_pull_request_adds_is_new(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """No file, another environment, or a file that could not be read: a comment all the same."""
    workload = tmp_path / "workload.py"
    commits = {
        "empty": None,
        "other": _workload(min_tasks=1).replace('"prod"', '"live"'),
        "broken": "from rung import Workload\nraise SystemExit(1)\n",
        "same": _workload(min_tasks=1),
    }
    _git(tmp_path, "init", "-q")
    for name, text in commits.items():
        if text is not None:
            workload.write_text(text)
        _git(tmp_path, "add", ".")
        author = ("-c", "user.name=a", "-c", "user.email=a@example.com")
        _git(tmp_path, *author, "commit", "-q", "--allow-empty", "-m", name)
        _git(tmp_path, "tag", name)
    said = {}
    for name in commits:
        assert main(["estimate", str(workload), "--diff", name]) == 0
        said[name] = capsys.readouterr().out
    assert "new: workload.py does not exist at empty" in said["empty"]
    assert "new: `other` has no environment prod" in said["other"]
    assert "new: the workload file of `broken` cannot be read" in said["broken"]
    assert "as on `same`" in said["same"]


def test_a_total_over_the_budget_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    workload = tmp_path / "workload.py"
    text = _workload(min_tasks=1).replace("import Traffic", "import Business, Traffic")
    workload.write_text(text + "app.business(Business(monthly_budget_usd=10))\n")
    _git(tmp_path, "init", "-q")
    _git(
        tmp_path, "-c", "user.name=a", "-c", "user.email=a@example.com", "commit", "-q", "--allow-empty", "-m", "x"
    )
    assert main(["estimate", str(workload), "--diff", "HEAD"]) == 0
    assert "**Over the budget of $10.**" in capsys.readouterr().out


def test_the_free_tier_is_taken_off_when_asked(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["estimate", str(SHOP), "--format", "json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert main(["estimate", str(SHOP), "--free-tier"]) == 0
    text = " ".join(capsys.readouterr().out.split())
    assert f"${found['total_usd'] - found['free_tier_usd']:,.2f} a month" in text
    assert "free tier" in text


def test_prices_are_found_by_words(capsys: pytest.CaptureFixture[str]) -> None:
    assert (
        main(["prices", "list", "ec2", "t4g.small", "on-demand", "--region", "eu-west-1", "--format", "json"]) == 0
    )
    (row,) = json.loads(capsys.readouterr().out)["prices"]
    assert row["usd"] == 0.0184
    assert main(["prices", "list", "no-such-thing"]) == 1


def test_the_age_of_the_book_names_what_is_from_memory(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["prices", "age"]) == 0
    assert "from memory: eventbridge" in capsys.readouterr().out


def test_an_update_needs_a_region_and_a_known_offer(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["prices", "update"]) == 2
    assert "--region eu-west-1" in capsys.readouterr().err
    assert main(["prices", "update", "--region", "eu-west-1", "--service", "AmazonRds"]) == 2
    assert "AmazonRDS" in capsys.readouterr().err


def _workload(min_tasks: int) -> str:
    return f"""from rung import Traffic, Workload

app = Workload("app")
api = app.service("api", app="app.api:app", health="/health", min_tasks={min_tasks})
app.route("/*", api)
app.traffic(Traffic(concurrent_users=100))
app.environment("prod", production=True)
app.notify("email:oncall@example.com")
"""


def _git(folder: Path, *words: str) -> None:
    subprocess.run(["git", "-C", str(folder), *words], check=True, capture_output=True)


def test_five_rungs_side_by_side_and_why_one_is_missing(capsys: pytest.CaptureFixture[str]) -> None:
    """The sale is more than one machine can do: the others are compared all the same."""
    rungs = ["box", "host", "fargate", "eks", "serverless"]
    assert main(["estimate", str(SHOP), "--compare", *rungs, "--format", "json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [each["rung"] for each in found["rungs"]] == rungs[1:]
    assert [each["findings"][0]["code"] for each in found["refused"]] == ["R0802"]
    assert main(["estimate", str(SHOP), "--compare", *rungs]) == 0
    assert "box cannot hold it (R0802)" in capsys.readouterr().out
    assert main(["estimate", str(SHOP), "--compare", "box"]) == 1


@pytest.mark.parametrize(("rung", "part"), [("eks", "burst-nodes"), ("serverless", "http-api")])
def test_a_quantity_of_the_largest_rungs_is_explained(
    rung: str, part: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["estimate", str(SHOP), "--rung", rung, "--explain", part]) == 0
    assert f"{part}: " in capsys.readouterr().out
