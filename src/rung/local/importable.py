"""Why a `module:object` cannot be used, found out in a process of its own: it may do anything when imported.

As a program, `python importable.py module:object ...`, it prints one JSON list of problems and exits 1 when
there are any. `rung dev` runs it when a process does not start, and before it replaces one that runs.
"""

from __future__ import annotations

import importlib
import json
import sys
import traceback
from typing import TypedDict


class Problem(TypedDict):
    """One entry that cannot be used, the reason, and the line of the user's code that it comes from."""

    entry: str
    reason: str
    file: str
    line: int
    text: str


def problem_of(entry: str) -> Problem | None:
    """None when the module can be imported and has the object."""
    module_name, _, path = entry.partition(":")
    try:
        found: object = importlib.import_module(module_name)
    except BaseException as error:  # noqa: BLE001 - whatever it raises, even SystemExit, is the finding
        return _raised(entry, error)
    for name in path.split("."):
        if not hasattr(found, name):
            near = ", ".join(sorted(each for each in vars(found) if not each.startswith("_"))[:8])
            reason = f"{module_name} has no {path!r}; it has {near or 'nothing public'}"
            return Problem(entry=entry, reason=reason, file="", line=0, text="")
        found = getattr(found, name)
    return None


def _raised(entry: str, error: BaseException) -> Problem:
    reason = f"{type(error).__name__}: {error}"
    if isinstance(error, SyntaxError) and error.filename:
        text = (error.text or "").strip()
        return Problem(entry=entry, reason=reason, file=error.filename, line=error.lineno or 0, text=text)
    frames = [each for each in traceback.extract_tb(error.__traceback__) if _is_users(each.filename)]
    if not frames:
        return Problem(entry=entry, reason=reason, file="", line=0, text="")
    last = frames[-1]
    return Problem(entry=entry, reason=reason, file=last.filename, line=last.lineno or 0, text=last.line or "")


def _is_users(filename: str) -> bool:
    return (
        filename != __file__
        and not filename.startswith("<")
        and "site-packages" not in filename
        and "/lib/python" not in filename
    )


if __name__ == "__main__":
    sys.path.pop(0)  # this file's own folder: its neighbours must not shadow the user's modules
    problems = [problem for entry in sys.argv[1:] if (problem := problem_of(entry))]
    sys.__stdout__.write(json.dumps(problems) + "\n")  # type: ignore[union-attr]
    sys.exit(1 if problems else 0)
