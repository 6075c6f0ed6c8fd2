"""As much of SQL's grammar as it takes to find the ends of statements and the words outside of quotes."""

from __future__ import annotations

import re
from dataclasses import dataclass

#: Everything whose content is not SQL: comments, strings, quoted names, dollar-quoted bodies.
_OPAQUE = re.compile(
    r"""--[^\n]*
      | /\*.*?\*/
      | \b[eE]'(?:[^'\\]|\\.|'')*'
      | '(?:[^']|'')*'
      | "(?:[^"]|"")*"
      | \$(?P<tag>[A-Za-z_]\w*|)\$.*?\$(?P=tag)\$""",
    re.DOTALL | re.VERBOSE,
)
_ATOMIC_BODY = re.compile(r"\bbegin\s+atomic\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement of a script; `offset` is that of its first character in the script."""

    offset: int
    text: str
    words: str  # the same with everything opaque blanked out


def blank(sql: str) -> str:
    """`sql` of the same length and lines, with comments, strings and quoted names as blanks."""
    return _OPAQUE.sub(lambda opaque: re.sub(r"[^\n]", " ", opaque[0]), sql)


def statements(script: str) -> list[Statement]:
    """The statements of a script, without their semicolons; comments between them belong to the next.

    A script with an SQL-standard function body (`begin atomic`) comes back whole: its semicolons do not end
    statements.
    """
    words = blank(script)
    if _ATOMIC_BODY.search(words):
        return [Statement(0, script, words)]
    found: list[Statement] = []
    start = 0
    for part in words.split(";"):
        lead = len(part) - len(part.lstrip())
        if part.strip():
            begin, end = start + lead, start + len(part)
            found.append(Statement(begin, script[begin:end], words[begin:end]))
        start += len(part) + 1
    return found


def line_of(text: str, offset: int) -> int:
    """The line, from 1, of the character at `offset`."""
    return text.count("\n", 0, max(0, offset)) + 1
