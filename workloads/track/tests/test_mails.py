"""Mails: written in one transaction, sent once, followed up. Through a real mail server."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

PASSWORD = "correct horse battery"

LETTER = {"subject": "Hello {{ name }}", "html": '<p>Hi {{ name }}, see <a href="https://acme.example">us</a></p>'}


def _to(*names: str) -> list[dict[str, Any]]:
    return [{"email": f"{name}@readers.example", "variables": {"name": name}} for name in names]


async def _written(office: Any, names: tuple[str, ...] = ("ada",), **more: Any) -> list[dict[str, Any]]:
    answer = await office.owner.post(f"{office.path}/mails", {**LETTER, "recipients": _to(*names), **more})
    assert answer.status == 202, answer.body
    found: list[dict[str, Any]] = answer.json["mails"]
    return found


async def test_a_mail_is_sent_in_the_branding_and_can_be_looked_at(track: Any, inbox: Any) -> None:
    office = await track.office("Bäcker & Söhne")
    await office.owner.request(
        "PATCH", office.path, {"accent": "#aa3300", "sender_address": "hello@baecker.example"}
    )
    [mail] = await _written(office)
    assert inbox.count == 0, "the request sends nothing"
    assert await track.work() == []
    [item] = inbox.listing()
    opened = inbox.read(item.id)
    headers = dict(opened.headers)
    assert opened.subject == "Hello ada"
    assert headers["From"] == "Bäcker & Söhne <hello@baecker.example>"
    assert "#aa3300" in opened.html
    assert "Bäcker &amp; Söhne" in opened.html
    assert "Hi ada, see us (https://acme.example)" in opened.text
    assert "List-Unsubscribe" not in headers
    shown = (await office.owner.get(f"{office.path}/mails/{mail['id']}")).json
    assert (shown["mail"]["state"], shown["filled_subject"]) == ("sent", "Hello ada")


async def test_what_a_recipient_is_called_cannot_become_markup_or_a_header(track: Any, inbox: Any) -> None:
    office = await track.office()
    evil = "<script>x</script>\r\nBcc: everybody@example.com"
    recipients = [{"email": "ada@readers.example", "variables": {"name": evil}}]
    answer = await office.owner.post(f"{office.path}/mails", {**LETTER, "recipients": recipients})
    assert answer.status == 202, answer.body
    assert await track.work() == []
    opened = inbox.read(inbox.listing()[0].id)
    assert "<script>" not in opened.html
    assert "Bcc" not in dict(opened.headers)
    assert opened.recipients == ("ada@readers.example",)


@pytest.mark.parametrize(
    "source",
    ["{{ ''.__class__.__mro__ }}", "{% for a in b %}{% for c in d %}{% endfor %}{% endfor %}", "{{ 9 ** 9 ** 9 }}",
     "{% set a = 1 %}", "{{ x() }}", "{{ x|attr('y') }}", "{% include 'x' %}", "{{ 'a' * 99999999 }}", "{% if %}",
     "{% macro m() %}{% endmacro %}", "{{ x|map('upper') }}"],
)  # fmt: skip
async def test_templates_are_filled_in_and_nothing_else(track: Any, source: str) -> None:
    office = await track.office()
    body = {"name": "T", "subject": "S", "html": source}
    answer = await office.owner.post(f"{office.path}/templates", body)
    assert (answer.status, answer.json["code"]) == (422, "invalid"), answer.body


async def test_a_template_has_versions_and_a_preview(track: Any, inbox: Any) -> None:
    office = await track.office()
    html = (
        "{% if vip %}<b>{{ name|upper }}</b>{% else %}{{ name }}{% endif %}{% for x in list %}-{{ x }}{% endfor %}"
    )
    body = {"name": "Welcome", "subject": "Hi {{ name }}", "html": html}
    template = (await office.owner.post(f"{office.path}/templates", body)).json
    variables = {"name": "<Ada>", "vip": True, "list": ["a", "b"]}
    shown = (
        await office.owner.post(f"{office.path}/preview", {"subject": "S", "html": html, "variables": variables})
    ).json
    assert "<b>&lt;ADA&gt;</b>-a-b" in shown["html"]
    wanted = {
        "template_id": template["id"],
        "recipients": [{"email": "a@readers.example", "variables": variables}],
    }
    assert (await office.owner.post(f"{office.path}/mails", wanted)).status == 202
    changed = await office.owner.request(
        "PUT", f"{office.path}/templates/{template['id']}", {**body, "html": "something else"}
    )
    assert changed.json["version"] == 2
    await track.work()
    assert "&lt;ADA&gt;" in inbox.read(inbox.listing()[0].id).html, "it was written before the change"
    assert (await office.owner.post(f"{office.path}/templates", body)).json["code"] == "name_taken"
    missing = {"template_id": template["id"], "subject": "", "recipients": [{"email": "a@readers.example"}]}
    assert (await office.owner.post(f"{office.path}/mails", missing)).status == 422, "name is not given"


async def test_an_idempotency_key_writes_once(track: Any, inbox: Any) -> None:
    office = await track.office()
    key = {"idempotency-key": "order-4711"}
    body = {**LETTER, "recipients": _to("ada", "bob")}
    first = await office.owner.post(f"{office.path}/mails", body, headers=key)
    again = await office.owner.post(f"{office.path}/mails", body, headers=key)
    assert (first.json["replayed"], again.json["replayed"]) == (False, True)
    assert {each["id"] for each in first.json["mails"]} == {each["id"] for each in again.json["mails"]}
    await track.work()
    assert inbox.count == 2


async def test_a_campaign_waits_for_the_poll_and_says_how_to_end_it(track: Any, inbox: Any) -> None:
    from track.mails import poll

    office = await track.office()
    await _written(office, ("ada", "bob"), kind="campaign", campaign="May")
    assert await track.work() == []
    assert inbox.count == 0
    await poll.run()
    assert await track.work() == []
    assert inbox.count == 2
    await poll.run()
    await track.work()
    assert inbox.count == 2
    opened = inbox.read(inbox.listing(recipient="ada@readers.example")[0].id)
    link = dict(opened.headers)["List-Unsubscribe"].strip("<>")
    assert dict(opened.headers)["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    path = "/api/unsubscribe/" + link.rpartition("/")[2]
    looked = await track.browser().get(path)
    assert looked.status == 200
    assert (await office.owner.get(f"{office.path}/suppressions")).json["items"] == [], "looking ends nothing"
    one_click = {"content-type": "application/x-www-form-urlencoded"}
    done = await track.browser().request("POST", path, raw=b"List-Unsubscribe=One-Click", headers=one_click)
    assert done.status == 200
    [suppressed] = (await office.owner.get(f"{office.path}/suppressions")).json["items"]
    assert (suppressed["email"], suppressed["reason"]) == ("ada@readers.example", "unsubscribe")
    states = {each["email"]: each["state"] for each in await _written(office, ("ada", "bob"), kind="campaign")}
    assert states == {"ada@readers.example": "suppressed", "bob@readers.example": "pending"}
    [receipt] = await _written(office, ("ada",))
    assert receipt["state"] == "queued", "a receipt is no campaign"
    [campaign] = (await office.owner.get(f"{office.path}/campaigns")).json
    assert (campaign["name"], campaign["sent"]) == ("May", 2)
    assert (await track.browser().get(path[:-1] + "A")).status == 404


async def test_what_is_for_later_is_sent_later_or_cancelled(track: Any, inbox: Any) -> None:
    from track.mails import poll

    office = await track.office()
    soon = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    first, second = await _written(office, ("ada", "bob"), send_at=soon)
    await poll.run()
    await track.work()
    assert inbox.count == 0
    assert (await office.owner.delete(f"{office.path}/mails/{first['id']}")).status == 200
    await track.behind.execute("update dispatch set due_at = now()")
    await poll.run()
    await track.work()
    assert [item.recipients for item in inbox.listing()] == [("bob@readers.example",)]
    assert await track.state(first["id"]) == "cancelled"
    assert (await office.owner.delete(f"{office.path}/mails/{second['id']}")).json["code"] == "too_late"


async def test_a_wrong_address_bounces_and_is_not_written_to_again(track: Any, inbox: Any) -> None:
    office = await track.office()
    [mail] = await _written(office, ("bounce-me",))
    await track.work()
    shown = (await office.owner.get(f"{office.path}/mails/{mail['id']}")).json
    assert shown["mail"]["state"] == "bounced"
    assert shown["events"][0]["detail"].startswith("550")
    [again] = await _written(office, ("bounce-me",))
    assert again["state"] == "suppressed"


async def test_a_busy_server_is_asked_again_later_with_growing_pauses(track: Any, inbox: Any) -> None:
    from track.mails import poll

    office = await track.office()
    [mail] = await _written(office, ("busy",))
    await track.work()
    assert await track.state(mail["id"]) == "pending"
    for _ in range(12):
        await track.behind.execute("update dispatch set due_at = now() where tenant = $1", office.id)
        await poll.run()
        await track.work()
    row = await track.behind.fetchrow(
        "select state, attempts, error from mails where id = $1::text::uuid", mail["id"]
    )
    assert (row["state"], row["attempts"]) == ("failed", 8)
    assert row["error"].startswith("given up: 450")


async def test_the_plan_limits_how_many_a_minute(track: Any, inbox: Any) -> None:
    """The poll takes no more than a minute's worth of each; the rest keeps its row and its place."""
    from track.mails import poll

    office, other = await track.office(), await track.office()
    await track.behind.execute("update directory set mails_per_minute = 60 where tenant = $1", office.id)
    await _written(office, tuple(f"n{number}" for number in range(150)), kind="campaign")
    await _written(other, ("ada",), kind="campaign")
    await poll.run()
    await track.work()
    assert inbox.count == 61
    assert await track.behind.fetchval("select count(*) from dispatch where tenant = $1", office.id) == 90


