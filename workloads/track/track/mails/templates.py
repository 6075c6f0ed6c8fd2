"""Templates: what an organisation's mails say, with names that are filled in for each recipient."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

import asyncpg
import msgspec

from track.api.callers import Caller
from track.api.messages import Input, Output
from track.identifiers import new_id
from track.mails import branding, rendering
from track.organisations import audit
from track.problems import Problem, invalid, not_found
from track.resources import db

TEMPLATES_MAX = 500


class Template(Output, frozen=True, kw_only=True):
    """A template."""

    id: uuid.UUID
    name: str
    subject: str
    html: str
    text: str
    version: int
    updated_at: datetime


class TemplateContent(Input, frozen=True, kw_only=True):
    """What a template says. Without `text`, one is made from the HTML."""

    name: str
    subject: str
    html: str
    text: str = ""


class PreviewRequest(Input, frozen=True, kw_only=True):
    """Content and the variables of an imagined recipient."""

    subject: str
    html: str
    text: str = ""
    variables: dict[str, Any] = msgspec.field(default_factory=dict)


class Preview(Output, frozen=True, kw_only=True):
    """What a recipient would read, in the organisation's branding."""

    subject: str
    html: str
    text: str


FIELDS = "id, name, subject, html, text, version, updated_at"


async def listing() -> list[Template]:
    """All of them, by name."""
    return [Template(**dict(row)) for row in await db.fetch(f"select {FIELDS} from templates order by name")]


async def read(template: uuid.UUID) -> Template:
    """One of them. Raises Problem 404."""
    row = await db.fetch_row(f"select {FIELDS} from templates where id = $1", template)
    if row is None:
        raise not_found("the template")
    return Template(**dict(row))


async def create(caller: Caller, content: TemplateContent) -> Template:
    """A new template. Raises Problem 409, 422."""
    _check(content)
    return await _write(
        caller, "template.created",
        f"""insert into templates (tenant_id, id, name, subject, html, text)
            select $1, $2, $3, $4, $5, $6 where (select count(*) from templates) < {TEMPLATES_MAX}
            returning {FIELDS}""",
        caller.require_tenant(), new_id(), content,
        missing=Problem(409, "too_many_templates", f"at most {TEMPLATES_MAX} templates"),
    )  # fmt: skip


async def replace(caller: Caller, template: uuid.UUID, content: TemplateContent) -> Template:
    """The next version of it; mails that were written before keep what they say. Raises Problem 404, 409, 422."""
    _check(content)
    return await _write(
        caller, "template.changed",
        f"""update templates set name = $3, subject = $4, html = $5, text = $6, version = version + 1,
                   updated_at = now() where tenant_id = $1 and id = $2 returning {FIELDS}""",
        caller.require_tenant(), template, content, missing=not_found("the template"),
    )  # fmt: skip


async def _write(
    caller: Caller, action: str, sql: str, tenant: str, template: uuid.UUID, content: TemplateContent,
    *, missing: Problem,
) -> Template:  # fmt: skip
    try:
        async with db.transaction() as connection:
            row = await connection.fetchrow(
                sql, tenant, template, content.name.strip(), content.subject, content.html, content.text
            )
            if row is None:
                raise missing
            await audit.note(connection, caller, action, content.name.strip())
    except asyncpg.UniqueViolationError:
        raise Problem(409, "name_taken", "there is a template of this name") from None
    return Template(**dict(row))


async def delete(caller: Caller, template: uuid.UUID) -> None:
    """Take it away; mails that were written with it are sent all the same. Raises Problem 404."""
    async with db.transaction() as connection:
        name = await connection.fetchval("delete from templates where id = $1 returning name", template)
        if name is None:
            raise not_found("the template")
        await audit.note(connection, caller, "template.deleted", name)


async def preview(wanted: PreviewRequest) -> Preview:
    """What a recipient would read. Raises Problem 422."""
    for what in ("subject", "html", "text"):
        rendering.check(getattr(wanted, what), what=what, field=what)
    brand = await branding.read()
    written = branding.Written(subject=wanted.subject, html=wanted.html, text=wanted.text)
    filled = branding.fill(written, brand, wanted.variables, unsubscribe_url="#")
    return Preview(subject=filled.subject, html=filled.html, text=filled.text)


def _check(content: TemplateContent) -> None:
    if not 1 <= len(content.name.strip()) <= 120:
        raise invalid("name has 1 to 120 characters", field="name")
    if not content.subject.strip() or not content.html.strip():
        missing = "html" if content.subject.strip() else "subject"
        raise invalid("a template has a subject and html", field=missing)
    for what in ("subject", "html", "text"):
        rendering.check(getattr(content, what), what=what, field=what)
