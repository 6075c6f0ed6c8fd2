"""The table of operations: every one is described, and none is open that should not be."""

from __future__ import annotations

import re
import uuid
from typing import Any

import pytest


def _operations() -> Any:
    from track.api.routes import OPERATIONS

    return OPERATIONS


def _kind(operation: Any) -> str:
    return type(operation.access).__name__


def _path(operation: Any, organisation: str) -> str:
    filled = operation.path.replace("{organisation}", organisation)
    return re.sub(r"{\w+}", lambda _: str(uuid.uuid4()), filled)


async def test_every_operation_of_an_organisation_is_closed_to_strangers_and_to_nobody(track: Any) -> None:
    office, stranger = await track.office(), track.browser()
    await stranger.sign_up()
    within = [each for each in _operations() if _kind(each) == "Within"]
    assert len(within) > 40
    for operation in within:
        path = _path(operation, office.id)
        asked = await stranger.request(operation.method, path, {})
        assert (asked.status, asked.json["detail"]) == (404, "the organisation was not found"), operation.name
        assert (await track.browser().request(operation.method, path, {})).status == 401, operation.name
    for other in ("x", "*", "a" * 20 + "'", "A" * 20):
        assert (await stranger.get(f"/api/organisations/{other}")).status == 404


async def test_every_change_of_a_person_needs_the_token(track: Any) -> None:
    office = await track.office()
    office.owner.csrf_token = "wrong"
    for operation in _operations():
        if operation.method == "GET" or _kind(operation) in ("Anybody", "Outside"):
            continue
        answer = await office.owner.request(operation.method, _path(operation, office.id), {})
        assert (answer.status, answer.json["code"]) == (403, "csrf_token"), operation.name


async def test_the_document_describes_every_operation(track: Any) -> None:
    document = (await track.browser().get("/api/openapi.json")).json
    described = {
        (method.upper(), path): each
        for path, methods in document["paths"].items()
        for method, each in methods.items()
    }
    operations = _operations()
    assert set(described) == {(each.method, each.path) for each in operations}
    assert len({each["operationId"] for each in described.values()}) == len(operations)
    for key, each in described.items():
        assert each["description"], key
        assert {name["name"] for name in each["parameters"] if name["in"] == "path"} == set(
            re.findall(r"{(\w+)}", key[1])
        )
    text = str(document)
    names = set(re.findall(r"#/components/schemas/(\w+)", text))
    assert names <= set(document["components"]["schemas"])


@pytest.mark.parametrize(
    ("body", "pointers"),
    [
        ({"password": "long enough, it is"}, ["/email"]),
        ({"email": 3, "password": "long enough, it is"}, ["/email"]),
        ({"email": "nobody", "password": "long enough, it is"}, ["/email"]),
        ({"email": "a@b.example", "password": "short"}, ["/password"]),
        ({"email": "a@b.example", "password": "long enough, it is", "organisation": ""}, ["/organisation"]),
        ({"email": "a@b.example", "password": "long enough, it is", "a/b~": ""}, ["/a~1b~0"]),
        ([], None),
    ],
)
async def test_a_problem_with_the_body_names_the_field(track: Any, body: Any, pointers: list[str] | None) -> None:
    refused = await track.browser().post("/api/sign-up", body)
    assert (refused.status, refused.json["code"]) == (422, "invalid")
    errors = refused.json.get("errors")
    assert (errors and [each["pointer"] for each in errors]) == pointers
    assert errors is None or errors[0]["detail"] == refused.json["detail"]


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ("Expected `int`, got `str` - at `$.seats`", "seats"),
        ("Object missing required field `email` - at `$.recipients[12]`", "recipients/12/email"),
        ("Expected `str`, got `int` - at `$.recipients[0].variables[...]`", "recipients/0/variables"),
        ("Expected `object`, got `array`", ""),
        ("Input data was truncated", ""),
    ],
)
def test_what_the_decoder_says_of_a_place(said: str, field: str) -> None:
    from track.api.messages import field_of

    assert field_of(said) == field


async def test_only_owners_and_admins_manage(track: Any) -> None:
    roles = {each.name: each.access.role for each in _operations() if _kind(each) == "Within"}
    assert {name for name, role in roles.items() if role == "owner"} == {
        "begin_checkout", "cancel_plan", "change_plan", "erase_organisation", "export_organisation",
        "let_local_billing_happen", "preview_plan",
    }  # fmt: skip
    for name in ("create_key", "create_webhook", "invite_member", "erase_subject", "change_organisation"):
        assert roles[name] == "admin"