async def test_the_month_is_limited_and_a_refused_mail_counts_nothing(track: Any) -> None:
    office = await track.office()
    await track.behind.execute("update subscriptions set status = 'unpaid' where tenant_id = $1", office.id)
    names = tuple(f"n{number}" for number in range(999))
    await _written(office, names, kind="campaign")
    body = {**LETTER, "recipients": _to("a", "b")}
    refused = await office.owner.post(f"{office.path}/mails", body)
    assert (refused.status, refused.json["code"]) == (409, "mail_limit")
    await _written(office, ("last",))
    used = await track.behind.fetchval("select mails from mail_usage where tenant_id = $1", office.id)
    assert used == 1_000


async def test_links_and_invitations_come_by_mail_and_work_once(track: Any, inbox: Any) -> None:
    office = await track.office("Acme")
    await office.owner.post(f"{office.path}/invitations", {"email": "eve@people.example"})
    await track.browser().post("/api/sign-in/link", {"email": office.owner.email})
    unknown = await track.browser().post("/api/sign-in/link", {"email": "nobody@people.example"})
    assert unknown.status == 202
    assert await track.work() == []
    assert inbox.count == 2
    [link] = inbox.read(inbox.listing(recipient=office.owner.email)[0].id).links
    visitor = track.browser()
    token = {"token": link.partition("#")[2]}
    assert (await visitor.post("/api/sign-in/link/redeem", token)).json["state"] == "signed_in"
    assert (await visitor.get("/api/session")).json["person"]["email"] == office.owner.email
    assert (await track.browser().post("/api/sign-in/link/redeem", token)).status == 401
    [link] = inbox.read(inbox.listing(recipient="eve@people.example")[0].id).links
    eve = track.browser()
    joined = await eve.sign_up("eve@people.example", invitation=link.partition("#")[2])
    assert joined.status == 201


