"""Renewing the price book from AWS's offer files, over the network or from a folder."""

from __future__ import annotations

import http.client
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from rung.errors import Finding
from rung.price.book import Price, PriceBook, PriceError
from rung.price.offer_rules import offer_codes
from rung.price.offers import offer_url, read_offers
from rung.price.plan_offers import INDEX_URL, OFFER, plan_url, read_plans
from rung.price.shelf import book_in_use, keep

#: Of one read from the socket, not of the file: the largest is 441 MB.
TIMEOUT_SECONDS = 30.0
#: How often a service's file is begun anew when its connection breaks.
ATTEMPTS = 3
#: A connection that ends early: the file is cut, and so is its JSON.
_BROKEN = (OSError, http.client.HTTPException)
OpenUrl = Callable[[str], IO[bytes]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Update:
    """What an update changed. `moves` are lines such as `ec2 t4g.small on-demand eu-west-1: 0.0184 -> 0.0188`.

    `nothing_in` are the offers in which no row was found: they may have changed their words.
    """

    file: Path
    read: int
    added: int
    changed: int
    moves: tuple[str, ...]
    nothing_in: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """The same as plain values."""
        return {
            "file": str(self.file), "read": self.read, "added": self.added, "changed": self.changed,
            "moves": list(self.moves), "nothing_in": list(self.nothing_in),
        }  # fmt: skip


def update_book(
    region: str, services: tuple[str, ...], *, folder: Path | None = None, open_url: OpenUrl | None = None
) -> Update:
    """Read the offers of `services` in `region`, and keep the rows in the user's cache.

    Args:
        folder: offer files named `<service>.json` there instead of AWS's own. A service without one is left.
        open_url: opens an address; urllib with a time limit unless given.

    Raises PriceError R1103 to R1105. Nothing is kept then: an update is whole or not at all.
    """
    rows: list[Price] = []
    nothing_in: list[str] = []
    for service in services:
        found = _read(service, region, folder, open_url or _urlopen)
        if found == []:
            nothing_in.append(service)
        rows.extend(found or ())
    before = {(row.key, row.tier_from): row.usd for row in book_in_use().rows if not row.second}
    moves = tuple(_moves(rows, before))
    if not rows:
        raise PriceError(_nothing(services, region))
    file = keep(PriceBook(rows=(*_kept(rows), *rows)))
    added = sum((row.key, row.tier_from) not in before for row in rows)
    return Update(
        file=file, read=len(rows), added=added, changed=len(moves), moves=moves, nothing_in=tuple(nothing_in)
    )


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


def _read(service: str, region: str, folder: Path | None, open_url: OpenUrl) -> list[Price] | None:
    """The rows of one offer file; None where the folder has none. A connection that breaks is tried again."""
    if folder is not None:
        file = folder / f"{service}.json"
        if not file.is_file():
            return None
        with file.open("rb") as stream:
            return _rows(service, stream, region)
    for attempt in range(1, ATTEMPTS + 1):
        try:
            with _opened(_url(service, region, open_url), open_url) as stream:
                return _rows(service, stream, region)
        except PriceError as error:
            broken = error.findings[0].code in ("R1103", "R1105")
            if attempt == ATTEMPTS or not broken:
                raise
    return None


def _rows(service: str, stream: IO[bytes], region: str) -> list[Price]:
    return read_plans(stream, region) if service == OFFER else read_offers(stream, region)


def _url(service: str, region: str, open_url: OpenUrl) -> str:
    """Where a service's file is; that of Savings Plans is named by an index."""
    if service != OFFER:
        return offer_url(service, region)
    with _opened(INDEX_URL, open_url) as index:
        return plan_url(index, region)


def services_read() -> tuple[str, ...]:
    """The offers that an update reads."""
    return (*offer_codes(), OFFER)


@contextmanager
def _opened(url: str, open_url: OpenUrl) -> Iterator[IO[bytes]]:
    try:
        with open_url(url) as answer:
            yield answer
    except _BROKEN as error:
        raise PriceError(_unreachable(url, error)) from error


def _urlopen(url: str) -> IO[bytes]:
    answer: IO[bytes] = urllib.request.urlopen(url, timeout=TIMEOUT_SECONDS)  # noqa: S310 - our own address
    return answer


def _nothing(services: tuple[str, ...], region: str) -> Finding:
    return Finding(
        code="R1103", severity="error", message="no price was found in these offers",
        found=f"{', '.join(services)} of {region}", effect="the book stays as it was",
        help="a file of another region or service; or AWS's words have changed: please report it",
    )  # fmt: skip


def _unreachable(url: str, error: Exception) -> Finding:
    return Finding(
        code="R1105", severity="error", message="AWS's price list cannot be read from here",
        found=f"{url}: {error}", effect="the book stays as it was",
        help="try again, or download the files and give --from FOLDER",
    )  # fmt: skip
