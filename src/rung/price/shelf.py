"""The price book in use: the one that comes with rung, with the rows of `rung prices update` above it."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

from rung.price.book import PriceBook, read_book, shipped_book, write_book


def cache_folder() -> Path:
    """Where the user's own rows are: the platform's cache folder, or RUNG_CACHE."""
    given = os.environ.get("RUNG_CACHE")
    if given:
        return Path(given)
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "rung"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "rung"


def book_file() -> Path:
    """The file of the user's own rows."""
    return cache_folder() / "prices.csv"


def book_in_use() -> PriceBook:
    """The shipped book with the user's rows above it. Raises PriceError R1102 when their file is damaged."""
    own = book_file()
    if not own.is_file():
        return shipped_book()
    return shipped_book().with_rows(read_book(own.read_text(encoding="utf-8"), str(own)).rows)


def keep(book: PriceBook) -> Path:
    """Write rows into the cache, whole or not at all; the file."""
    target = book_file()
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=target.parent, delete=False) as out:
        out.write(write_book(book))
    Path(out.name).replace(target)
    return target
