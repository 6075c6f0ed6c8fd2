"""Did you mean? The nearest of the names there are."""

from __future__ import annotations

from collections.abc import Iterable


def nearest(name: str, names: Iterable[str]) -> str | None:
    """The name that `name` was probably meant to be, or None when nothing comes near."""
    import difflib

    found = difflib.get_close_matches(name, [each for each in names if each != name], n=1, cutoff=0.6)
    return found[0] if found else None


def suggestion(name: str, names: Iterable[str]) -> str:
    """` (did you mean "orders"?)`, or nothing."""
    found = nearest(name, names)
    return f' (did you mean "{found}"?)' if found else ""
