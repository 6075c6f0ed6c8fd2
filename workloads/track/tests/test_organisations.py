"""Organisations: roles, invitations that work once, seats, keys, a log that nobody changes."""

from __future__ import annotations

import asyncio
from typing import Any

import asyncpg
import pytest

from rung.runtime.database.isolation import unprotected_tables


async def _invited(track: Any, office: Any, email: str, role: str = "member") -> str:
    """Invite somebody; the token of their link, set as the sender would."""
    from rung.runtime import serving_tenant
    from track.organisations import invitations

    answer = await office.owner.post(f"{office.path}/invitations", {"email": email, "role": role})
    assert answer.status == 201, answer.body
    import uuid

    token = f"{office.id}.{uuid.uuid4().hex}"
    with serving_tenant(office.id):
        await invitations.remember_token(uuid.UUID(answer.json["id"]), token)
    return token


async def _joined(track: Any, office: Any, role: str = "member") -> Any:
    browser = track.browser()
    await browser.sign_up()
    token = await _invited(track, office, browser.email, role)
    assert (await browser.post("/api/invitations/accept", {"token": token})).status == 200
    return browser


async def test_every_table_of_a_tenant_is_protected(track: Any) -> None:
    assert await unprotected_tables(track.behind) == []


async def test_an_invitation_works_once_and_for_its_receiver_alone(track: Any) -> None:
    office = await track.office("Acme")
    receiver, other = track.browser(), track.browser()
    await receiver.sign_up()
    await other.sign_up()
    token = await _invited(track, office, receiver.email)
    shown = (await track.browser().post("/api/invitations/look", {"token": token})).json
    assert (shown["organisation"], shown["email"]) == ("Acme", receiver.email)
    assert (await other.post("/api/invitations/accept", {"token": token})).status == 403
    assert (await receiver.post("/api/invitations/accept", {"token": token})).json["organisation"] == office.id
    assert (await receiver.post("/api/invitations/accept", {"token": token})).status == 404
    assert token.encode() not in str(await track.behind.fetch("select * from invitations")).encode()


async def test_signing_up_with_an_invitation_joins(track: Any) -> None:
    office = await track.office()
    token = await _invited(track, office, "new@people.example")
    browser = track.browser()
    assert (await browser.sign_up("new@people.example", invitation=token)).status == 201
    assert [each["id"] for each in (await browser.get("/api/session")).json["organisations"]] == [office.id]


async def test_a_member_does_what_members_may(track: Any) -> None:
    office = await track.office()
    member = await _joined(track, office)
    assert (await member.get(f"{office.path}/members")).status == 200
    for answer in (
        await member.get(f"{office.path}/audit"),
        await member.post(f"{office.path}/keys", {"name": "k", "scopes": ["mails:read"]}),
        await member.post(f"{office.path}/invitations", {"email": "x@people.example"}),
        await member.request("PATCH", office.path, {"name": "Mine"}),
    ):
        assert (answer.status, answer.json["code"]) == (403, "forbidden")


async def test_only_an_owner_makes_owners(track: Any) -> None:
    office = await track.office()
    admin = await _joined(track, office, "admin")
    me = next(each for each in (await admin.get(f"{office.path}/members")).json if each["role"] == "admin")
    raised = await admin.request("PATCH", f"{office.path}/members/{me['person_id']}", {"role": "owner"})
    assert raised.status == 403
    invited = await admin.post(f"{office.path}/invitations", {"email": "x@people.example", "role": "owner"})
    assert invited.status == 403


async def test_two_owners_who_take_each_other_out_leave_one(track: Any) -> None:
    office = await track.office()
    second = await _joined(track, office, "owner")
    ids = {each["email"]: each["person_id"] for each in (await second.get(f"{office.path}/members")).json}
    answers = await asyncio.gather(
        office.owner.delete(f"{office.path}/members/{ids[second.email]}"),
        second.delete(f"{office.path}/members/{ids[office.owner.email]}"),
    )
    assert sorted(answer.status for answer in answers) != [200, 200]
    owners = await track.behind.fetchval(
        "select count(*) from members where tenant_id = $1 and role = 'owner'", office.id
    )
    assert owners == 1


async def test_seats_are_limited_by_the_plan_also_when_many_are_invited_at_once(track: Any) -> None:
    office = await track.office()
    answers = await asyncio.gather(
        *(
            office.owner.post(f"{office.path}/invitations", {"email": f"p{number}@people.example"})
            for number in range(8)
        )
    )
    assert sorted(answer.status for answer in answers) == [201] * 4 + [409] * 4, "five seats, one is the owner's"
    assert {answer.json["code"] for answer in answers if answer.status == 409} == {"seat_limit"}


async def test_a_key_opens_what_its_scopes_say_and_is_kept_as_a_hash(track: Any) -> None:
    office, other = await track.office(), await track.office()
    made = (await office.owner.post(f"{office.path}/keys", {"name": "CI", "scopes": ["mails:read"]})).json
    program = track.browser()
    bearer = {"authorization": f"Bearer {made['secret']}"}
    assert (await program.get(f"{office.path}/mails", headers=bearer)).status == 200
    assert (await program.get(f"{office.path}/templates", headers=bearer)).status == 403
    assert (await program.get(f"{office.path}/members", headers=bearer)).status == 403
    assert (await program.get(f"{other.path}/mails", headers=bearer)).status == 401
    assert made["secret"] not in str(await track.behind.fetch("select * from api_keys"))
    await office.owner.delete(f"{office.path}/keys/{made['key']['id']}")
    assert (await program.get(f"{office.path}/mails", headers=bearer)).status == 401


async def test_a_key_has_a_rate_of_its_own(track: Any) -> None:
    office = await track.office()
    wanted = {"name": "slow", "scopes": ["mails:read"], "per_minute": 3}
    secret = (await office.owner.post(f"{office.path}/keys", wanted)).json["secret"]
    bearer = {"authorization": f"Bearer {secret}"}
    answers = [await track.browser().get(f"{office.path}/mails", headers=bearer) for _ in range(5)]
    assert [answer.status for answer in answers][:3] == [200] * 3
    assert answers[-1].status == 429
    assert int(answers[-1].headers["retry-after"]) >= 1


async def test_the_log_says_who_did_what_and_cannot_be_changed(track: Any) -> None:
    office = await track.office()
    await office.owner.request("PATCH", office.path, {"name": "Acme Ltd", "accent": "#00aa00"})
    entries = (await office.owner.get(f"{office.path}/audit")).json["items"]
    assert [(each["action"], each["actor"]) for each in entries] == [
        ("organisation.changed", f"person:{office.owner.email}"),
        ("organisation.created", f"person:{office.owner.email}"),
    ]
    with pytest.raises(asyncpg.RestrictViolationError):
        await track.behind.execute("update audit_entries set actor = 'nobody'")


@pytest.mark.parametrize(
    "change", [{"accent": "red"}, {"logo_url": "javascript:alert(1)"}, {"sender_address": "no"}, {"name": " "},
               {"sender_name": "a\r\nBcc: everybody@example.com"}, {"unknown": "x"}]
)  # fmt: skip
async def test_branding_that_cannot_be_is_refused(track: Any, change: dict[str, str]) -> None:
    office = await track.office()
    assert (await office.owner.request("PATCH", office.path, change)).status == 422
