"""What compose files and Copilot manifests have in common: commands, secrets by their names, health paths, sizes."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

from rung.delivery.dockerfile import stages

_SECRET = re.compile(
    r"PASSWORD|PASSWD|SECRET|TOKEN|API_?KEY|ACCESS_?KEY|PRIVATE_?KEY|CREDENTIAL|(?:^|_)DSN$|_KEY$"
)
_ASKED = re.compile(r"https?://[^/\s'\"]+(/[^\s'\"|;&)\\]*)")
_SIZES = {
    "b": 1 / 2**20,
    "k": 1 / 1024,
    "kb": 1 / 1024,
    "m": 1,
    "mb": 1,
    "mib": 1,
    "g": 1024,
    "gb": 1024,
    "gib": 1024,
}


def is_secret(variable: str) -> bool:
    """Whether a variable of this name holds something that only its readers may see."""
    name = variable.upper()
    return bool(_SECRET.search(name)) and not name.endswith(("_FILE", "_PATH", "_ID", "_URL", "_NAME", "_HOST"))


def health_path(texts: object) -> str | None:
    """The path that a health check asks, when it asks one by HTTP."""
    words = (
        texts
        if isinstance(texts, str)
        else " ".join(str(each) for each in texts)
        if isinstance(texts, list)
        else ""
    )
    found = _ASKED.search(words)
    return found[1] if found else None


def mebibytes(value: object) -> int | None:
    """`512m`, `1.5g`, or bytes: whole MiB, at least 1."""
    found = re.fullmatch(r"\s*([\d.]+)\s*([a-zA-Z]*)\s*", str(value))
    if not found or found[1].count(".") > 1 or found[1] == ".":
        return None
    unit = found[2].lower() or "b"
    return max(1, round(float(found[1]) * _SIZES[unit])) if unit in _SIZES else None


def command_text(*parts: object) -> str:
    """Entry point and command as one line; an empty text when there is none that can be read."""
    words: list[str] = []
    for part in parts:
        if isinstance(part, list):
            words.append(shlex.join(str(each) for each in part))
        elif part not in (None, ""):
            words.append(" ".join(str(part).split()))
    text = " ".join(words)
    try:
        return text if any(shlex.split(text)) else ""
    except ValueError:  # a quotation that nobody closed: no shell would start it either
        return ""


def dockerfile_command(folder: Path, dockerfile: str) -> str:
    """What the image starts when nobody says otherwise, when the Dockerfile can be read."""
    file = folder / dockerfile
    if not file.is_file():
        return ""
    found = stages(file.read_text(encoding="utf-8", errors="replace"), str(file))
    if not found:
        return ""
    last = {name: list(found[-1].of(name))[-1:] for name in ("ENTRYPOINT", "CMD")}
    parts = [list(each.listed) if each.listed is not None else each.text for name in last for each in last[name]]
    return command_text(*parts)


def exposed_port(folder: Path, dockerfile: str) -> int | None:
    """The port that the Dockerfile says it listens on."""
    file = folder / dockerfile
    if not file.is_file():
        return None
    for stage in stages(file.read_text(encoding="utf-8", errors="replace"), str(file))[-1:]:
        for each in stage.of("EXPOSE"):
            number = each.text.split("/")[0].split()[0] if each.text else ""
            if number.isdigit():
                return int(number)
    return None
