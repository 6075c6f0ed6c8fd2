"""The worker that sends. One message is a few mails of one organisation: claimed, filled in, sent, recorded.

Exactly one effect for each mail: its id is the key at every attempt. A sender that dies between sending and
recording leaves the mail in `sending`; whoever gets the message next asks the provider again under the same key,
or, where the provider remembers none, first waits for what it reports.
"""

from __future__ import annotations

import asyncio
import random
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import msgspec

from rung.runtime import Message, Reject, current
from rung.runtime.log import logger
from track.accounts.addresses import domain_of
from track.mails import branding, letters, rates, records, system, unsubscribe
from track.mails.branding import Brand
from track.mails.letters import Letter
from track.mails.mime import Envelope, written
from track.mails.provider import Outcome, Outgoing, Provider, Refused, provider
from track.mails.records import Claimed, Later
from track.problems import Problem

#: So long a message waits for its organisation's rate; what is still too much then goes back to the poll.
WAIT_SECONDS_MAX = 8.0
#: After an unknown outcome, a provider that remembers no keys is given so long to report.
REPORT_TIME = timedelta(minutes=15)

log = logger(__name__)


class Mails(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="mails"):
    """Mails of the message's organisation."""

    mails: tuple[uuid.UUID, ...]


Work = Mails | system.SignInLink | system.InvitationMail | system.Notice


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """A mail and its bytes."""

    claimed: Claimed
    outgoing: Outgoing


async def handle(message: Message) -> None:
    """Do what a message says. Raises Reject for what is none of ours."""
    try:
        work = msgspec.json.decode(message.body, type=Work)
    except msgspec.MsgspecError as error:
        raise Reject(f"not a message for a sender: {error}") from error
    if isinstance(work, Mails):
        await send_all(work.mails, provider())
    else:
        await system.send(work, message.id, provider())


async def send_all(mails: Sequence[uuid.UUID], through: Provider) -> None:
    """Send these mails of the current organisation, as far as they are still to be sent and its rate allows."""
    tenant = current().tenant
    if tenant is None:
        raise Reject("mails without their organisation")
    directory = await records.rate_of(tenant.id)
    if directory is None or not await _admitted(tenant.id, len(mails), directory):
        later = [Later(id=each, after=timedelta(seconds=60), reason="") for each in mails]
        await records.put_back(tenant.id, later, keep=directory is not None)
        return
    claimed = await records.claim(mails)
    sure, unsure = _split(claimed, through)
    late = [Later(id=each.id, after=REPORT_TIME, reason="outcome unknown") for each in unsure]
    refused = await rates.refused_domains([each.recipient for each in sure])
    late += [
        Later(id=each.id, after=timedelta(seconds=refused[domain]), reason="", is_attempt=False)
        for each in sure
        if (domain := domain_of(each.recipient)) in refused
    ]
    ready, wrong = await _filled([each for each in sure if domain_of(each.recipient) not in refused])
    outcomes = await through.send([each.outgoing for each in ready])
    sent = [(each.claimed, outcome) for each, outcome in zip(ready, outcomes, strict=True)]
    await records.record(tenant.id, [*sent, *wrong], late)


async def _admitted(tenant: str, mails: int, per_minute: int) -> bool:
    """Wait for the organisation's rate, a little while at most."""
    waited = 0.0
    while (seconds := await rates.wait_of_tenant(tenant, mails, per_minute)) > 0:
        if waited + seconds > WAIT_SECONDS_MAX:
            return False
        await asyncio.sleep(seconds + random.uniform(0.0, 0.05))
        waited += seconds
    return True


def _split(claimed: Sequence[Claimed], through: Provider) -> tuple[list[Claimed], list[Claimed]]:
    """Mails to be sent, and those of which nobody knows whether they were."""
    sure = [each for each in claimed if through.remembers_keys or not each.was_sending]
    return sure, [each for each in claimed if each not in sure]


async def _filled(claimed: Sequence[Claimed]) -> tuple[list[Ready], list[tuple[Claimed, Outcome]]]:
    """The bytes of each mail; those that cannot be filled in, with the reason."""
    if not claimed:
        return [], []
    brand = await branding.read()
    ready: list[Ready] = []
    wrong: list[tuple[Claimed, Outcome]] = []
    for each in claimed:
        try:
            content = _content(each, await letters.read(brand.tenant, each.letter_id), brand)
        except Problem as problem:
            wrong.append((each, Refused(str(problem.body["detail"]))))
            continue
        ready.append(Ready(claimed=each, outgoing=content))
    return ready, wrong


def _content(mail: Claimed, letter: Letter, brand: Brand) -> Outgoing:
    link = unsubscribe.url_of(brand.tenant, mail.id) if letter.kind == "campaign" else None
    variables: dict[str, Any] = msgspec.json.decode(mail.variables)
    envelope = Envelope(
        key=f"{brand.tenant}-{mail.id.hex}",
        sender_name=brand.sender_name or brand.name,
        sender_address=brand.sender_address or system.SENDER_ADDRESS,
        reply_to=brand.reply_to,
        recipient=mail.recipient,
        unsubscribe_url=link,
    )
    content = written(envelope, branding.fill(letter.written, brand, variables, unsubscribe_url=link))
    return Outgoing(key=envelope.key, sender=envelope.sender_address, recipient=mail.recipient, content=content)
