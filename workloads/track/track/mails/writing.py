"""Writing mails: stored, counted and handed on in one transaction; the request never sends any.

What is due at once goes to the queue in that transaction. What is for later, and every campaign, gets a row in
`dispatch`, and the poll takes it from there when its time has come.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, TypeAlias

import msgspec

from track.accounts.addresses import normal
from track.api.callers import Caller
from track.api.messages import Input, Output
from track.billing import subscriptions
from track.identifiers import new_id
from track.mails import branding, rendering
from track.organisations import audit
from track.problems import Problem, invalid, not_found
from track.resources import db, outgoing

Kind: TypeAlias = Literal["transactional", "campaign"]
RECIPIENTS_MAX = 1_000
VARIABLES_BYTES_MAX = 16_384
#: So many mails of one organisation travel in one message: they share its statements and its connection.
CHUNK = 50
#: So many recipients are tried at once whether the letter fits them; what fails later fails alone.
TRIED = 20
AHEAD_MAX = timedelta(days=366)


class Recipient(Input, frozen=True, kw_only=True):
    """Somebody to write to, and what is filled in for them."""

    email: str
    variables: dict[str, Any] = msgspec.field(default_factory=dict)


class NewMails(Input, frozen=True, kw_only=True):
    """One letter to 1 to 1,000 recipients: a template, or its own subject and HTML. `send_at`: now by default."""

    recipients: list[Recipient]
    template_id: uuid.UUID | None = None
    subject: str = ""
    html: str = ""
    text: str = ""
    kind: Kind = "transactional"
    campaign: str | None = None
    send_at: datetime | None = None


class AcceptedMail(Output, frozen=True, kw_only=True):
    """A mail that will be sent (`pending`, `queued`) or will not (`suppressed`)."""

    id: uuid.UUID
    email: str
    state: str


class AcceptedMails(Output, frozen=True, kw_only=True):
    """What became of each recipient. `replayed`: the Idempotency-Key was used before, and nothing was done now."""

    letter_id: uuid.UUID
    replayed: bool
    mails: list[AcceptedMail]


INSERT = """
insert into mails (tenant_id, id, letter_id, recipient, variables, send_at, state)
select $1, r.id, $2, r.email, r.variables::jsonb, coalesce($3, now()),
       case when s.email is not null and ($4 = 'campaign' or s.reason <> 'unsubscribe') then 'suppressed'
            when $4 = 'transactional' and coalesce($3, now()) <= now() then 'queued' else 'pending' end
  from unnest($5::uuid[], $6::text[], $7::text[]) as r(id, email, variables)
  left join suppressions s on s.email = r.email
