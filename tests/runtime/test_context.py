"""One correlation id, tenant, user and deadline per action, and nothing that a stranger can forge."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rung.runtime.context import (
    CORRELATION_HEADER,
    DEADLINE_HEADER,
    TENANT_HEADER,
    USER_HEADER,
    Context,
    Deadline,
    Tenant,
    current,
    from_headers,
    serving,
    serving_tenant,
    to_headers,
)
from rung.runtime.errors import DeadlineExceededError, TenantError


@pytest.mark.parametrize(
    "text",
    [
        "",
        "' OR 1=1--",
        "x'; SET app.tenant='b'",
        "a\0b",
        "\u202eabc",
        "x" * 65,
        "x" * 10_000,
        "аcme",
        "-a",
        "a b",
        "１",
    ],
)
def test_what_is_not_a_tenant_id_is_refused(text: str) -> None:
    with pytest.raises(TenantError):
        Tenant(text)


@given(st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}", fullmatch=True))
def test_headers_carry_the_context_to_a_trusted_receiver(tenant_id: str) -> None:
    sent = Context(correlation_id="abc-1", tenant=Tenant(tenant_id), user="u1")
    assert from_headers(to_headers(sent), trusted=True) == sent


def test_the_public_chooses_neither_tenant_nor_user() -> None:
    context = from_headers({TENANT_HEADER: "acme", USER_HEADER: "root"}, trusted=False)
    assert context.tenant is None
    assert context.user is None


@pytest.mark.parametrize("forged", ["a\nlevel=error", "x" * 129, "", "ä"])
def test_a_correlation_id_cannot_forge_a_log_line(forged: str) -> None:
    context = from_headers({CORRELATION_HEADER: forged}, trusted=False)
    assert context.correlation_id != forged
    assert len(context.correlation_id) == 32


@pytest.mark.parametrize("text", ["-1", "1e9", "999999999", "٣", "soon"])
def test_a_deadline_that_is_not_one_is_ignored(text: str) -> None:
    assert from_headers({DEADLINE_HEADER: text}, trusted=False).deadline is None


def test_a_deadline_travels_as_the_time_that_is_left() -> None:
    headers = to_headers(Context(correlation_id="a", deadline=Deadline.after(5)))
    assert 4900 <= int(headers[DEADLINE_HEADER]) <= 5000
    with pytest.raises(DeadlineExceededError):
        Deadline.after(-1).require()


async def test_tasks_do_not_see_each_others_context() -> None:
    async def serve(name: str) -> str:
        with serving(Context(correlation_id=name)), serving_tenant(name):
            await asyncio.sleep(0)
            return f"{current().correlation_id} {current().tenant}"

    one, two = await asyncio.gather(serve("one"), serve("two"))
    assert "one" in one
    assert "one" not in two
