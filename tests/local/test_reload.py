"""What a changed file concerns is read from imports; a broken change keeps what runs and says why."""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.local.dev import Dev, copy_sample, running

from rung.local.reload import Change, affected, is_watched, kind_of, reachable
from rung.local.reloader import watch
from rung.local.specification import Listening, ProcessSpec


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    sources = {
        "shop/__init__.py": "",
        "shop/api.py": "from shop import carts\nfrom shop.money import euros\nimport json\n",
        "shop/carts.py": "from . import storage\n",
        "shop/storage/__init__.py": "from .tables import orders\n",
        "shop/storage/tables.py": "orders = 1\n",
        "shop/money.py": "def euros(): ...\n",
        "shop/fulfil.py": "import shop.money\n",
        "shop/broken.py": "def (",
        "tests/test_api.py": "import shop.api\n",
    }
    for name, text in sources.items():
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return tmp_path.resolve()


def spec(name: str, *entries: str) -> ProcessSpec:
    return ProcessSpec(name=name, kind="service", command=("x",), entries=entries, ready=Listening(port=1))


def names(folder: Path, *changed: str) -> set[str]:
    specs = [spec("api", "shop.api:app"), spec("fulfil", "shop.fulfil:handle"), spec("command")]
    return {each.name for each in affected(specs, [folder / name for name in changed], folder)}


def test_imports_are_followed_through_packages_and_relative_ones(folder: Path) -> None:
    found = {str(file.relative_to(folder)) for file in reachable(["shop.api:app"], folder)}
    assert found == {
        "shop/__init__.py", "shop/api.py", "shop/carts.py", "shop/money.py",
        "shop/storage/__init__.py", "shop/storage/tables.py",
    }  # fmt: skip


def test_only_the_processes_that_import_a_file_are_concerned(folder: Path) -> None:
    assert names(folder, "shop/carts.py") == {"api", "command"}
    assert names(folder, "shop/storage/tables.py") == {"api", "command"}
    assert names(folder, "shop/fulfil.py") == {"fulfil", "command"}
    assert names(folder, "shop/money.py") == {"api", "fulfil", "command"}
    assert names(folder, "shop/__init__.py") == {"api", "fulfil", "command"}


def test_a_test_concerns_nobody(folder: Path) -> None:
    assert names(folder, "tests/test_api.py") == set()


def test_a_broken_file_concerns_whoever_names_it(folder: Path) -> None:
    specs = [spec("broken", "shop.broken:app")]
    assert affected(specs, [folder / "shop/broken.py"], folder) == tuple(specs)


def test_files_are_told_apart(folder: Path) -> None:
    workload, migrations = folder / "workload.py", [folder / "migrations"]
    assert kind_of(workload, workload, migrations) is Change.WORKLOAD
    assert kind_of(folder / "migrations/0001_a.sql", workload, migrations) is Change.MIGRATION
    assert kind_of(folder / "shop/api.py", workload, migrations) is Change.CODE
    assert kind_of(folder / "report.sql", workload, migrations) is Change.NOTHING
    assert not is_watched(folder / ".rung/postgres/x.py", folder)
    assert not is_watched(folder / "web/app.js", folder)


async def test_the_watch_sees_changes_and_new_folders_and_what_is_in_them(folder: Path) -> None:
    changes = watch(folder)
    try:
        await _seen(changes, folder / "shop/api.py")
        (folder / "fresh").mkdir()
        await _seen(changes, folder / "fresh/module.py")
    finally:
        await changes.aclose()  # type: ignore[attr-defined]


async def _seen(changes: AsyncIterator[set[Path]], file: Path) -> None:
    """Change the file until the watch says so: the kernel does not say when a watch is set."""
    pending = asyncio.ensure_future(anext(changes))
    async with asyncio.timeout(20):
        while True:
            file.write_text(f"changed = {time.monotonic()}\n")  # noqa: ASYNC240 - a test
            done, _ = await asyncio.wait((pending,), timeout=0.5)
            if done:
                if file in pending.result():
                    return
                pending = asyncio.ensure_future(anext(changes))


@pytest.mark.timeout(120)
@pytest.mark.xdist_group("rung-dev")
def test_changes_while_everything_runs(tmp_path: Path) -> None:
    with running(copy_sample(tmp_path)) as dev:
        dev.eventually("/api/notes", lambda notes: notes == ["seeded"])
        _changed_code(dev)
        _broken_code(dev)
        _changed_workload(dev)
        _broken_workload(dev)
        _new_migration(dev)


def _changed_code(dev: Dev) -> None:
    pids = {each.pid for each in dev.tree() if "rung.runtime.worker" in each.cmdline()}
    _edit(dev, "sample/api.py", 'VERSION = "one"', 'VERSION = "two"')
    dev.eventually("/api/bindings", lambda body: isinstance(body, dict) and body["version"] == "two")
    line = dev.until(lambda line: line["event"] == "reloading")
    assert line["changed"] == ["sample/api.py"]
    assert set(line["processes"]) == {"gateway", "plain"}  # the plain program may import anything
    assert {each.pid for each in dev.tree() if "rung.runtime.worker" in each.cmdline()} == pids


def _broken_code(dev: Dev) -> None:
    _edit(dev, "sample/api.py", "VERSION = ", "VERSION = nothing_of_that_name + ")
    line = dev.until(lambda line: line["event"].startswith("not reloaded"))
    (finding,) = line["findings"]
    assert finding["code"] == "R0307"
    assert finding["location"]["text"].startswith('api = sample.service("api"')
    assert "nothing_of_that_name" in finding["found"]
    assert finding["related"][0]["file"] == "sample/api.py"
    assert dev.get("/api/bindings")[1]["version"] == "two"
    _edit(dev, "sample/api.py", "nothing_of_that_name + ", "")


def _changed_workload(dev: Dev) -> None:
    _edit(dev, "workload.py", 'sample.route("/plain/*", plain)', 'sample.route("/renamed/*", plain)')
    dev.eventually("/renamed/", lambda body: isinstance(body, list))


def _broken_workload(dev: Dev) -> None:
    _edit(dev, "workload.py", "sample.notify(", "sample.notfy(")
    dev.until(lambda line: line["event"].startswith("not reloaded") and line["findings"][0]["code"] != "R0307")
    assert dev.get("/renamed/")[0] == 200
    _edit(dev, "workload.py", "sample.notfy(", "sample.notify(")


def _new_migration(dev: Dev) -> None:
    (dev.folder / "migrations/0002_more.sql").write_text("insert into note (text) values ('from 0002');\n")
    dev.eventually("/api/notes", lambda notes: "from 0002" in notes)


def _edit(dev: Dev, name: str, old: str, new: str) -> None:
    """Replace the file as editors do: a new file takes its name."""
    file = dev.folder / name
    draft = file.with_suffix(".draft")
    draft.write_text(file.read_text().replace(old, new))
    shutil.move(draft, file)
