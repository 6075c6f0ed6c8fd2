"""`rung migrate check`: what locks, rewrites and breaks is found where it stands, and what is safe is not."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from rung.cli.main import main
from rung.errors import MachineError
from rung.migrations.check import Checked, check
from rung.migrations.releases import Release, release_at, releases_of
from rung.migrations.rules import RULES

BASE = "create table orders (id bigint primary key, note text, total integer not null default 0);\n"
ROOT = Path(__file__).resolve().parents[2]


def _write(folder: Path, *files: str) -> Path:
    for number, text in enumerate(files, 1):
        (folder / f"{number:04d}_step.sql").write_text(text)
    return folder


def _check(folder: Path, *files: str, versions: int = 1, released: list[set[int]] | None = None) -> Checked:
    releases = [
        Release(name=f"v{len(released or []) - at}", numbers=frozenset(each))
        for at, each in enumerate(released or [])
    ]
    return check(_write(folder, *files), releases, versions=versions)


def _codes(checked: Checked) -> list[str]:
    return [finding.code for finding in checked.findings]


@pytest.mark.parametrize(
    ("sql", "code"),
    [
        ("create index orders_note on orders (note)", "R0420"),
        ("create unique index orders_note on public.orders (note)", "R0420"),
        ("drop index orders_note", "R0420"),
        ("alter table orders add constraint o foreign key (id) references orders (id)", "R0420"),
        ("alter table orders add constraint c check (total > 0)", "R0420"),
        ("alter table orders add constraint u unique (note)", "R0420"),
        ("alter table orders alter column note set not null", "R0420"),
        ("alter table orders alter column total type bigint", "R0421"),
        ("alter table orders add column at timestamptz default clock_timestamp()", "R0421"),
        ("alter table orders add column at text not null", "R0425"),
        ("alter table orders drop column note", "R0422"),
        ("alter table only orders rename note to remark", "R0422"),
        ("alter table orders rename to sales", "R0422"),
        ("alter table orders set schema old", "R0422"),
        ("alter table orders alter column total drop default", "R0422"),
        ("drop table if exists orders cascade", "R0422"),
        ("drop view v", "R0422"),
        ("drop function f(int)", "R0422"),
        ("drop type mood", "R0422"),
        ("alter type mood rename value 'a' to 'b'", "R0422"),
        ("alter type mood add value if not exists 'sad'", "R0429"),
        ("update orders set total = 0", "R0426"),
        ("delete from orders", "R0426"),
        ("alter table orders add colum x text", "R0428"),
    ],
)
def test_found(tmp_path: Path, sql: str, code: str) -> None:
    """On a table that is there already: with its line, its lock and what to do instead."""
    checked = _check(tmp_path, BASE, f"-- what it is for\n\n{sql};\n")
    assert code in _codes(checked)
    finding = next(each for each in checked.findings if each.code == code)
    assert finding.location is not None
    assert (finding.location.file, finding.location.line) == (str(tmp_path / "0002_step.sql"), 3)
    assert finding.effect
    assert finding.help
    assert finding.found


@pytest.mark.parametrize(
    "sql",
    [
        "alter table orders add column remark text",
        "alter table orders add column remark text not null default ''",
        "alter table orders add column at timestamptz not null default now()",
        "alter table orders add constraint c check (total > 0) not valid",
        "alter table orders validate constraint c",
        "create table lines (id bigint references orders (id)); create index lines_id on lines (id)",
        "-- rung: no transaction\ncreate index concurrently if not exists orders_note on orders (note)",
        "create or replace function f(a int) returns int language sql as $$ select 1; drop table orders; $$",
        "update orders set total = 0 where total is null",
        "insert into orders (id) values (1)",
        "create policy p on orders using (true)",
        "comment on table orders is 'drop table orders'",
    ],
)
def test_safe(tmp_path: Path, sql: str) -> None:
    assert _codes(_check(tmp_path, BASE, sql + ";\n")) == []


def test_new_tables_have_no_rows_and_no_readers(tmp_path: Path) -> None:
    """In the same file always; in another file as long as neither is released."""
    change = 'create index o on orders (note);\nalter table "orders" drop column note;\n'
    assert _codes(_check(tmp_path, BASE + change)) == []
    other = "create table other (id bigint);\n"
    assert _codes(_check(tmp_path, other, BASE, change, released=[{1}])) == []
    assert _codes(_check(tmp_path, other, BASE, change, released=[{1, 2}])) == ["R0420", "R0422"]
    assert _codes(_check(tmp_path, other, BASE, change, released=[{1, 2, 3}])) == []


@pytest.mark.parametrize(
    ("released", "versions", "codes"),
    [
        ([{1, 2}], 1, []),
        ([{1}], 1, ["R0423"]),
        ([{1, 2}], 2, ["R0423"]),
        ([{1, 2}, {1}], 2, ["R0423"]),
        ([{1, 2}, {1, 2}], 2, []),
        ([{1, 2}, {1}], 1, []),
        ([], 1, []),
    ],
)
def test_contract_after_so_many_releases(
    tmp_path: Path, released: list[set[int]], versions: int, codes: list[str]
) -> None:
    """What 0002 made superfluous goes when every one of the last N releases had 0002."""
    expand = "-- phase: expand\nalter table orders add column remark text;\n"
    contract = "-- phase: contract after 0002\nalter table orders drop column note;\n"
    assert _codes(_check(tmp_path, BASE, expand, contract, released=released, versions=versions)) == codes


@pytest.mark.parametrize(
    "phase",
    ["contract", "contract after 2", "contract after 0009", "contract after 0003", "contract after 0004", "shrink",
     "expand\n-- phase: expand"],
)  # fmt: skip
def test_phase_that_cannot_be(tmp_path: Path, phase: str) -> None:
    """And what such a file takes away is found as if it said none."""
    files = [BASE, "select 1;\n", f"-- phase: {phase}\nalter table orders drop column note;\n"]
    assert _codes(_check(tmp_path, *files)) == ["R0424", "R0422"]


def test_contract_excuses_no_lock(tmp_path: Path) -> None:
    contract = (
        "-- phase: contract after 0001\nalter table orders drop column note;\ncreate index o on orders (id);\n"
    )
    assert _codes(_check(tmp_path, BASE, contract)) == ["R0420"]


def test_accepted_with_a_reason(tmp_path: Path) -> None:
    """Right above the statement, by its code; without a reason it is not accepted."""
    sql = "-- rung: accept {}\ncreate index o on orders (note);\n"
    checked = _check(tmp_path, BASE, sql.format("R0420: twelve rows"))
    assert (_codes(checked), checked.accepted) == ([], 1)
    for other in ("R0420", "R0421: twelve rows", "R0420: twelve rows\n\n"):
        assert _codes(_check(tmp_path, BASE, sql.format(other))) == ["R0420"]


def test_our_workloads_are_clean() -> None:
    """The shop's and track's own migrations, each file on top of those before it."""
    for directory in sorted(ROOT.glob("workloads/*/migrations")):
        assert _codes(check(directory, [])) == [], directory


def test_every_rule_says_everything() -> None:
    for name, rule in RULES.items():
        assert rule.message, name
        assert rule.effect, name
        assert rule.help, name


def _git(folder: Path, *words: str) -> None:
    names = ["-c", "user.name=x", "-c", "user.email=x@example.com", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", *names, "-C", str(folder), *words], check=True, capture_output=True, timeout=20)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Releases v1.9.0 with 0001 and v1.10.0 with 0001 and 0002; 0003 is new, another tag is no release."""
    _git(tmp_path, "init", "-q", "-b", "main")
    migrations = tmp_path / "app" / "migrations"
    migrations.mkdir(parents=True)
    steps = [BASE, "alter table orders add column remark text;\n", "alter table orders drop column note;\n"]
    for number, (text, tag) in enumerate(zip(steps, ("v1.9.0", "v1.10.0", "nightly"), strict=True), 1):
        (migrations / f"{number:04d}_step.sql").write_text(text)
        _git(tmp_path, "add", ".")
        _git(tmp_path, "commit", "-q", "-m", "step")
        _git(tmp_path, "tag", tag)
    return migrations


