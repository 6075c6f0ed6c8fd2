"""Our own law: what reviewers would otherwise repeat. New sins fail; old ones are counted and only shrink."""

from __future__ import annotations

import ast
import re
from collections import Counter
from pathlib import Path

import pytest
from tests.tidy import ratchet
from tests.tidy.rules import (
    ROOT,
    functions_of,
    imports_of,
    inside,
    module_name,
    name_of,
    outside_of_loops,
    public_definitions,
    python_files,
    tracked,
    tree_of,
)  # fmt: skip

LONGEST_FUNCTION = 70
LONGEST_MODULE = 500
OURS = ("src/", "tests/", "workloads/", "benchmarks/", "scripts/")
UNFINISHED = re.compile(r"\b(?:TODO|FIXME|XXX)\b|not implemented")
REFUSAL = re.compile(r"raise NotImplementedError")
CODE = re.compile(r"""["'](R(?:0[1-9]|1\d)\d\d)["']""")
SECTIONS = ("## What happened", "## Why it matters", "## How to mend it")


def compare(found: dict[str, int], allowed: dict[str, int], rule: str) -> None:
    """Fail on what is new or has grown, and on entries of the ratchet that are no longer true."""
    worse = {key: value for key, value in found.items() if value > allowed.get(key, 0)}
    assert not worse, f"{rule}: {worse}"
    better = {key: (value, found.get(key, 0)) for key, value in allowed.items() if found.get(key, 0) < value}
    assert not better, f"well done: lower these entries of tests/tidy/ratchet.py to what is true now: {better}"


def test_functions_are_short() -> None:
    lengths = {
        f"{name_of(file)}:{name}": (node.end_lineno or 0) - node.lineno + 1
        for file in python_files("src/", "workloads/", "benchmarks/")
        for name, node in functions_of(file)
    }
    long = {name: length for name, length in lengths.items() if length > LONGEST_FUNCTION}
    compare(long, ratchet.LONG_FUNCTIONS, f"functions over {LONGEST_FUNCTION} lines")


