"""YAML files with the line of every key: what cannot be carried over is reported where it stands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rung.errors import Finding, Location, MachineError, ModelError


@dataclass(frozen=True, slots=True, kw_only=True)
class Yaml:
    """The content of a file, and where each key stands."""

    file: str
    content: Mapping[str, Any]
    lines: Mapping[tuple[str, ...], int] = field(default_factory=dict)
    texts: tuple[str, ...] = ()

    def location(self, *path: object) -> Location:
        """The line of a key, or of the nearest key above it that has one."""
        keys = tuple(str(each) for each in path)
        while keys and keys not in self.lines:
            keys = keys[:-1]
        line = self.lines.get(keys, 1)
        text = self.texts[line - 1].strip() if line <= len(self.texts) else ""
        return Location(file=self.file, line=line, text=text if ":" in text and not text.partition(":")[2].strip() else
                        text.partition(":")[0] + ":")  # fmt: skip


def read_yaml(file: Path) -> Yaml:
    """Read one file. Raises ModelError (R1051) when it is no YAML mapping, MachineError without PyYAML."""
    try:
        import yaml
    except ImportError:
        raise MachineError(
            Finding(
                code="R1051", severity="error", message="PyYAML is not installed", found="no module yaml",
                help="pip install 'rung[import]'",
            )
        ) from None  # fmt: skip
    try:
        text = file.read_text(encoding="utf-8")
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        content = yaml.safe_load(text)
    except (OSError, UnicodeDecodeError, yaml.YAMLError, ValueError, RecursionError) as error:
        raise ModelError(_unreadable(file, error)) from None
    if not isinstance(content, dict):
        raise ModelError(_unreadable(file, "it is not a mapping of names to values"))
    lines: dict[tuple[str, ...], int] = {}
    _walk(node, (), lines, 0)
    return Yaml(file=str(file), content=content, lines=lines, texts=tuple(text.splitlines()))


def _walk(node: Any, path: tuple[str, ...], lines: dict[tuple[str, ...], int], depth: int) -> None:
    if getattr(node, "id", "") != "mapping" or depth > 12:
        return
    for key, value in node.value:
        inner = (*path, str(key.value))
        lines.setdefault(inner, key.start_mark.line + 1)
        _walk(value, inner, lines, depth + 1)


def _unreadable(file: Path, error: object) -> Finding:
    mark = getattr(error, "problem_mark", None)
    reason = getattr(error, "problem", None) or getattr(error, "strerror", None) or str(error).split("\n")[0]
    line = mark.line + 1 if mark is not None else 1
    return Finding(
        code="R1051", severity="error", message=f"{file.name} cannot be read: {reason}",
        location=Location(file=str(file), line=line), help="mend the file, or name another",
    )  # fmt: skip


def mapping(value: object) -> dict[str, Any]:
    """A mapping, or an empty one for whatever else stands there."""
    return {str(key): item for key, item in value.items()} if isinstance(value, dict) else {}


def listing(value: object) -> list[Any]:
    """A list; a single value is a list of one, nothing is an empty one."""
    if isinstance(value, list):
        return value
    return [] if value is None or isinstance(value, dict) else [value]