def test_releases_are_tags_in_the_order_of_versions(
    repository: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    found = releases_of(repository, count=5)
    assert [(release.name, set(release.numbers)) for release in found] == [("v1.10.0", {1, 2}), ("v1.9.0", {1})]
    assert release_at(repository, "nightly").numbers == {1, 2, 3}
    with pytest.raises(MachineError, match="R0427"):
        release_at(repository, "--upload-pack=x")
    assert releases_of(tmp_path_factory.mktemp("bare"), count=5) == []


def test_command(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Findings with their place, exit 1; JSON with the same; nothing new against a branch that has all."""
    assert main(["migrate", "check", str(repository)]) == 1
    told = capsys.readouterr().out
    assert "error[R0422]: a column is dropped" in told
    assert "0003_step.sql:1" in told
    assert "1 new migrations, 1 findings (released: v1.10.0)" in told
    assert main(["migrate", "check", str(repository), "--format", "json"]) == 1
    (finding,) = json.loads(capsys.readouterr().out)["findings"]
    assert (finding["code"], finding["location"]["line"]) == ("R0422", 1)
    assert main(["migrate", "check", str(repository), "--against", "nightly"]) == 0
    assert main(["migrate", "check", str(repository), "--against", "nowhere"]) == 1
    capsys.readouterr()
    assert main(["migrate", "check", str(ROOT / "workloads/shop/workload.py")]) == 0
    assert "migrations: 6 new migrations, 0 findings" in capsys.readouterr().out
    assert main(["migrate", "check"]) == 2
    assert main(["migrate", "a", "b"]) == 2
    assert main(["migrate", "check", str(repository), "--versions", "0"]) == 2


def test_without_squawk(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rung.migrations.linter.sys.executable", "/nowhere/python")
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(MachineError, match="R0427"):
        check(repository, [])
