"""A workload file is executed alone, and whatever is wrong with it reads as a finding with its line."""

from __future__ import annotations

import sys
from pathlib import Path
from textwrap import dedent

import pytest

from rung import Queue, load_workload
from rung.errors import Finding, ModelError

HEAD = 'from rung import Workload, Traffic\nshop = Workload("shop")\n'


def write(folder: Path, text: str, name: str = "workload.py") -> Path:
    file = folder / name
    file.write_text(dedent(text))
    return file


def findings_of(file: Path) -> tuple[Finding, ...]:
    with pytest.raises(ModelError) as caught:
        load_workload(file)
    return caught.value.findings


def test_a_good_file_gives_its_graph(tmp_path: Path) -> None:
    graph = load_workload(write(tmp_path, HEAD + 'orders = shop.queue("orders")\n'))
    assert graph.name == "shop"
    assert graph.of(Queue)[0].name == "orders"
    assert graph.root == str(tmp_path)
    place = graph.location("orders")
    assert place is not None
    assert (place.line, place.text) == (3, 'orders = shop.queue("orders")')


MISTAKES = [
    ("R0202", 'shop = Workload("shop"\nx = 1\n', 1, "not Python"),
    ("R0203", HEAD + "1 / 0\n", 3, "ZeroDivisionError"),
    ("R0203", HEAD + "raise SystemExit(3)\n", 3, "SystemExit"),
    ("R0203", HEAD + 'shop.service("api", uses=[db])\n', 3, "NameError"),
    ("R0203", HEAD + "import sqlalchemy_of_mine\n", 3, "ModuleNotFoundError"),
    ("R0203", HEAD + "def f():\n    f()\nf()\n", 4, "RecursionError"),
    ("R0203", HEAD + 'shop.traffic(Traffic(concurrent_users=1, think_time="slow"))\n', 3, "not a duration"),
    ("R0204", "x = 1\n", 1, "no workload"),
    ("R0205", HEAD + 'other = Workload("other")\n', 3, "2 workloads"),
    ("R0206", HEAD + 'shop.queue("orders", lane=("a",))\n', 3, 'did you mean "lanes"'),
    ("R0203", HEAD + 'shop.servce("api")\n', 3, 'did you mean "service"'),
    ("R0203", HEAD + 'shop.queue("orders").sned\n', 3, 'did you mean "send"'),
    ("R0206", HEAD + "shop.traffic(Traffic(users=1))\n", 3, "it takes concurrent_users, think_time"),
    ("R0206", HEAD + "shop.queue()\n", 3, "missing 1 required positional argument"),
    ("R0207", HEAD + 'shop.queue("orders", retention="long")\n', 3, "retention"),
    ("R0208", HEAD + 'shop.worker("w", handler="a:b", consumes="orders")\n', 3, "consumes"),
    ("R0212", HEAD + 'shop.postgres("db", migrations="migrate")\n', 3, "does not exist"),
]


@pytest.mark.parametrize(("code", "text", "line", "message"), MISTAKES)
def test_a_mistake_is_a_finding_with_its_line(
    tmp_path: Path, code: str, text: str, line: int, message: str
) -> None:
    finding = findings_of(write(tmp_path, text))[-1]
    assert finding.code == code
    assert message in f"{finding.message} {finding.found}"
    assert finding.location is not None
    assert finding.location.line == line


def test_mistakes_before_an_exception_are_reported_too(tmp_path: Path) -> None:
    text = HEAD + 'shop.queue("orders", retention="long")\nshop.nothing()\n'
    assert [finding.code for finding in findings_of(write(tmp_path, text))] == ["R0207", "R0203"]


def test_a_missing_file_names_its_neighbours(tmp_path: Path) -> None:
    write(tmp_path, HEAD, "shop.py")
    (finding,) = findings_of(tmp_path / "workload.py")
    assert finding.code == "R0201"
    assert "shop.py" in finding.found


@pytest.mark.parametrize("content", [b"\xff\xfe", b"x = '\xe9'"])
def test_a_file_that_is_no_text_is_refused(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "workload.py"
    file.write_bytes(content)
    assert findings_of(file)[0].code == "R0201"


def test_a_folder_is_no_workload_file(tmp_path: Path) -> None:
    assert "it is a folder" in findings_of(tmp_path)[0].message


def test_the_application_is_never_imported(tmp_path: Path) -> None:
    (tmp_path / "shop.py").write_text("raise SystemExit('imported')\n")
    graph = load_workload(write(tmp_path, HEAD + 'shop.service("api", app="shop:app")\n'))
    assert graph.nodes[0].name == "api"


def test_importing_the_application_is_refused(tmp_path: Path) -> None:
    (tmp_path / "store.py").write_text("PORT = 80\n")
    text = HEAD + 'import store\nshop.service("api", app="store:app", port=store.PORT)\n'
    (finding,) = findings_of(write(tmp_path, text))
    assert finding.code == "R0209"
    assert finding.location is not None
    assert finding.location.text == "import store"


def test_a_module_beside_the_file_serves_it_alone(tmp_path: Path) -> None:
    (tmp_path / "lane_names.py").write_text("LANES = ('a', 'b')\n")
    path_before = list(sys.path)
    text = HEAD + 'from lane_names import LANES\nshop.queue("orders", lanes=LANES)\n'
    assert load_workload(write(tmp_path, text)).of(Queue)[0].lanes == ("a", "b")
    (tmp_path / "lane_names.py").write_text("LANES = ('c',)\n")
    assert load_workload(write(tmp_path, text)).of(Queue)[0].lanes == ("c",)
    assert sys.path == path_before
    assert "lane_names" not in sys.modules
    assert not (tmp_path / "__pycache__").exists()


def test_what_the_file_prints_does_not_disturb_the_output(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    load_workload(write(tmp_path, HEAD + "print('hello')\n"))
    assert capsys.readouterr().out == ""


def test_tables_of_tenants_are_found_in_the_text_of_migrations(tmp_path: Path) -> None:
    (tmp_path / "migrations").mkdir()
    (tmp_path / "migrations" / "0001_first.sql").write_text(
        "-- create table ghost (tenant_id int);\n"
        "create table product (id int);\n"
        "CREATE TABLE IF NOT EXISTS invoice (\n  id int,\n  tenant_id uuid not null\n);\n"
    )
    (tmp_path / "migrations" / "0002_more.sql").write_text("alter table product add column tenant_id uuid;\n")
    graph = load_workload(write(tmp_path, HEAD + 'shop.postgres("db", migrations="migrations")\n'))
    assert [(column.table, column.column) for column in graph.tenant_columns] == [
        ("invoice", "tenant_id"),
        ("product", "tenant_id"),
    ]
    place = graph.tenant_columns[0].location
    assert place is not None
    assert (place.line, place.text) == (5, "tenant_id uuid not null")
