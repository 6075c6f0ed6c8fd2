"""Letters as senders read them: they never change, so that each process reads one once."""

from __future__ import annotations

import uuid
from collections import OrderedDict
from dataclasses import dataclass

from track.mails.branding import Written
from track.problems import not_found
from track.resources import db

KEPT = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """What somebody wrote, and of which kind it is."""

    kind: str
    written: Written


_kept: OrderedDict[tuple[str, uuid.UUID], Letter] = OrderedDict()


async def read(tenant: str, letter: uuid.UUID) -> Letter:
    """The letter, from memory or as the current organisation. Raises Problem 404."""
    key = (tenant, letter)
    found = _kept.get(key)
    if found is None:
        row = await db.fetch_row(
            "select kind, subject, html, text from letters where id = $1", letter, tenant=tenant
        )
        if row is None:
            raise not_found("the letter")
        written = Written(subject=row["subject"], html=row["html"], text=row["text"])
        found = _kept[key] = Letter(kind=row["kind"], written=written)
        if len(_kept) > KEPT:
            _kept.popitem(last=False)
    _kept.move_to_end(key)
    return found
