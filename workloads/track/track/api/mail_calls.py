"""Operations of mail: templates, mails, campaigns, addresses that are not written to."""

from __future__ import annotations

import re

from track.api.access import Within
from track.api.messages import Done, Input
from track.api.operation import PAGED, Call, Operation, Parameter
from track.api.organisation_calls import BASE
from track.mails import reading, suppressions, templates, writing
from track.mails.reading import Campaign, MailDetail, MailPage
from track.mails.suppressions import Suppression, SuppressionPage
from track.mails.templates import Preview, PreviewRequest, Template, TemplateContent
from track.mails.writing import AcceptedMails, NewMails
from track.problems import invalid

_KEY = re.compile(r"[A-Za-z0-9._:-]{8,100}")


class NewSuppression(Input, frozen=True, kw_only=True):
    """An address not to write to."""

    email: str


async def list_templates(_: Call[None]) -> list[Template]:
    """The templates, by name."""
    return await templates.listing()


async def get_template(call: Call[None]) -> Template:
    """One template."""
    return await templates.read(call.path_id("template"))


async def create_template(call: Call[TemplateContent]) -> Template:
    """A new template."""
    return await templates.create(call.caller, call.body)


async def replace_template(call: Call[TemplateContent]) -> Template:
    """Its next version; mails that were written before keep what they say."""
    return await templates.replace(call.caller, call.path_id("template"), call.body)


async def delete_template(call: Call[None]) -> Done:
    """Take it away; mails that were written with it are sent all the same."""
    await templates.delete(call.caller, call.path_id("template"))
    return Done()


async def preview_mail(call: Call[PreviewRequest]) -> Preview:
    """What a recipient would read, in the organisation's branding. Nothing is stored."""
    return await templates.preview(call.body)


async def list_mails(call: Call[None]) -> MailPage:
    """Mails, the latest first."""
    return await reading.page(
        state=call.query("state"),
        campaign=call.query("campaign"),
        recipient=call.query("recipient"),
        after=call.after(),
        limit=call.limit(),
    )


async def write_mails(call: Call[NewMails]) -> AcceptedMails:
    """Write one letter to 1 to 1,000 recipients. With a header Idempotency-Key, once however often it is sent."""
    key = call.request.headers.get("idempotency-key", "")
    if key and _KEY.fullmatch(key) is None:
        raise invalid("an Idempotency-Key has 8 to 100 letters, digits, . _ : -")
    return await writing.write(call.caller, call.body, key)


async def get_mail(call: Call[None]) -> MailDetail:
    """One mail as its recipient reads it, and what happened to it."""
    return await reading.detail(call.path_id("mail"))


async def cancel_mail(call: Call[None]) -> Done:
    """Do not send what still waits for its time."""
    await writing.cancel(call.caller, call.path_id("mail"))
    return Done()


async def list_campaigns(_: Call[None]) -> list[Campaign]:
    """The campaigns in numbers."""
    return await reading.campaigns()


async def list_suppressions(call: Call[None]) -> SuppressionPage:
    """Addresses that are not written to."""
    return await suppressions.page(call.query("after"), call.limit())


async def add_suppression(call: Call[NewSuppression]) -> Suppression:
    """Do not write to an address any more."""
    return await suppressions.add(call.caller, call.body.email)


async def remove_suppression(call: Call[None]) -> Done:
    """Write to an address again."""
    await suppressions.remove(call.caller, call.path("email"))
    return Done()


TEMPLATES, MAILS, SUPPRESSIONS = f"{BASE}/templates", f"{BASE}/mails", f"{BASE}/suppressions"
READ_TEMPLATES, WRITE_TEMPLATES = Within(scope="templates:read"), Within(scope="templates:write")
READ_MAILS, WRITE_MAILS = Within(scope="mails:read"), Within(scope="mails:write")
FILTERS = (
    Parameter(name="state", description="only mails in this state"),
    Parameter(name="campaign", description="only mails of this campaign"),
    Parameter(name="recipient", description="only mails to this address"),
)
OPERATIONS = (
    Operation(method="GET", path=TEMPLATES, handler=list_templates, summary="Templates", tag="templates",
              access=READ_TEMPLATES, answer=list[Template]),
    Operation(method="POST", path=TEMPLATES, handler=create_template, summary="New template", tag="templates",
              access=WRITE_TEMPLATES, body=TemplateContent, answer=Template, status=201),
    Operation(method="GET", path=f"{TEMPLATES}/{{template}}", handler=get_template, summary="A template",
              tag="templates", access=READ_TEMPLATES, answer=Template),
    Operation(method="PUT", path=f"{TEMPLATES}/{{template}}", handler=replace_template, summary="Next version",
              tag="templates", access=WRITE_TEMPLATES, body=TemplateContent, answer=Template),
    Operation(method="DELETE", path=f"{TEMPLATES}/{{template}}", handler=delete_template, summary="Take it away",
              tag="templates", access=WRITE_TEMPLATES, answer=Done),
    Operation(method="POST", path=f"{BASE}/preview", handler=preview_mail, summary="Preview", tag="templates",
              access=READ_TEMPLATES, body=PreviewRequest, answer=Preview),
    Operation(method="GET", path=MAILS, handler=list_mails, summary="Mails", tag="mails", access=READ_MAILS,
              answer=MailPage, query=(*FILTERS, *PAGED)),
    Operation(method="POST", path=MAILS, handler=write_mails, summary="Write mails", tag="mails",
              access=WRITE_MAILS, body=NewMails, answer=AcceptedMails, status=202),
    Operation(method="GET", path=f"{MAILS}/{{mail}}", handler=get_mail, summary="A mail", tag="mails",
              access=READ_MAILS, answer=MailDetail),
    Operation(method="DELETE", path=f"{MAILS}/{{mail}}", handler=cancel_mail, summary="Cancel", tag="mails",
              access=WRITE_MAILS, answer=Done),
    Operation(method="GET", path=f"{BASE}/campaigns", handler=list_campaigns, summary="Campaigns", tag="mails",
              access=READ_MAILS, answer=list[Campaign]),
    Operation(method="GET", path=SUPPRESSIONS, handler=list_suppressions, summary="Suppressed addresses",
              tag="suppressions", access=Within(scope="suppressions:read"), answer=SuppressionPage, query=PAGED),
    Operation(method="POST", path=SUPPRESSIONS, handler=add_suppression, summary="Suppress", tag="suppressions",
              access=Within(scope="suppressions:write"), body=NewSuppression, answer=Suppression, status=201),
    Operation(method="DELETE", path=f"{SUPPRESSIONS}/{{email}}", handler=remove_suppression,
              summary="Write again", tag="suppressions", access=Within(scope="suppressions:write"), answer=Done),
)  # fmt: skip
