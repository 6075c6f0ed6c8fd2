"""Operations of rights and of running: copies, ends, numbers."""

from __future__ import annotations

from starlette.responses import StreamingResponse

from track import operations, privacy
from track.api.access import Within
from track.api.messages import Done, Input
from track.api.operation import Call, Operation
from track.api.organisation_calls import BASE
from track.operations import OperationsReport
from track.privacy import Erased, SubjectData


class Subject(Input, frozen=True, kw_only=True):
    """Somebody, by address."""

    email: str


class Farewell(Input, frozen=True, kw_only=True):
    """The organisation's name, to confirm."""

    name: str


async def export_organisation(call: Call[None]) -> StreamingResponse:
    """Everything that is kept for the organisation, as lines of JSON."""
    headers = {"content-disposition": 'attachment; filename="organisation.jsonl"', "cache-control": "no-store"}
    rows = privacy.export(call.caller.require_tenant())
    return StreamingResponse(rows, media_type="application/x-ndjson", headers=headers)


async def erase_organisation(call: Call[Farewell]) -> Done:
    """End the organisation, with everything in it."""
    await privacy.erase(call.caller, call.body.name)
    return Done()


async def export_subject(call: Call[Subject]) -> SubjectData:
    """Everything that is kept about one address."""
    return await privacy.subject(call.body.email)


async def erase_subject(call: Call[Subject]) -> Erased:
    """Forget one address. That it is not to be written to is kept."""
    return await privacy.erase_subject(call.caller, call.body.email)


async def get_operations(call: Call[None]) -> OperationsReport:
    """What waits, how long it takes, what fails."""
    return await operations.report(call.caller.require_tenant())


OWNER, ADMIN = Within(role="owner"), Within(role="admin")
OPERATIONS = (
    Operation(method="GET", path=f"{BASE}/export", handler=export_organisation, summary="Export everything",
              tag="privacy", access=OWNER, answer=None),
    Operation(method="POST", path=f"{BASE}/erase", handler=erase_organisation, summary="End it", tag="privacy",
              access=OWNER, body=Farewell, answer=Done),
    Operation(method="POST", path=f"{BASE}/subjects/export", handler=export_subject, summary="Export an address",
              tag="privacy", access=ADMIN, body=Subject, answer=SubjectData),
    Operation(method="POST", path=f"{BASE}/subjects/erase", handler=erase_subject, summary="Forget an address",
              tag="privacy", access=ADMIN, body=Subject, answer=Erased),
    Operation(method="GET", path=f"{BASE}/operations", handler=get_operations, summary="How mail is doing",
              tag="operations", access=Within(), answer=OperationsReport),
)  # fmt: skip
