"""Renewing the price book from AWS's offer files, over the network or from a folder."""

from __future__ import annotations

import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from rung.errors import Finding
from rung.price.book import Price, PriceBook, PriceError
from rung.price.offers import offer_url, read_offers
from rung.price.shelf import book_in_use, keep

#: Of one read from the socket, not of the file: the largest is 441 MB.
TIMEOUT_SECONDS = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Update:
    """What an update changed. `moves` are lines such as `ec2 t4g.small on-demand eu-west-1: 0.0184 -> 0.0188`."""

    file: Path
    read: int
    added: int
    changed: int
    moves: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """The same as plain values."""
        return {
            "file": str(self.file), "read": self.read, "added": self.added, "changed": self.changed,
            "moves": list(self.moves),
        }  # fmt: skip


def update_book(region: str, services: tuple[str, ...], *, folder: Path | None = None) -> Update:
    """Read the offers of `services` in `region`, and keep the rows in the user's cache.

    Args:
        folder: offer files named `<service>.json` there instead of AWS's own. A service without one is left.

    Raises PriceError R1103 to R1105. Nothing is kept then: an update is whole or not at all.
    """
    rows: list[Price] = []
    for service in services:
        with _opened(service, region, folder) as stream:
            if stream is not None:
                rows.extend(read_offers(stream, region))
    before = {(row.key, row.tier_from): row.usd for row in book_in_use().rows if not row.second}
    moves = tuple(_moves(rows, before))
    file = keep(PriceBook(rows=(*_kept(rows), *rows)))
    added = sum((row.key, row.tier_from) not in before for row in rows)
    return Update(file=file, read=len(rows), added=added, changed=len(moves), moves=moves)


def _kept(rows: list[Price]) -> Iterator[Price]:
    """The user's earlier rows that this update does not replace."""
    from rung.price.book import read_book
    from rung.price.shelf import book_file

    if book_file().is_file():
        renewed = {(row.key, row.tier_from) for row in rows}
        for row in read_book(book_file().read_text(encoding="utf-8"), str(book_file())).rows:
            if (row.key, row.tier_from) not in renewed:
                yield row


def _moves(rows: list[Price], before: dict[tuple[Any, float], float]) -> Iterator[str]:
    for row in rows:
        old = before.get((row.key, row.tier_from))
        if old is not None and old != row.usd:
            yield f"{' '.join(part for part in row.key if part)}: {old:.10g} -> {row.usd:.10g}"


@contextmanager
def _opened(service: str, region: str, folder: Path | None) -> Iterator[IO[bytes] | None]:
    if folder is not None:
        file = folder / f"{service}.json"
        if not file.is_file():
            yield None
            return
        with file.open("rb") as stream:
            yield stream
        return
    try:
        with urllib.request.urlopen(offer_url(service, region), timeout=TIMEOUT_SECONDS) as answer:  # noqa: S310
            yield answer
    except OSError as error:
        raise PriceError(_unreachable(offer_url(service, region), error)) from error


def _unreachable(url: str, error: OSError) -> Finding:
    return Finding(
        code="R1105", severity="error", message="AWS's price list cannot be read from here",
        found=f"{url}: {error}", effect="the book stays as it was",
        help="try again, or download the files and give --from FOLDER",
    )  # fmt: skip
