"""The merged log of `rung dev`: one stream from many processes, aligned and coloured, or JSON passed through.

Children print one JSON object per line (`rung.runtime.log`); whatever else they print becomes the `event` of
a line of its own, so that nothing is lost and every line of `--format json` is a JSON object.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from typing import IO, Any, Literal

import msgspec

from rung.errors import Finding, render

LogFormat = Literal["text", "json"]
Level = Literal["debug", "info", "warning", "error"]

_RESET = "\x1b[0m"
_NODE_COLOURS = ("36", "35", "34", "32", "96", "95", "94", "92")
_LEVEL_COLOURS = {"debug": "2", "info": "32", "warning": "33", "error": "31", "critical": "31;1"}
_OWN_COLUMNS = ("time", "level", "event", "node", "logger", "exception", "findings")
_CONTROL: dict[int, str | None] = dict.fromkeys((*range(32), 127)) | {9: "    ", 10: "\\n"}
_CONTROL_IN_BLOCKS = _CONTROL | {10: "\n"}


@dataclass(frozen=True, slots=True, kw_only=True)
class LogLine:
    """One line of one process. `fields` is what its JSON said; None when it was plain text.

    `block` is what a person reads below the line, where JSON has a field for it.
    """

    node: str
    text: bytes
    fields: Mapping[str, Any] | None = None
    block: str = ""


Emit = Callable[[LogLine], None]


def read_line(node: str, text: bytes) -> LogLine:
    """A line as a child printed it, without its line end."""
    fields = None
    if text.startswith(b"{"):
        try:
            decoded = msgspec.json.decode(text)
        except msgspec.DecodeError:
            decoded = None
        fields = decoded if isinstance(decoded, dict) and "event" in decoded else None
    return LogLine(node=node, text=text, fields=fields)


def own_line(event: str, *, level: Level = "info", node: str = "rung", **fields: object) -> LogLine:
    """A line that `rung dev` itself has to say."""
    content = {"time": _now(), "level": level, "event": event, "node": node, **fields}
    return LogLine(node=node, text=msgspec.json.encode(content), fields=content)


def finding_line(event: str, findings: Sequence[Finding], *, level: Level = "error") -> LogLine:
    """Findings that turned up while everything runs: whole for a person, as fields for a machine."""
    line = own_line(event, level=level, findings=[asdict(finding) for finding in findings])
    return replace(line, block="\n\n".join(render(finding) for finding in findings))


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def as_json(line: LogLine) -> bytes:
    """The line as one JSON object, without its line end. What already was one is passed through."""
    if line.fields is not None:
        return line.text if "node" in line.fields else msgspec.json.encode({**line.fields, "node": line.node})
    return own_line(line.text.decode(errors="replace"), node=line.node).text


@dataclass(slots=True)
class LogPrinter:
    """Writes lines to `stream`. Colour only where somebody looks at a terminal that has any."""

    format: LogFormat = "text"
    stream: IO[bytes] = field(default_factory=lambda: sys.stdout.buffer)
    colour: bool = False
    width: int = 8
    colours: dict[str, str] = field(default_factory=dict)

    def __call__(self, line: LogLine) -> None:
        """Write one line and flush it: a log that lags behind misleads."""
        content = as_json(line) if self.format == "json" else self.as_text(line).encode(errors="replace")
        try:
            self.stream.write(content + b"\n")
            self.stream.flush()
        except (BrokenPipeError, ValueError):
            return  # whoever read us is gone; we still have to stop our children in order

    def as_text(self, line: LogLine) -> str:
        """The line as a person reads it: time, node, level when it is not info, event, then key=value."""
        self.width = max(self.width, len(line.node))
        fields = line.fields or {}
        node = self._paint(f"{line.node:<{self.width}}", self._colour_of(line.node))
        clock = self._paint(_clock_time(fields.get("time")), "2")
        if line.fields is None:
            return f"{clock}  {node}  {line.text.decode(errors='replace').rstrip().translate(_CONTROL)}"
        level = str(fields.get("level", "info")).lower()
        shown = "" if level == "info" else self._paint(level.upper(), _LEVEL_COLOURS.get(level, "33")) + " "
        words = [f"{self._paint(key, '2')}={_value(value)}" for key, value in _details(fields)]
        head = f"{clock}  {node}  {shown}{' '.join([_plain(str(fields['event'])), *words])}"
        if line.block:
            return f"{head}\n{line.block.translate(_CONTROL_IN_BLOCKS)}"
        exception = fields.get("exception")
        return f"{head}\n{self._paint(str(exception).translate(_CONTROL_IN_BLOCKS), '31')}" if exception else head

    def _colour_of(self, node: str) -> str:
        family = node.partition(".")[0]
        return self.colours.setdefault(family, _NODE_COLOURS[len(self.colours) % len(_NODE_COLOURS)])

    def _paint(self, text: str, colour: str) -> str:
        return f"\x1b[{colour}m{text}{_RESET}" if self.colour else text


def wants_colour(stream: IO[bytes], environment: Mapping[str, str] | None = None) -> bool:
    """A terminal, and nobody said NO_COLOR (no-color.org) or TERM=dumb. FORCE_COLOR overrules."""
    variables = os.environ if environment is None else environment
    if variables.get("FORCE_COLOR"):
        return True
    return stream.isatty() and not variables.get("NO_COLOR") and variables.get("TERM") != "dumb"


def _details(fields: Mapping[str, Any]) -> list[tuple[str, Any]]:
    return [(key, value) for key, value in fields.items() if key not in _OWN_COLUMNS and value is not None]


def _clock_time(stamp: object) -> str:
    """The local wall time, to the millisecond: what a person compares with the clock on the wall."""
    try:
        moment = datetime.fromisoformat(str(stamp)) if stamp else datetime.now(UTC)
    except ValueError:
        moment = datetime.now(UTC)
    return moment.astimezone().strftime("%H:%M:%S.%f")[:-3]


def _value(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    if not isinstance(value, str):
        return _plain(msgspec.json.encode(value).decode())
    plain = _plain(value)
    return msgspec.json.encode(plain).decode() if not plain or " " in plain or '"' in plain else plain


def _plain(text: str) -> str:
    """Text without control characters: a logged value must not move the cursor or change the colour."""
    return text.translate(_CONTROL)
