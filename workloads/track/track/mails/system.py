"""Mails of the platform itself: links that sign in, invitations, reminders of a bill.

The token of a link exists in the mail alone, and is derived from the message that asks for it: a message that is
handled twice sends the same mail under the same key.
"""

from __future__ import annotations

import hmac
import os
import uuid
from html import escape

import msgspec

from rung.runtime import current
from track.accounts import signing_in
from track.mails.branding import Brand, Filled, Written, fill
from track.mails.mime import Envelope, written
from track.mails.provider import Failed, Outgoing, Provider, Unknown
from track.organisations import invitations
from track.resources import db, key_of, public_url

SENDER_NAME = "track"
SENDER_ADDRESS = os.environ.get("TRACK_SENDER", "mail@track.example")


class SignInLink(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="sign_in_link"):
    """A person asked for a link."""

    person: uuid.UUID


class InvitationMail(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="invitation"):
    """Somebody was invited to the message's organisation."""

    invitation: uuid.UUID


class Notice(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="notice"):
    """The owners of the message's organisation are told something."""

    subject: str
    text: str


class NotSentError(Exception):
    """The provider does not take it now: the queue tries again."""


async def send(work: SignInLink | InvitationMail | Notice, message: str, through: Provider) -> None:
    """Send it. Raises NotSentError for a retry with backoff."""
    match work:
        case SignInLink():
            letters = await _sign_in_link(work, _token(message))
        case InvitationMail():
            letters = await _invitation(work, _token(message))
        case Notice():
            letters = await _notice(work)
    for recipient, filled in letters:
        await _send_one(recipient, filled, f"{message}-{recipient}", through)


async def _send_one(recipient: str, filled: Filled, name: str, through: Provider) -> None:
    key = uuid.uuid5(uuid.UUID(int=0), name).hex
    envelope = Envelope(
        key=key, sender_name=SENDER_NAME, sender_address=SENDER_ADDRESS, reply_to="", recipient=recipient
    )
    mail = Outgoing(key=key, sender=SENDER_ADDRESS, recipient=recipient, content=written(envelope, filled))
    [outcome] = await through.send([mail])
    if isinstance(outcome, Failed | Unknown):
        raise NotSentError(outcome.reason)


async def _sign_in_link(work: SignInLink, token: str) -> list[tuple[str, Filled]]:
    email = await db.fetch_value("select email from people where id = $1", work.person, across_tenants=True)
    if email is None:
        return []
    await signing_in.remember_link(work.person, token)
    link = f"{public_url()}/sign-in/link#{token}"
    text = "This link signs you in, once, within a quarter of an hour. If you did not ask for it, ignore it."
    return [(email, _filled("Your link to sign in", text, "Sign in", link))]


async def _invitation(work: InvitationMail, token: str) -> list[tuple[str, Filled]]:
    tenant = current().tenant
    assert tenant is not None, "an invitation is sent as its organisation"
    row = await invitations.remember_token(work.invitation, f"{tenant.id}.{token}")
    if row is None:
        return []
    name = await db.fetch_value("select name from organisations")
    link = f"{public_url()}/invitations#{tenant.id}.{token}"
    text = f"You are invited to join {name} as {row['role']}. The link works once, for a week."
    return [(row["email"], _filled(f"Join {name}", text, "Join", link))]


async def _notice(work: Notice) -> list[tuple[str, Filled]]:
    rows = await db.fetch("select email from members where role = 'owner' order by email")
    filled = _filled(work.subject, work.text, "Open track", f"{public_url()}/")
    return [(row["email"], filled) for row in rows]


def _token(message: str) -> str:
    return hmac.digest(key_of("data-key"), f"link:{message}".encode(), "sha256").hex()


def _filled(subject: str, text: str, label: str, link: str) -> Filled:
    brand = Brand(
        tenant="", name=SENDER_NAME, sender_name=SENDER_NAME, sender_address=SENDER_ADDRESS, reply_to="",
        accent="#2457d6", logo_url="", postal_address="",
    )  # fmt: skip
    html = f'<p>{{{{ text }}}}</p><p><a href="{escape(link)}">{escape(label)}</a></p>'
    letter = Written(subject="{{ subject }}", html=html, text="{{ text }}\n\n{{ link }}")
    return fill(letter, brand, {"subject": subject, "text": text, "link": link}, unsubscribe_url=None)
