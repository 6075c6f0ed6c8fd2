"""One suite for every provider: what is asked of the inbox's SMTP is asked of SES, through moto's."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
import pytest_asyncio

from track.mails.provider import Failed, Outgoing, Provider, Refused, Sent, Unknown

MAIL = Outgoing(
    key="00000000000000000000-0123456789abcdef",
    sender="hello@acme.example",
    recipient="ada@readers.example",
    content=b"From: hello@acme.example\r\nTo: ada@readers.example\r\nSubject: Hi\r\n"
    b"X-Track-Key: 00000000000000000000-0123456789abcdef\r\n\r\n.a line that begins with a dot\r\n",
)


@pytest_asyncio.fixture(loop_scope="session", params=["smtp", "ses"])
async def served(
    request: pytest.FixtureRequest, track_environment: str, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[tuple[Provider, Any]]:
    """A provider, and a function that says what it has sent: (recipient, content) of each mail."""
    if request.param == "smtp":
        from track.inbox.mailbox import Mailbox
        from track.inbox.server import port_of, start
        from track.mails.smtp import SmtpAddress, SmtpProvider

        mailbox = Mailbox()
        server = await start(mailbox)
        provider: Provider = SmtpProvider(SmtpAddress(host="127.0.0.1", port=port_of(server)))
        yield provider, lambda: [(each.recipients[0], each.content) for each in mailbox._mails.values()]
        await provider.close()
        server.close()
        return
    from moto import mock_aws
    from moto.core import DEFAULT_ACCOUNT_ID
    from moto.ses.models import ses_backends

    from track.mails.ses import SesProvider, make_client

    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with mock_aws():
        client = make_client(region_name="eu-west-1")
        client.create_email_identity(EmailIdentity="acme.example")
        provider = SesProvider(client)
        backend = ses_backends[DEFAULT_ACCOUNT_ID]["eu-west-1"]
        yield provider, lambda: [(each.destinations[0], _bytes(each.raw_data)) for each in backend.sent_messages]
        await provider.close()


def _bytes(raw: Any) -> bytes:
    return raw if isinstance(raw, bytes) else str(raw).encode()


async def test_a_mail_arrives_as_it_is_and_has_a_name_there(served: Any) -> None:
    provider, sent = served
    [outcome] = await provider.send([MAIL])
    assert isinstance(outcome, Sent)
    assert outcome.provider_id
    [(recipient, content)] = sent()
    assert recipient == MAIL.recipient
    assert content.replace(b"\r\n", b"\n").strip() == MAIL.content.replace(b"\r\n", b"\n").strip()


async def test_outcomes_come_in_the_order_of_the_mails(served: Any) -> None:
    provider, sent = served
    mails = [
        replace(MAIL, key=f"k-{number}", recipient=f"n{number}@readers.example",
                content=MAIL.content.replace(b"0123456789abcdef", str(number).encode()))
        for number in range(8)
    ]  # fmt: skip
    outcomes = await provider.send(mails)
    assert all(isinstance(outcome, Sent) for outcome in outcomes)
    assert len({outcome.provider_id for outcome in outcomes}) == 8
    assert sorted(recipient for recipient, _ in sent()) == [mail.recipient for mail in mails]


async def test_a_key_that_is_remembered_brings_one_mail(served: Any) -> None:
    provider, sent = served
    first, again = await provider.send([MAIL]), await provider.send([MAIL])
    if provider.remembers_keys:
        assert first == again
    assert len(sent()) == (1 if provider.remembers_keys else 2)


async def test_a_sender_who_may_not_is_refused_for_ever_and_the_next_mail_goes(served: Any) -> None:
    provider, _ = served
    wrong = (
        replace(MAIL, recipient="bounce@readers.example")
        if provider.remembers_keys
        else replace(MAIL, sender="hello@stranger.example")
    )
    first, second = [(await provider.send([each]))[0] for each in (wrong, MAIL)]
    assert isinstance(first, Refused)
    assert isinstance(second, Sent)


async def test_a_server_that_is_away_has_certainly_not_sent(track_environment: str) -> None:
    from track.mails.smtp import SmtpAddress, SmtpProvider

    server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    [outcome] = await SmtpProvider(SmtpAddress(host="127.0.0.1", port=port)).send([MAIL])
    assert isinstance(outcome, Failed)


async def test_a_server_that_hangs_up_after_the_content_may_have_sent(track_environment: str) -> None:
    from track.mails.smtp import SmtpAddress, SmtpProvider

    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 hello\r\n")
        for answer in (b"250 hello\r\n", b"250 OK\r\n", b"250 OK\r\n", b"354 go on\r\n"):
            await reader.readline()
            writer.write(answer)
        await reader.readuntil(b"\r\n.\r\n")
        writer.close()

    server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
    [outcome] = await SmtpProvider(
        SmtpAddress(host="127.0.0.1", port=server.sockets[0].getsockname()[1])
    ).send([MAIL])  # fmt: skip
    server.close()
    assert isinstance(outcome, Unknown)
