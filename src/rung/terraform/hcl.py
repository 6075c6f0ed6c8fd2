"""HCL, written the way `terraform fmt` would leave it: aligned equals signs, two spaces, nothing else to decide.

Python values stand for themselves: str, int, float, bool, None, lists and dictionaries (in the order given).
`Raw` is an expression that is passed through, `Text` a string with expressions inside it, `Call` a function.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

#: A list or an object is written on one line while it fits in so many columns.
WIDTH = 130
INDENT = "  "
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*\Z")
_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}


@dataclass(frozen=True, slots=True)
class Raw:
    """An expression as HCL has it: `module.db.endpoint`."""

    text: str


@dataclass(frozen=True, slots=True)
class Text:
    """A string with expressions inside: `"https://${module.web.domain}/"`."""

    pieces: tuple[str | Raw, ...]


@dataclass(frozen=True, slots=True)
class Call:
    """A function and its arguments: `jsonencode({ ... })`."""

    function: str
    arguments: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Noted:
    """An item of a list or an object with a comment on the line before it."""

    note: str
    value: Expression


@dataclass(frozen=True, slots=True)
class Remarked:
    """An entry of an object with a comment behind it, on the same line."""

    value: Expression
    remark: str


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a table: on one line, however long."""

    value: Expression


Expression = (
    str | int | float | bool | None | Raw | Text | Call | Noted | Remarked | Row
    | Sequence["Expression"] | Mapping[str, "Expression"]
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A block with its labels, its attributes, then its inner blocks. `note` is the comment before it.

    `short`: its one attribute stands on the block's own line.
    """

    kind: str
    labels: tuple[str, ...] = ()
    attributes: Mapping[str, Expression]
    blocks: tuple[Block, ...] = ()
    note: str = ""
    short: bool = False


def document(blocks: Iterable[Block]) -> str:
    """The text of one file: the blocks in the order given, an empty line between two."""
    return "\n".join(_block(block, "") for block in blocks)


def expression(value: Expression) -> str:
    """One expression, as it would stand behind an attribute's name at the left margin."""
    return "\n".join(_lines(value, "", 0))


def quoted(text: str) -> str:
    """A string literal: what would end it or begin an expression is escaped."""
    return f'"{_escaped(text)}"'


def _block(block: Block, indent: str) -> str:
    labels = "".join(f" {quoted(label)}" for label in block.labels)
    lines = [f"{indent}# {line}" for line in block.note.splitlines()]
    head = f"{indent}{block.kind}{labels} {{"
    if not block.attributes and not block.blocks:
        return "\n".join([*lines, f"{head}}}"]) + "\n"
    if block.short:
        return "\n".join([*lines, f"{head} {_assignments(block.attributes, '')[0]} }}"]) + "\n"
    inner = indent + INDENT
    body = ["\n".join(_assignments(block.attributes, inner))] if block.attributes else []
    for each in block.blocks:
        gap = "\n" if body and not each.short else ""
        body.append(gap + _block(each, inner).rstrip("\n"))
    return "\n".join([*lines, head, *body, f"{indent}}}"]) + "\n"


@dataclass(frozen=True, slots=True)
class _Assignment:
    """`name = value`, with the comments before it and the one behind it."""

    notes: list[str]
    name: str
    lines: list[str]
    remark: str


def _assignments(entries: Mapping[str, Expression], indent: str) -> list[str]:
    """`name = value` for every entry; the signs of neighbours that take one line each stand below each other."""
    rendered = [_assignment(name, value, indent) for name, value in entries.items()]
    result: list[str] = []
    for start, end in _runs(rendered):
        run = rendered[start:end]
        width = max(len(each.name) for each in run)
        column = max((len(each.lines[0]) for each in run if each.remark), default=0)
        for each in run:
            result += each.notes
            pad = width if len(each.lines) == 1 else 0
            first = f"{each.lines[0]:<{column}} # {each.remark}" if each.remark else each.lines[0]
            result += [f"{indent}{each.name:<{pad}} = {first}", *each.lines[1:]]
    return result


def _assignment(name: str, value: Expression, indent: str) -> _Assignment:
    key = _key(name)
    notes: list[str] = []
    while isinstance(value, Noted):
        notes += [f"{indent}# {line}" for line in value.note.splitlines()]
        value = value.value
    remark = value.remark if isinstance(value, Remarked) else ""
    if isinstance(value, Remarked):
        value = Row(value.value)
    return _Assignment(notes, key, _lines(value, indent, len(indent) + len(key) + 3), remark)


def _runs(rendered: Sequence[_Assignment]) -> Iterable[tuple[int, int]]:
    """The stretches that `terraform fmt` aligns: a value of several lines and a comment each end one."""
    start = 0
    for index, each in enumerate(rendered):
        if index > start and (each.notes or len(each.lines) > 1 or len(rendered[index - 1].lines) > 1):
            yield start, index
            start = index
    if rendered:
        yield start, len(rendered)


def _lines(value: Expression, indent: str, column: int) -> list[str]:
    """The lines of a value that begins in `column` of a line indented by `indent`: one while it fits."""
    if isinstance(value, Row):
        return [_line(value.value) or ""]
    line = _line(value)
    if line is not None and column + len(line) <= WIDTH:
        return [line]
    if isinstance(value, Mapping) and value:
        return ["{", *_assignments(value, indent + INDENT), f"{indent}}}"]
    if isinstance(value, Sequence) and not isinstance(value, str) and value:
        return ["[", *_items(value, indent + INDENT), f"{indent}]"]
    if isinstance(value, Call):
        return _call(value, indent, column)
    return [_line(value) or ""]


def _items(items: Sequence[Expression], indent: str) -> list[str]:
    if all(isinstance(item, str | int | float | Raw | None) for item in items):
        return _filled([f"{_line(item)}," for item in items], indent)
    result: list[str] = []
    for item in items:
        while isinstance(item, Noted):
            result += [f"{indent}# {line}" for line in item.note.splitlines()]
            item = item.value
        lines = _lines(item, indent, len(indent))
        result += [f"{indent}{lines[0]}", *lines[1:-1], f"{lines[-1]},"] if len(lines) > 1 else [
            f"{indent}{lines[0]},"
        ]  # fmt: skip
    return result


def _filled(words: Sequence[str], indent: str) -> list[str]:
    """Short items share lines as words do."""
    lines: list[str] = []
    for word in words:
        if lines and len(lines[-1]) + 1 + len(word) <= WIDTH:
            lines[-1] += f" {word}"
        else:
            lines.append(f"{indent}{word}")
    return lines


def _call(call: Call, indent: str, column: int) -> list[str]:
    """A call whose last argument opens on the call's own line: `jsonencode({`."""
    *first, last = call.arguments
    head = "".join(f"{_line(argument)}, " for argument in first)
    lines = _lines(last, indent, column + len(call.function) + len(head) + 1)
    return [f"{call.function}({head}{lines[0]}", *lines[1:-1], f"{lines[-1]})"] if len(lines) > 1 else [
        f"{call.function}({head}{lines[0]})"
    ]  # fmt: skip


def _line(value: Expression) -> str | None:
    """The value on one line, or None where a comment inside it needs lines of its own."""
    match value:
        case Noted() | Remarked() | Row():
            return None
        case Raw(text):
            return text
        case Text(pieces):
            return '"' + "".join(_piece(piece) for piece in pieces) + '"'
        case Call(function, arguments):
            return _joined(f"{function}(", (_line(argument) for argument in arguments), ")")
        case Mapping():
            return _joined("{ ", (_pair(name, each) for name, each in value.items()), " }") if value else "{}"
        case str():
            return quoted(value)
        case Sequence():
            return _joined("[", (_line(each) for each in value), "]")
        case _:
            return _scalar(value)


def _scalar(value: float | bool | None) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(int(value)) if value == int(value) else repr(value)


def _pair(name: str, value: Expression) -> str | None:
    line = _line(value)
    return None if line is None else f"{_key(name)} = {line}"


def _key(name: str) -> str:
    """The name of an entry. Outside of ASCII it is escaped: how wide a letter is, is a matter of opinion."""
    if _IDENTIFIER.match(name):
        return name
    return "".join(
        letter
        if letter.isascii()
        else f"\\u{ord(letter):04x}"
        if ord(letter) < 0x10000
        else f"\\U{ord(letter):08x}"
        for letter in quoted(name)
    )


def _joined(opening: str, parts: Iterable[str | None], closing: str) -> str | None:
    known = list(parts)
    return None if None in known else opening + ", ".join(part for part in known if part is not None) + closing


def _piece(piece: str | Raw) -> str:
    return f"${{{piece.text}}}" if isinstance(piece, Raw) else _escaped(piece)


def _escaped(text: str) -> str:
    escaped = "".join(_ESCAPES.get(letter) or _printable(letter) for letter in text)
    return escaped.replace("${", "$${").replace("%{", "%%{")


def _printable(letter: str) -> str:
    code = ord(letter)
    return f"\\u{code:04x}" if code < 0x20 or code in {0x7F, 0x85, 0x2028, 0x2029, 0xFEFF} else letter
