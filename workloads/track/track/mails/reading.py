"""Looking at mails: lists, one with everything that happened to it, campaigns in numbers."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Literal, TypeAlias

import msgspec

from track.api.messages import Output
from track.mails import branding
from track.problems import Problem, not_found
from track.resources import db

State: TypeAlias = Literal[
    "pending", "queued", "sending", "sent", "failed", "suppressed", "cancelled", "bounced", "complained"
]


class MailItem(Output, frozen=True, kw_only=True):
    """A mail in a list. `subject` is as it was written, with its names not filled in."""

    id: uuid.UUID
    recipient: str
    subject: str
    kind: Literal["transactional", "campaign"]
    campaign: str | None
    state: State
    attempts: int
    send_at: datetime
    sent_at: datetime | None
    error: str | None
    created_at: datetime


class MailPage(Output, frozen=True, kw_only=True):
    """Mails, the latest first."""

    items: list[MailItem]
    next: str | None


class MailEvent(Output, frozen=True, kw_only=True):
    """Something that happened to a mail."""

    kind: str
    at: datetime
    detail: str


class MailDetail(Output, frozen=True, kw_only=True):
    """A mail as its recipient reads it, and what happened to it."""

    mail: MailItem
    filled_subject: str
    html: str
    text: str
    events: list[MailEvent]


class Campaign(Output, frozen=True, kw_only=True):
    """A campaign in numbers."""

    name: str
    first_at: datetime
    mails: int
    waiting: int
    sent: int
    failed: int
    suppressed: int
    bounced: int
    complained: int


FIELDS = """m.id, m.recipient, l.subject, l.kind, l.campaign, m.state, m.attempts, m.send_at, m.sent_at, m.error,
            m.created_at"""


async def page(*, state: str, campaign: str, recipient: str, after: uuid.UUID | None, limit: int) -> MailPage:
    """The mails that fit every filter that is not empty."""
    rows = await db.fetch(
        f"""select {FIELDS} from mails m join letters l on (l.tenant_id, l.id) = (m.tenant_id, m.letter_id)
             where ($1 = '' or m.state = $1) and ($2 = '' or l.campaign = $2) and ($3 = '' or m.recipient = $3)
               and ($4::uuid is null or m.id < $4) order by m.id desc limit $5""",
        state, campaign, recipient.strip().lower(), after, limit,
    )  # fmt: skip
    items = [MailItem(**dict(row)) for row in rows]
    return MailPage(items=items, next=str(items[-1].id) if len(items) == limit else None)


async def detail(mail: uuid.UUID) -> MailDetail:
    """One mail. Raises Problem 404."""
    row = await db.fetch_row(
        f"""select {FIELDS}, l.html, l.text, m.variables::text as variables
             from mails m join letters l on (l.tenant_id, l.id) = (m.tenant_id, m.letter_id) where m.id = $1""",
        mail,
    )
    if row is None:
        raise not_found("the mail")
    fields = dict(row)
    html, text, variables = fields.pop("html"), fields.pop("text"), msgspec.json.decode(fields.pop("variables"))
    written = branding.Written(subject=fields["subject"], html=html, text=text)
    try:
        filled = branding.fill(written, await branding.read(), variables, unsubscribe_url="#")
    except Problem as problem:  # it failed for that reason, and can be looked at all the same
        filled = branding.Filled(subject=fields["subject"], html="", text=str(problem))
    events = await db.fetch("select kind, at, detail from mail_events where mail_id = $1 order by id", mail)
    return MailDetail(
        mail=MailItem(**fields),
        filled_subject=filled.subject,
        html=filled.html,
        text=filled.text,
        events=[MailEvent(**dict(event)) for event in events],
    )


async def campaigns() -> list[Campaign]:
    """The campaigns in numbers, the latest first."""
    rows = await db.fetch(
        """select l.campaign as name, min(l.created_at) as first_at, count(*) as mails,
                  count(*) filter (where m.state in ('pending', 'queued', 'sending')) as waiting,
                  count(*) filter (where m.state in ('sent', 'bounced', 'complained')) as sent,
                  count(*) filter (where m.state = 'failed') as failed,
                  count(*) filter (where m.state = 'suppressed') as suppressed,
                  count(*) filter (where m.state = 'bounced') as bounced,
                  count(*) filter (where m.state = 'complained') as complained
             from letters l join mails m on (m.tenant_id, m.letter_id) = (l.tenant_id, l.id)
            where l.campaign is not null group by l.campaign order by min(l.created_at) desc limit 200"""
    )
    return [Campaign(**dict(row)) for row in rows]
