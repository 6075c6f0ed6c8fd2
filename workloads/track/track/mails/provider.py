"""The port to whoever delivers mail: SMTP into the local inbox, SES on AWS. One suite judges both.

A provider is given finished mails, each with its key, and says of every one what became of it. `Unknown` is an
outcome of its own: the answer was lost, and the mail may be out. A provider that remembers keys may simply be
asked again; of one that does not, the sender first waits for what it reports (`feedback.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol, TypeAlias

from track.resources import is_local


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """A finished mail. `key` is the same at every attempt."""

    key: str
    sender: str
    recipient: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Sent:
    """Accepted, under the provider's own name for it."""

    provider_id: str


@dataclass(frozen=True, slots=True)
class Refused:
    """Never to be tried again. `bounced`: the address itself is wrong."""

    reason: str
    bounced: bool = False


@dataclass(frozen=True, slots=True)
class Failed:
    """Certainly not sent; another time it may be."""

    reason: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """Perhaps sent."""

    reason: str


Outcome: TypeAlias = Sent | Refused | Failed | Unknown


class Provider(Protocol):
    """Delivers mails. Bounded in time; raises nothing that concerns a mail."""

    @property
    def remembers_keys(self) -> bool:
        """Whether a key that was accepted once is accepted again without a second mail."""
        ...

    async def send(self, mails: Sequence[Outgoing]) -> list[Outcome]:
        """Deliver; one outcome for each, in order."""
        ...

    async def close(self) -> None:
        """End what is open."""
        ...


@lru_cache(maxsize=1)
def provider() -> Provider:
    """The one of this process: the inbox under `rung dev`, SES elsewhere."""
    if is_local():
        from track.mails.smtp import SmtpProvider

        return SmtpProvider.of_the_inbox()
    from track.mails.ses import SesProvider

    return SesProvider.of_this_environment()