@pytest.mark.parametrize("same_browser", [True, False])
async def test_who_first_reads_the_mail_of_an_address_shuts_out_who_registered_it_elsewhere(
    track: Any, inbox: Any, same_browser: bool
) -> None:
    """Else the one could wait, with a password of theirs, for the other to come."""
    registered = track.browser()
    await registered.sign_up()
    await track.browser().post("/api/sign-in/link", {"email": registered.email})
    await track.work()
    [link] = inbox.read(inbox.listing(recipient=registered.email)[0].id).links
    reader = registered if same_browser else track.browser()
    assert (await reader.post("/api/sign-in/link/redeem", {"token": link.partition("#")[2]})).status == 200
    assert (await reader.get("/api/session")).json["person"]["email"] == registered.email
    assert ((await registered.get("/api/session")).json["person"] is not None) is same_browser
    again = await track.browser().post("/api/sign-in", {"email": registered.email, "password": PASSWORD})
    assert again.status == (200 if same_browser else 401)


async def test_a_message_that_is_none_of_ours_is_a_dead_letter(track: Any, inbox: Any) -> None:
    from track.resources import outgoing

    await outgoing.send({"kind": "other"})
    await outgoing.send({"kind": "mails", "mails": []})
    said = await track.work()
    assert len(said) == 2
    assert all(each.startswith("reject") for each in said)
