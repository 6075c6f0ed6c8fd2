"""A Dockerfile as a list of instructions, in stages: as much of the grammar as the findings need."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from rung.errors import Location

_HEREDOC = re.compile(r"<<-?\s*['\"]?(\w+)['\"]?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Instruction:
    """One instruction: `FROM`, what follows it on one line, and where it begins."""

    name: str
    text: str
    location: Location

    @property
    def words(self) -> tuple[str, ...]:
        """What it says as separate words: the JSON list of the exec form, else split at white space."""
        listed = self.listed
        return tuple(self.text.split()) if listed is None else listed

    @property
    def listed(self) -> tuple[str, ...] | None:
        """The exec form, `["python", "-m", "app"]`; None when it is the shell's."""
        text = self.text.strip()
        if not text.startswith("["):
            return None
        try:
            items = json.loads(text)
        except json.JSONDecodeError:
            return None
        return tuple(str(item) for item in items) if isinstance(items, list) else None


@dataclass(slots=True, kw_only=True)
class Stage:
    """One `FROM` and what follows it. `base` is the image, with the arguments before the first FROM filled in."""

    base: str
    alias: str | None
    origin: Instruction
    instructions: list[Instruction] = field(default_factory=list)

    def of(self, *names: str) -> Iterator[Instruction]:
        """The instructions of these names, in order."""
        return (each for each in self.instructions if each.name in names)


def stages(text: str, path: str) -> list[Stage]:
    """The stages of a Dockerfile. A file without FROM has none."""
    found: list[Stage] = []
    arguments: dict[str, str] = {}
    for instruction in _instructions(text, path):
        if instruction.name == "FROM":
            found.append(_stage(instruction, arguments))
        elif found:
            found[-1].instructions.append(instruction)
        elif instruction.name == "ARG":
            name, _, value = instruction.text.partition("=")
            arguments[name.strip()] = value.strip().strip("\"'")
    return found


def lineage(every: list[Stage], stage: Stage) -> list[Stage]:
    """The stage and those it is built on (`FROM build`), the stage itself first."""
    line, aliases = [stage], {each.alias: each for each in every if each.alias}
    while (parent := aliases.get(line[-1].base.lower())) is not None and parent not in line:
        line.append(parent)
    return line


def _stage(instruction: Instruction, arguments: dict[str, str]) -> Stage:
    words = [word for word in instruction.text.split() if not word.startswith("--")]
    base = re.sub(
        r"\$\{?(\w+)(?::-([^}]*))?\}?", lambda name: arguments.get(name[1]) or name[2] or name[0], words[0]
    )
    alias = words[2].lower() if len(words) > 2 and words[1].upper() == "AS" else None
    return Stage(base=base, alias=alias, origin=instruction)


def _instructions(text: str, path: str) -> Iterator[Instruction]:
    lines = iter(enumerate(text.splitlines(), 1))
    for number, line in lines:
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        location = Location(file=path, line=number, text=_without_values(line.strip()))
        whole = line.strip()
        while whole.endswith("\\"):
            _, following = next(lines, (0, ""))
            whole = whole[:-1] + ("" if following.lstrip().startswith("#") else " " + following.strip())
            if following.lstrip().startswith("#"):
                whole += "\\"
        _skip_heredoc(whole, lines)
        name, _, rest = whole.partition(" ")
        yield Instruction(name=name.upper(), text=rest.strip(), location=location)


def _skip_heredoc(text: str, lines: Iterator[tuple[int, str]]) -> None:
    match = _HEREDOC.search(text)
    if match is not None and text.split(" ", 1)[0].upper() in ("RUN", "COPY", "ADD"):
        for _, line in lines:
            if line.strip() == match[1]:
                return


def _without_values(line: str) -> str:
    """The line as it may be shown: what ENV and ARG set can be a secret."""
    if line.upper().startswith(("ENV ", "ARG ")):
        return re.sub(r"^(\w+\s+\w+)(\s*=|\s).*", r"\1\2…", line)
    return line
