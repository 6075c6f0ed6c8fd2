"""Links that end it: one click, no account, no question (RFC 8058). The link names the mail and is signed."""

from __future__ import annotations

import time
import uuid
from html import escape

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from rung.runtime import serving_tenant
from track.hooks import publish
from track.identifiers import new_id
from track.mails.suppressions import suppress
from track.problems import not_found
from track.resources import db, key_of, public_url
from track.tokens import sign, verified

PATH = "/api/unsubscribe/{token}"


def url_of(tenant: str, mail: uuid.UUID) -> str:
    """The link of one mail. It works for as long as the mail is kept."""
    token = sign(f"{tenant}-{mail.hex}", purpose="unsubscribe", key=key_of("data-key"))
    return f"{public_url()}/api/unsubscribe/{token}"


async def page(request: Request) -> Response:
    """GET: a button. Looking changes nothing, since programs that check links look too."""
    tenant, _ = _named(request)
    with serving_tenant(tenant):
        name = await db.fetch_value("select name from organisations")
    if name is None:
        raise not_found("the mail")
    return _html(
        f"<h1>No more mail from {escape(name)}?</h1>"
        '<form method="post"><button name="List-Unsubscribe" value="One-Click">Unsubscribe</button></form>'
    )


async def unsubscribe(request: Request) -> Response:
    """POST, by that button or by the reader's own program. Twice is as good as once."""
    tenant, mail = _named(request)
    with serving_tenant(tenant):
        async with db.transaction() as connection:
            recipient = await connection.fetchval("select recipient from mails where id = $1", mail)
            if recipient is None:
                raise not_found("the mail")
            await suppress(connection, tenant, recipient, "unsubscribe")
            await connection.execute(
                "insert into mail_events (tenant_id, id, mail_id, kind) values ($1, $2, $3, 'unsubscribed')",
                tenant, new_id(), mail,
            )  # fmt: skip
            data = {"mail_id": str(mail), "recipient": recipient}
            await publish(connection, tenant, "mail.unsubscribed", data)
    return _html("<h1>Done</h1><p>You will get no more of these mails.</p>")


def _named(request: Request) -> tuple[str, uuid.UUID]:
    token = request.path_params["token"][:300]
    value = verified(token, purpose="unsubscribe", key=key_of("data-key"), now=time.time())
    if value is None:
        raise not_found("the mail")
    tenant, _, mail = value.partition("-")
    return tenant, uuid.UUID(mail)


def _html(body: str) -> HTMLResponse:
    return HTMLResponse(
        f'<!doctype html><html lang="en"><title>Unsubscribe</title><meta name="robots" content="noindex">{body}',
        headers={"cache-control": "no-store", "content-security-policy": "default-src 'none'; form-action 'self'"},
    )
