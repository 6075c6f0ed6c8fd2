"""The table of all operations. The document and the application are made from it."""

from __future__ import annotations

from track.api import (
    account_calls,
    billing_calls,
    identity_calls,
    mail_calls,
    organisation_calls,
    privacy_calls,
    webhook_calls,
)
from track.api.operation import Operation

OPERATIONS: tuple[Operation, ...] = (
    *account_calls.OPERATIONS,
    *identity_calls.OPERATIONS,
    *organisation_calls.OPERATIONS,
    *mail_calls.OPERATIONS,
    *billing_calls.OPERATIONS,
    *webhook_calls.OPERATIONS,
    *privacy_calls.OPERATIONS,
)
