"""What can go wrong with webhooks, and how it is said.

ApplicationError               (rung.errors)
├── SignatureRefusedError      a webhook that came in is not from whom it says, or is old; answer 400
├── AddressRefusedError        a URL leads, or now leads, to a place that we call for nobody
└── WebhookError               an endpoint, an event or a table is not as it must be
"""

from __future__ import annotations

from rung.errors import ApplicationError

NOT_INSTALLED = "R0540"
SIGNATURE = "R0541"
ADDRESS = "R0542"
INVALID = "R0543"
UNSENDABLE = "R0545"
UNCLEAR = "R0546"
NO_EXTRA = "R0547"
LOCKED = "R0548"


class SignatureRefusedError(ApplicationError):
    """Forged, edited, too old or unreadable. The message says which, and never what would have been right."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"{SIGNATURE}: {reason}")


class AddressRefusedError(ApplicationError):
    """The host, scheme or port is one that we do not call, or the name resolves to such an address."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"{ADDRESS}: {reason}")


class WebhookError(ApplicationError):
    """The endpoint, event or delivery cannot be as asked; `code` says which page explains it."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(f"{code}: {reason}")
        self.code = code
