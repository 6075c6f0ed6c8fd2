"""What travels around a body where the broker has no place for it."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec


class Envelope(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the broker does not keep for us. Times are seconds since 1970.

    `id` stays while the message is sent again; `attempts` are the deliveries that earlier copies used; `lost`: one
    of those ended with its worker; `due`: not to be delivered before; `redriven`: it was a dead letter, so there
    may be another copy. The last five describe a dead letter.
    """

    id: str
    sent_at: float
    headers: Mapping[str, str] = {}
    attempts: int = 0
    lost: bool = False
    due: float = 0.0
    redriven: bool = False
    error: str = ""
    reason: str = ""
    traceback: str = ""
    origin: str = ""
    died_at: float = 0.0
