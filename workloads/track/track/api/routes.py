"""The table of all operations. The document and the application are made from it."""

from __future__ import annotations

from track.api import account_calls, mail_calls, organisation_calls
from track.api.operation import Operation

OPERATIONS: tuple[Operation, ...] = (
    *account_calls.OPERATIONS,
    *organisation_calls.OPERATIONS,
    *mail_calls.OPERATIONS,
)
