"""Whether a caller's transaction is in the database that a queue, an outbox or a workflow reads."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote, urlsplit

from rung.runtime.errors import MessageError

OTHER_DATABASE = "R0508"


def require_same_database(transaction: Any, url: str, what: str) -> None:
    """Raises MessageError where `transaction` is in another database than `what`, at `url`.

    A tenant with a database of its own has its transactions there: what they wrote for others nobody would find.
    """
    ours = unquote(urlsplit(url).path.lstrip("/"))
    theirs = getattr(getattr(transaction, "_params", None), "database", ours)
    if ours and theirs != ours:
        raise MessageError(
            f"{OTHER_DATABASE}: {what} is in the database {ours!r}, and this transaction in {theirs!r}"
        )
