"""What the provider reports about mails that it took: sent, delivered, bounced, complained about.

SES publishes it to an SNS topic, and SNS calls `POST /api/feedback/{token}`. The token, derived from a secret, is
part of the subscription's address (`python -m track.mails.feedback` prints it) and keeps strangers out. What is
posted is believed when SNS has signed it for the topic TRACK_SES_TOPIC (`sns.py`).
Reports may come twice and in any order: each moves a mail forward, never back.
"""

from __future__ import annotations

import hmac
import sys
import uuid
from typing import Any, Literal

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from rung.runtime import Tenant, serving_tenant
from rung.runtime.errors import TenantError, UnavailableError
from rung.runtime.log import logger
from rung.runtime.webhooks import SignatureRefusedError
from track.api.messages import json
from track.hooks import publish
from track.identifiers import new_id
from track.mails import sns
from track.mails.suppressions import suppress
from track.problems import Problem, invalid, not_found
from track.resources import db, key_of

BODY_BYTES_MAX = 300_000
log = logger(__name__)


class _Bounce(msgspec.Struct, frozen=True, kw_only=True):
    kind: str = msgspec.field(name="bounceType", default="")


class _Mail(msgspec.Struct, frozen=True, kw_only=True):
    message_id: str = msgspec.field(name="messageId")
    tags: dict[str, list[str]] = msgspec.field(default_factory=dict)


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What SES says about one mail (docs.aws.amazon.com/ses, "Contents of event data")."""

    kind: str = msgspec.field(name="eventType")
    mail: _Mail
    bounce: _Bounce | None = None


async def take(request: Request) -> Response:
    """POST /api/feedback/{token}."""
    if not hmac.compare_digest(request.path_params["token"].encode(), token().encode()):
        raise not_found("the address")
    topic = sns.configured()
    if topic is None:
        log.error("a report of the provider is refused: no topic is configured", variable=sns.TOPIC_VARIABLE)
        raise Problem(403, "no_topic", f"set {sns.TOPIC_VARIABLE}")
    body = await request.body()
    try:
        sent = msgspec.json.decode(body[:BODY_BYTES_MAX], type=sns.Sent)
        await topic.verify(sent)
        match sent.type:
            case "Notification":
                await apply(msgspec.json.decode(sent.message, type=Report))
            case "SubscriptionConfirmation":
                await topic.confirm(sent)
    except SignatureRefusedError as error:
        log.warning("a report that SNS has not signed", why=str(error))
        raise Problem(403, "not_signed", "SNS has not signed this for our topic") from None
    except UnavailableError:  # SNS posts it again
        raise Problem(503, "unavailable", "try again", headers={"retry-after": "5"}) from None
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise invalid(str(error)[:200]) from None
    return json({"done": True})


async def apply(report: Report) -> None:
    """Record a report, as the organisation whose mail it is about. Others' mails are none of ours."""
    tenant, _, mail = (report.mail.tags.get("track-key") or [""])[0].partition("-")
    try:
        owner, mail_id = Tenant(tenant), uuid.UUID(hex=mail)
    except (ValueError, TenantError):
        return
    with serving_tenant(owner):
        async with db.transaction() as connection:
            match report.kind:
                case "Send" | "Delivery":
                    await _sent(connection, mail_id, report.mail.message_id)
                case "Bounce" if report.bounce is not None and report.bounce.kind == "Permanent":
                    await _ended(connection, owner.id, mail_id, "bounced")
                case "Complaint":
                    await _ended(connection, owner.id, mail_id, "complained")


async def _sent(connection: Any, mail: uuid.UUID, provider_id: str) -> None:
    """Whoever asked did not hear the answer: it is out, and is not sent again."""
    await connection.execute(
        """update mails set state = 'sent', provider_id = $2, sent_at = coalesce(sent_at, now()), error = null
            where id = $1 and state in ('sending', 'pending', 'queued')""",
        mail, provider_id,
    )  # fmt: skip
    await connection.execute("delete from dispatch where mail_id = $1", mail)


async def _ended(connection: Any, tenant: str, mail: uuid.UUID, state: Literal["bounced", "complained"]) -> None:
    recipient = await connection.fetchval(
        "update mails set state = $2 where id = $1 and state not in ('bounced', 'complained') returning recipient",
        mail, state,
    )  # fmt: skip
    if recipient is None:
        return
    await connection.execute("delete from dispatch where mail_id = $1", mail)
    await suppress(connection, tenant, recipient, "bounce" if state == "bounced" else "complaint")
    await connection.execute(
        "insert into mail_events (tenant_id, id, mail_id, kind) values ($1, $2, $3, $4)",
        tenant, new_id(), mail, state,
    )  # fmt: skip
    await publish(connection, tenant, f"mail.{state}", {"mail_id": str(mail), "recipient": recipient})


def token() -> str:
    """What proves that the caller was told by us where to call."""
    return hmac.digest(key_of("data-key"), b"feedback", "sha256").hex()


if __name__ == "__main__":
    sys.stdout.write(f"/api/feedback/{token()}\n")