returning id, recipient as email, state
"""


async def write(caller: Caller, wanted: NewMails, idempotency_key: str = "") -> AcceptedMails:
    """Accept the mails. Raises Problem 404, 409 (`mail_limit`), 422."""
    wanted = await _checked(wanted)
    tenant = caller.require_tenant()
    letter = uuid.uuid5(uuid.UUID(int=0), f"{tenant}:{idempotency_key}") if idempotency_key else new_id()
    async with db.transaction() as connection:
        is_new = await connection.fetchval(
            """insert into letters (tenant_id, id, template_id, kind, campaign, subject, html, text, created_by)
               values ($1, $2, $3, $4, $5, $6, $7, $8, $9) on conflict do nothing returning true""",
            tenant, letter, wanted.template_id, wanted.kind, wanted.campaign, wanted.subject, wanted.html,
            wanted.text, caller.actor,
        )  # fmt: skip
        if not is_new:
            return await _replay(connection, letter)
        await subscriptions.count_mails(connection, tenant, len(wanted.recipients))
        rows = await _insert(connection, tenant, letter, wanted)
        await _hand_on(connection, tenant, wanted, rows)
        if wanted.kind == "campaign":
            await audit.note(
                connection, caller, "campaign.written", wanted.campaign or wanted.subject, mails=len(rows)
            )
    return AcceptedMails(letter_id=letter, replayed=False, mails=[AcceptedMail(**dict(row)) for row in rows])


async def _checked(wanted: NewMails) -> NewMails:
    if not 1 <= len(wanted.recipients) <= RECIPIENTS_MAX:
        raise invalid(f"recipients are 1 to {RECIPIENTS_MAX}", field="recipients")
    if wanted.campaign is not None and not 1 <= len(wanted.campaign) <= 120:
        raise invalid("campaign is a name of 1 to 120 characters", field="campaign")
    send_at = wanted.send_at
    if send_at is not None and (send_at.tzinfo is None or send_at > datetime.now(UTC) + AHEAD_MAX):
        raise invalid("send_at is a moment with its time zone, within a year", field="send_at")
    if wanted.template_id is not None:
        wanted = await _from_template(wanted)
    for what in ("subject", "html", "text"):
        field = what if wanted.template_id is None else "template_id"
        rendering.check(getattr(wanted, what), what=what, field=field)
    if not wanted.subject.strip() or not wanted.html.strip():
        raise invalid("give a template_id, or a subject and html")
    written = branding.Written(subject=wanted.subject, html=wanted.html, text=wanted.text)
    brand = await branding.read()
    for recipient in wanted.recipients[:TRIED]:
        branding.fill(written, brand, recipient.variables, unsubscribe_url=None)
    return wanted


async def _from_template(wanted: NewMails) -> NewMails:
    row = await db.fetch_row("select subject, html, text from templates where id = $1", wanted.template_id)
    if row is None:
        raise not_found("the template")
    return msgspec.structs.replace(wanted, **dict(row))


async def _insert(connection: Any, tenant: str, letter: uuid.UUID, wanted: NewMails) -> Sequence[Any]:
    encoded = [msgspec.json.encode(each.variables) for each in wanted.recipients]
    if any(len(each) > VARIABLES_BYTES_MAX or b"\\u0000" in each for each in encoded):
        raise invalid(f"variables are at most {VARIABLES_BYTES_MAX} bytes, without NUL", field="recipients")
    rows: Sequence[Any] = await connection.fetch(
        INSERT, tenant, letter, wanted.send_at, wanted.kind,
        [new_id() for _ in encoded], [normal(each.email, field="recipients") for each in wanted.recipients],
        [each.decode() for each in encoded],
    )  # fmt: skip
    return rows


async def _hand_on(connection: Any, tenant: str, wanted: NewMails, rows: Sequence[Any]) -> None:
    queued = [row["id"] for row in rows if row["state"] == "queued"]
    for start in range(0, len(queued), CHUNK):
        ids = [str(each) for each in queued[start : start + CHUNK]]
        await outgoing.send({"kind": "mails", "mails": ids}, lane="transactional", transaction=connection)
    pending = [row["id"] for row in rows if row["state"] == "pending"]
    if pending:
        await connection.execute(
            """insert into dispatch (mail_id, tenant, lane, due_at)
               select unnest($1::uuid[]), $2, $3, coalesce($4, now())""",
            pending, tenant, wanted.kind, wanted.send_at,
        )  # fmt: skip


async def _replay(connection: Any, letter: uuid.UUID) -> AcceptedMails:
    rows = await connection.fetch(
        "select id, recipient as email, state from mails where letter_id = $1 order by id", letter
    )
    return AcceptedMails(letter_id=letter, replayed=True, mails=[AcceptedMail(**dict(row)) for row in rows])


async def cancel(caller: Caller, mail: uuid.UUID) -> None:
    """Do not send what still waits for its time. Raises Problem 404, 409."""
    async with db.transaction() as connection:
        recipient = await connection.fetchval("select recipient from mails where id = $1", mail)
        if recipient is None:
            raise not_found("the mail")
        waited = await connection.execute("delete from dispatch where mail_id = $1", mail)
        if waited != "DELETE 1":
            raise Problem(409, "too_late", "it is on its way, or gone")
        await connection.execute("update mails set state = 'cancelled' where id = $1", mail)
        await audit.note(connection, caller, "mail.cancelled", recipient)
