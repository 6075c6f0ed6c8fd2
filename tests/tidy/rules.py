"""What the tidy tests look at: the files of the repository, parsed once."""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
Function = ast.FunctionDef | ast.AsyncFunctionDef


@cache
def tracked(*suffixes: str) -> tuple[Path, ...]:
    """Every file of the repository with one of the suffixes, whether committed or about to be."""
    command = ["git", "-C", str(ROOT), "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    files = (ROOT / name for name in listed if name.endswith(suffixes))
    return tuple(sorted(file for file in files if file.is_file()))


def python_files(*folders: str) -> tuple[Path, ...]:
    """The Python files below the folders."""
    return tuple(file for file in tracked(".py") if name_of(file).startswith(folders))


@cache
def tree_of(file: Path) -> ast.Module:
    """The syntax tree of one file."""
    return ast.parse(file.read_text(encoding="utf-8"))


def name_of(file: Path) -> str:
    """The file as it is written in the ratchet: relative to the repository."""
    return file.relative_to(ROOT).as_posix()


def inside(file: Path) -> tuple[str, ...]:
    """The folders and the name of the file within the repository: a checkout may lie in a folder of any name."""
    return file.relative_to(ROOT).parts


def functions_of(file: Path) -> Iterator[tuple[str, Function]]:
    """Every function of a file with its qualified name, inner ones included."""
    yield from _functions(tree_of(file), "")


def public_definitions(file: Path) -> Iterator[tuple[str, Function | ast.ClassDef]]:
    """Public classes and functions of a module, and public methods of its public classes."""
    for node in tree_of(file).body:
        if isinstance(node, Function | ast.ClassDef) and not node.name.startswith("_"):
            yield node.name, node
            if isinstance(node, ast.ClassDef):
                for inner in node.body:
                    if isinstance(inner, Function) and not inner.name.startswith("_"):
                        yield f"{node.name}.{inner.name}", inner


def imports_of(file: Path) -> set[str]:
    """Every module that the file imports, starts or names: `from a import b` gives `a` and `a.b`."""
    found: set[str] = set()
    for node in ast.walk(tree_of(file)):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
            found.update(f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Constant) and re.match(r"rung\.|.*\.py\Z", str(node.value)):
            found.add(str(node.value).partition(":")[0])
    return found


def outside_of_loops(node: ast.AST) -> Iterator[ast.AST]:
    """Every node of the tree that no `while` or `for` repeats."""
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, ast.While | ast.For | ast.AsyncFor):
            yield child
            yield from outside_of_loops(child)


def module_name(file: Path) -> str:
    """`src/rung/model/graph.py` is `rung.model.graph`."""
    parts = file.relative_to(ROOT / "src").with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


def _functions(node: ast.AST, prefix: str) -> Iterator[tuple[str, Function]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, Function):
            yield f"{prefix}{child.name}", child
        inner = f"{prefix}{child.name}." if isinstance(child, Function | ast.ClassDef) else prefix
        yield from _functions(child, inner)