def test_typical_functions_are_very_short() -> None:
    lengths = sorted(
        (node.end_lineno or 0) - node.lineno + 1 for file in python_files("src/") for _, node in functions_of(file)
    )
    assert lengths[len(lengths) // 2] <= 10
    assert lengths[len(lengths) * 9 // 10] <= 30


def test_modules_are_short() -> None:
    lengths = {name_of(file): len(file.read_text().splitlines()) for file in python_files(*OURS)}
    long = {name: length for name, length in lengths.items() if length > LONGEST_MODULE}
    compare(long, ratchet.LONG_MODULES, f"modules over {LONGEST_MODULE} lines")


def test_nothing_is_left_for_later() -> None:
    places = [
        f"{name_of(file)}:{number}"
        for file in tracked(".py", ".md", ".sql", ".js", ".css", ".html", ".toml", "Makefile")
        if "tidy" not in inside(file)
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1)
        if UNFINISHED.search(line) or (REFUSAL.search(line) and "tests" not in inside(file))  # fakes may refuse
    ]
    assert not places, "finish it, or leave it out"


def test_modules_are_named_after_what_they_hold() -> None:
    vague = {"util", "utils", "helper", "helpers", "misc", "common", "stuff"}
    names = [name_of(file) for file in python_files(*OURS) if file.stem in vague or len(file.stem) <= 2]
    assert not names


def test_public_names_have_docstrings() -> None:
    missing = Counter(
        name_of(file)
        for file in python_files("src/")
        for name, node in public_definitions(file)
        if "test_" not in name  # a test's name is its sentence
        if not ast.get_docstring(node) and not _is_overload(node)
    )
    compare(dict(missing), ratchet.UNDOCUMENTED, "public names without a docstring")


@pytest.mark.parametrize("folder", ["src/", "tests/", "benchmarks/"])
def test_modules_say_what_they_are_for(folder: str) -> None:
    silent = [
        name_of(file)
        for file in python_files(folder)
        if file.read_text().strip() and not ast.get_docstring(tree_of(file))
    ]
    assert not silent


def test_tests_do_not_sleep() -> None:
    sleeps = Counter(
        name_of(file)
        for file in python_files("tests/")
        if file.name.startswith("test_")  # the programs that tests start may take their time,
        if "faults" not in inside(file)  # and an outage lasts as long as its catalogue says
        for node in outside_of_loops(tree_of(file))  # in a loop it polls for what a real process must do
        if isinstance(node, ast.Call)
        and _called(node) == "sleep"
        and not _is_zero(node)
        and not _is_of_a_workflow(node)
    )
    compare(dict(sleeps), ratchet.SLEEPS, "sleeps in tests (inject a clock, or poll for what must happen)")


def test_every_code_has_a_page_and_every_page_a_code() -> None:
    codes = {code for file in python_files("src/", "workloads/") for code in CODE.findall(file.read_text())}
    pages = {file.stem for file in tracked(".md") if name_of(file).startswith("docs/errors/R")}
    assert codes - pages <= ratchet.PAGES_OWED, "write docs/errors/<code>.md"
    assert not pages - codes, "pages of codes that nothing reports"


def test_every_page_tells_what_why_and_how() -> None:
    for file in tracked(".md"):
        if name_of(file).startswith("docs/errors/R"):
            text = file.read_text()
            assert text.startswith(f"# {file.stem}: "), name_of(file)
            positions = [text.find(section) for section in SECTIONS]
            assert -1 < positions[0] < positions[1] < positions[2], name_of(file)
            assert "```" in text, f"{name_of(file)} has no example"
            assert len(text) > 350, f"{name_of(file)} explains too little"


def test_every_document_has_a_title() -> None:
    untitled = [name_of(file) for file in tracked(".md") if not file.read_text().startswith("# ")]
    assert not untitled


def test_links_between_documents_lead_somewhere() -> None:
    broken = [
        f"{name_of(file)} -> {target}"
        for file in tracked(".md")
        if "templates" not in file.parts  # their links lead somewhere in the project that is generated
        for target in re.findall(r"\]\((?!https?:|mailto:|#)([^)#\s]+)", file.read_text())
        if not (file.parent / target).exists()
    ]
    assert set(broken) <= ratchet.LINKS_OWED


def test_no_module_is_dead() -> None:
    users = {file: imports_of(file) for file in python_files("src/", "workloads/", "benchmarks/", "scripts/")}
    dead = [
        module_name(file)
        for file in python_files("src/rung/")
        if not _is_entrance(file) and not any(_uses(names, file) for user, names in users.items() if user != file)
    ]
    assert not dead, "nothing imports it: delete it, or use it"


def test_the_ratchet_names_files_that_exist() -> None:
    entries = {*ratchet.LONG_MODULES, *ratchet.SLEEPS, *ratchet.UNDOCUMENTED}
    assert not [entry for entry in entries if not (ROOT / entry).is_file()]


def _called(node: ast.Call) -> str:
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


def _is_of_a_workflow(node: ast.Call) -> bool:
    """`context.sleep(60)` of a workflow gives the run back, or passes at once on a test's clock."""
    receiver = node.func.value if isinstance(node.func, ast.Attribute) else None
    return isinstance(receiver, ast.Name) and receiver.id in ("context", "inner")


def _is_zero(node: ast.Call) -> bool:
    """`sleep(0)` waits for no time: it lets other tasks run."""
    return bool(node.args) and isinstance(node.args[0], ast.Constant) and node.args[0].value == 0


def _is_overload(node: ast.AST) -> bool:
    decorators = getattr(node, "decorator_list", [])
    return any(getattr(decorator, "id", getattr(decorator, "attr", "")) == "overload" for decorator in decorators)


def _is_entrance(file: Path) -> bool:
    """What is reached without an import: packages, programs, handlers, and the test kit that users import."""
    return file.stem in ("__init__", "__main__") or module_name(file).startswith(
        ("rung.cli.main", "rung.testing.", "rung.runtime.webhooks.deliver")
    )


def _uses(names: set[str], file: Path) -> bool:
    return module_name(file) in names or file.name in names
