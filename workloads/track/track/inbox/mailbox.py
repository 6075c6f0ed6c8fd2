"""What was received: the latest mails in memory, each once for its key."""

from __future__ import annotations

import email
import email.policy
import re
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage

import msgspec

MAILS_MAX = 2_000
BYTES_MAX = 64 * 1024 * 1024
KEYS_MAX = 500_000
_LINK = re.compile(r"https?://[^\s\"'<>]+")
_KEY = re.compile(rb"^X-Track-Key: *([^\r\n]{1,100})", re.IGNORECASE | re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """A mail as it came."""

    id: str
    received_at: datetime
    sender: str
    recipients: tuple[str, ...]
    key: str
    content: bytes


class InboxItem(msgspec.Struct, frozen=True, kw_only=True):
    """A mail in the list."""

    id: str
    received_at: datetime
    sender: str
    recipients: tuple[str, ...]
    subject: str
    send_key: str


class InboxMail(msgspec.Struct, frozen=True, kw_only=True):
    """A mail, opened. `links`: every link in its text."""

    id: str
    received_at: datetime
    sender: str
    recipients: tuple[str, ...]
    subject: str
    send_key: str
    headers: list[tuple[str, str]]
    text: str
    html: str
    links: list[str]


class Mailbox:
    """The latest mails. A key that was seen before brings no second mail."""

    def __init__(self) -> None:
        self._mails: OrderedDict[str, Received] = OrderedDict()
        self._keys: OrderedDict[str, str] = OrderedDict()
        self._bytes = 0
        self._count = 0
        self.duplicates = 0

    def take(self, sender: str, recipients: Sequence[str], content: bytes) -> str:
        """Keep a mail; its id, or the id of the one that came under the same key before."""
        found = _KEY.search(content[:8_192])
        key = found[1].decode("ascii", "replace").strip() if found else ""
        if key and key in self._keys:
            self.duplicates += 1
            return self._keys[key]
        self._count += 1
        mail = Received(
            id=f"{self._count}", received_at=datetime.now(UTC), sender=sender, recipients=tuple(recipients),
            key=key, content=content,
        )  # fmt: skip
        self._keep(mail)
        return mail.id

    def _keep(self, mail: Received) -> None:
        self._mails[mail.id] = mail
        self._bytes += len(mail.content)
        while len(self._mails) > MAILS_MAX or self._bytes > BYTES_MAX:
            self._bytes -= len(self._mails.popitem(last=False)[1].content)
        if mail.key:
            self._keys[mail.key] = mail.id
            if len(self._keys) > KEYS_MAX:
                self._keys.popitem(last=False)

    @property
    def count(self) -> int:
        """How many mails came, without those that came twice."""
        return self._count

    def listing(self, *, recipient: str = "", limit: int = 50) -> list[InboxItem]:
        """The latest mails, to everybody or to one address."""
        wanted = recipient.strip().lower()
        found = [
            mail
            for mail in reversed(self._mails.values())
            if not wanted or any(wanted == each.lower() for each in mail.recipients)
        ]
        return [_item(mail) for mail in found[:limit]]

    def read(self, mail_id: str) -> InboxMail | None:
        """One mail, opened."""
        mail = self._mails.get(mail_id)
        return None if mail is None else _opened(mail)

    def clear(self) -> None:
        """Forget the mails; the keys are remembered."""
        self._mails.clear()
        self._bytes = 0


def _item(mail: Received) -> InboxItem:
    return InboxItem(
        id=mail.id, received_at=mail.received_at, sender=mail.sender, recipients=mail.recipients,
        subject=str(_parsed(mail).get("Subject", "")), send_key=mail.key,
    )  # fmt: skip


def _opened(mail: Received) -> InboxMail:
    parsed = _parsed(mail)
    text, html = _body(parsed, "plain"), _body(parsed, "html")
    return InboxMail(
        id=mail.id, received_at=mail.received_at, sender=mail.sender, recipients=mail.recipients,
        subject=str(parsed.get("Subject", "")), send_key=mail.key,
        headers=[(name, str(value)) for name, value in parsed.items()],
        text=text, html=html, links=list(dict.fromkeys(each.rstrip(".,)") for each in _LINK.findall(text))),
    )  # fmt: skip


def _parsed(mail: Received) -> EmailMessage:
    found = email.message_from_bytes(mail.content, policy=email.policy.default)
    assert isinstance(found, EmailMessage)
    return found


def _body(mail: EmailMessage, kind: str) -> str:
    part = mail.get_body(preferencelist=(kind,))
    return str(part.get_content()) if part is not None else ""
