"""Webhooks to an organisation's own systems, what the provider reports, copies and ends, numbers."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

LETTER = {"subject": "Hello", "html": "<p>Hello {{ name }}</p>"}


async def _mail(office: Any, address: str = "ada@readers.example") -> str:
    body = {**LETTER, "recipients": [{"email": address, "variables": {"name": "Ada Lovelace"}}]}
    answer = await office.owner.post(f"{office.path}/mails", body)
    assert answer.status == 202, answer.body
    return str(answer.json["mails"][0]["id"])


async def test_an_endpoint_hears_of_bounces_and_its_log_can_be_sent_again(track: Any, inbox: Any) -> None:
    office, other = await track.office(), await track.office()
    made = (
        await office.owner.post(f"{office.path}/webhooks", {"url": "https://hooks.example/x", "kinds": ["mail.*"]})
    ).json
    assert made["secret"].startswith("whsec_")
    [listed] = (await office.owner.get(f"{office.path}/webhooks")).json
    assert (listed["secret"], listed["url"]) == (None, "https://hooks.example/x")
    await _mail(office, "bounce-1@readers.example")
    await track.work()
    log = f"{office.path}/webhooks/{made['id']}/deliveries"
    [delivery] = (await office.owner.get(log)).json
    assert (delivery["kind"], delivery["status"]) == ("mail.bounced", "pending")
    assert (await other.owner.get(f"{other.path}/webhooks/{made['id']}/deliveries")).status == 404
    assert (await other.owner.post(f"{other.path}/deliveries/{delivery['id']}/resend")).status == 404
    assert (await office.owner.post(f"{office.path}/deliveries/{delivery['id']}/resend")).status == 200
    rotated = await office.owner.post(f"{office.path}/webhooks/{made['id']}/rotate")
    assert rotated.json["secret"] != made["secret"]
    switched = await office.owner.request("PATCH", f"{office.path}/webhooks/{made['id']}", {"enabled": False})
    assert switched.json["disabled_at"] is not None
    assert (await office.owner.delete(f"{office.path}/webhooks/{made['id']}")).status == 200
    assert (await office.owner.get(log)).status == 404


@pytest.mark.parametrize("url", ["ftp://hooks.example/", "https://user:word@hooks.example/", "nonsense"])
async def test_an_address_that_cannot_be_called_is_refused(track: Any, url: str) -> None:
    office = await track.office()
    assert (await office.owner.post(f"{office.path}/webhooks", {"url": url})).status == 422


def _report(sns: Any, kind: str, key: str, **more: Any) -> bytes:
    report = {"eventType": kind, "mail": {"messageId": "ses-1", "tags": {"track-key": [key]}}, **more}
    posted: bytes = sns.posted(Message=msgspec.json.encode(report).decode())
    return posted


async def test_what_the_provider_reports_moves_a_mail_forward_and_never_back(
    track: Any, inbox: Any, sns: Any
) -> None:
    from track.mails.feedback import token

    office, path = await track.office(), f"/api/feedback/{token()}"
    mail = await _mail(office)
    key = f"{office.id}-{mail.replace('-', '')}"
    browser = track.browser()
    assert (await browser.request("POST", path[:-1], raw=_report(sns, "Send", key))).status == 404
    assert (await browser.request("POST", path, raw=b"nonsense")).status == 422
    await browser.request("POST", path, raw=_report(sns, "Bounce", key, bounce={"bounceType": "Transient"}))
    assert await track.state(mail) == "queued"
    await browser.request("POST", path, raw=_report(sns, "Send", key))
    assert await track.state(mail) == "sent"
    await track.work()
    assert inbox.count == 0, "it is out: it is not sent again"
    await browser.request("POST", path, raw=_report(sns, "Complaint", key))
    await browser.request("POST", path, raw=_report(sns, "Delivery", key))
    assert await track.state(mail) == "complained"
    [suppressed] = (await office.owner.get(f"{office.path}/suppressions")).json["items"]
    assert (suppressed["email"], suppressed["reason"]) == ("ada@readers.example", "complaint")
    await browser.request("POST", path, raw=_report(sns, "Complaint", "nobody-xyz"))


async def test_an_export_holds_every_table_and_nothing_of_others(track: Any, inbox: Any) -> None:
    office, other = await track.office("Acme Export"), await track.office("Globex")
    await _mail(office)
    await _mail(other, "secret@globex.example")
    await office.owner.post(f"{office.path}/keys", {"name": "CI", "scopes": ["mails:read"]})
    answer = await office.owner.get(f"{office.path}/export")
    rows = [msgspec.json.decode(line) for line in answer.body.splitlines()]
    assert {"organisations", "members", "mails", "letters", "audit_entries", "api_keys", "subscriptions"} <= {
        row["table"] for row in rows
    }
    assert all(row["row"]["tenant_id"] == office.id for row in rows)
    assert b"globex" not in answer.body.lower()
    assert b"secret_hash" not in answer.body


async def test_an_erased_organisation_is_in_no_table_and_what_waits_is_not_sent(track: Any, inbox: Any) -> None:
    office = await track.office("Acme Farewell")
    await _mail(office)
    body = {"url": "https://hooks.example/x"}
    await office.owner.post(f"{office.path}/webhooks", body)
    assert (await office.owner.post(f"{office.path}/erase", {"name": "acme"})).json["code"] == "other_name"
    assert (await office.owner.post(f"{office.path}/erase", {"name": "Acme Farewell"})).status == 200
    tables = await track.behind.fetch(
        """select format('%I.%I', table_schema, table_name) as name from information_schema.tables
            where table_schema in ('public', 'rung') and table_type = 'BASE TABLE'
              and table_name !~ 'message|queue|lane|dedup'"""
    )
    for table in tables:
        left = await track.behind.fetchval(
            f"select count(*) from {table['name']} t where position($1 in t::text) > 0", office.id
        )
        assert left == 0, table["name"]
    await track.work()
    assert inbox.count == 0
    assert (await office.owner.get(office.path)).status == 404


async def test_one_address_is_copied_and_forgotten(track: Any, inbox: Any) -> None:
    office = await track.office()
    await _mail(office)
    await _mail(office, "bob@readers.example")
    await office.owner.post(f"{office.path}/suppressions", {"email": "ada@readers.example"})
    subject = {"email": "Ada@Readers.example"}
    found = (await office.owner.post(f"{office.path}/subjects/export", subject)).json
    assert [mail["variables"]["name"] for mail in found["mails"]] == ["Ada Lovelace"]
    assert found["suppressions"][0]["reason"] == "manual"
    assert (await office.owner.post(f"{office.path}/subjects/erase", subject)).json["mails"] == 1
    await track.work()
    assert [item.recipients for item in inbox.listing()] == [("bob@readers.example",)]
    for table in ("mails", "mail_events", "letters"):
        rows = await track.behind.fetch(f"select t::text as text from {table} t where tenant_id = $1", office.id)
        assert not any(
            "ada@readers" in row["text"] or ("Lovelace" in row["text"] and "bob" not in row["text"])
            for row in rows
        )
    assert (await office.owner.get(f"{office.path}/suppressions")).json["items"], "it must not be written to again"


async def test_the_numbers_of_operations_are_those_of_the_mails(track: Any, inbox: Any) -> None:
    office = await track.office()
    await _mail(office)
    waiting = (await office.owner.get(f"{office.path}/operations")).json
    assert (waiting["sending"], waiting["sent_last_hour"], waiting["queue_ready"]) == (1, 0, 1)
    await _mail(office, "bounce-2@readers.example")
    await track.work()
    after = (await office.owner.get(f"{office.path}/operations")).json
    assert (after["sending"], after["sent_last_hour"], after["failed_last_hour"]) == (0, 1, 1)
    assert 0 <= after["latency_p50_seconds"] <= after["latency_p99_seconds"] < 60


async def test_the_page_tells_how_old_the_oldest_is_and_which_webhooks_failed(track: Any, inbox: Any) -> None:
    from track.resources import outgoing

    office, other = await track.office(), await track.office()
    late = await _mail(office)
    await outgoing.acknowledge(await outgoing.receive(max_messages=10))  # nobody takes it up
    await track.behind.execute(
        """update mails set state = 'pending', send_at = now() - interval '90 seconds'
            where id = $1::text::uuid""",
        late,
    )
    made = (await office.owner.post(f"{office.path}/webhooks", {"url": "https://hooks.example/x"})).json
    await _mail(office, "bounce-3@readers.example")
    await track.work()
    await track.behind.execute(
        "update rung.webhook_delivery set status = 'failed', next_at = null where endpoint = $1::text::uuid",
        made["id"],
    )
    await track.behind.execute(
        "update rung.webhook_endpoint set failing_since = now() where id = $1::text::uuid", made["id"]
    )
    found = (await office.owner.get(f"{office.path}/operations")).json
    assert 90 <= found["oldest_pending_seconds"] < 150
    assert (found["pending"], found["webhook_failures"], found["webhooks_failing"]) == (1, 1, 1)
    assert found["latency_p99_seconds"] is None, "nothing was sent yet"
    assert found["queue_oldest_seconds"] is None or found["queue_oldest_seconds"] >= 0
    theirs = (await other.owner.get(f"{other.path}/operations")).json
    assert (theirs["pending"], theirs["webhook_failures"]) == (0, 0)
