"""The modules that a root is composed of: their texts, their variables, and which of them belong together."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).with_name("modules")
#: What a copy of a module leaves behind: its proofs stay with us.
_LEFT_OUT = ("tests", "examples", "testing", ".terraform", ".terraform.lock.hcl")
_VARIABLE = re.compile(r'^variable "([a-z0-9_]+)" \{\n(.*?)^\}', re.MULTILINE | re.DOTALL)
_DEFAULT = re.compile(r"^  default\s*=\s*(.*)$", re.MULTILINE)
_SIBLING = re.compile(r'source\s*=\s*"\.\./([a-z0-9_]+)"')
_VERSION = re.compile(r"^# module version (\S+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable:
    """One variable of a module. `default` is the text of a default that fits on one line, else None."""

    name: str
    required: bool
    default: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """One module at one version: what modules.lock.json says about it."""

    name: str
    version: str
    sha256: str


@cache
def module_files(name: str) -> dict[str, str]:
    """The files of a module by relative path, without its tests and examples. Raises KeyError for no module."""
    folder = FOLDER / name
    if not (folder / "main.tf").is_file():
        raise KeyError(name)
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    kept = [path for path in paths if not set(path.relative_to(folder).parts) & set(_LEFT_OUT)]
    return {path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8") for path in kept}


def whole_module(name: str) -> dict[str, str]:
    """Every file of a module, with its tests and examples: for those who keep it without us."""
    folder = FOLDER / name
    paths = sorted(path for path in folder.rglob("*") if path.is_file() and ".terraform" not in str(path))
    return {path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8") for path in paths}


def module_names() -> tuple[str, ...]:
    """Every module there is, sorted."""
    return tuple(sorted(path.parent.name for path in FOLDER.glob("*/main.tf")))


@cache
def variables_of(name: str) -> dict[str, Variable]:
    """The variables of a module by name, in the order of its variables.tf."""
    text = module_files(name)["variables.tf"]
    return {variable: _variable(variable, body) for variable, body in _VARIABLE.findall(text)}


def with_siblings(names: tuple[str, ...]) -> tuple[str, ...]:
    """The modules and those that they call in turn, sorted."""
    found: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += _SIBLING.findall(module_files(name)["main.tf"])
    return tuple(sorted(found))


def release_of(name: str) -> Release:
    """The version a module gives itself, and the hash of its files."""
    files = module_files(name)
    version = _VERSION.search(files.get("versions.tf", ""))
    digest = hashlib.sha256()
    for path, text in sorted(files.items()):
        digest.update(f"{path}\0{len(text)}\0{text}".encode())
    return Release(name=name, version=version[1] if version else "0.0.0", sha256=digest.hexdigest())


def _variable(name: str, body: str) -> Variable:
    default = _DEFAULT.search(body)
    single = default[1].strip() if default and not default[1].rstrip().endswith(("{", "[", "(")) else None
    return Variable(name=name, required=default is None, default=single)
