"""The approval page: a GET decides nothing, a POST decides once, and a link that was not signed finds nothing."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest

from rung.runtime.workflow import ApprovalRequest, RunHandle, WorkflowContext
from rung.runtime.workflow.approvals import Approvals
from rung.runtime.workflow.tokens import is_signed, token_of
from rung.testing.asgi import Answer, call
from rung.testing.workflows import KEY, WorkflowRunner


class Asked:
    """A run that waits for a person, and the page of its link."""

    def __init__(self) -> None:
        self.requests: list[ApprovalRequest] = []
        self.runner = WorkflowRunner({"hiring": self._flow})
        self.app = Approvals(lambda: self.runner.store, lambda: KEY)
        self.run: RunHandle

    async def _flow(self, context: WorkflowContext, given: Any) -> Any:
        answer = await context.approval("the <offer>", notify=self.requests.append, timeout_seconds=3_600)
        return [answer.approved, answer.by, answer.remark]

    async def get(self, path: str = "", method: str = "GET") -> Answer:
        return await call(self.app, path or self.requests[0].url("/approvals"), method=method)

    async def post(self, body: bytes | dict[str, str]) -> Answer:
        encoded = body if isinstance(body, bytes) else urlencode(body).encode()
        return await call(self.app, self.requests[0].url("/approvals"), method="POST", chunks=[encoded])


@pytest.fixture
async def asked() -> Asked:
    found = Asked()
    found.run = await found.runner.start("hiring")
    await found.runner.settle()
    return found


async def test_a_get_shows_the_question_and_decides_nothing(asked: Asked) -> None:
    for _ in range(3):  # the person, a mail scanner, a preview
        page = await asked.get()
        assert page.status == 200
        assert b"Approve: the &lt;offer&gt;?" in page.body
        assert b"<label for='by'>" in page.body
    assert page.headers["cache-control"] == "no-store"
    assert page.headers["referrer-policy"] == "no-referrer"
    assert "frame-ancestors 'none'" in page.headers["content-security-policy"]
    head = await asked.get(method="HEAD")
    assert (head.status, head.body) == (200, b"")
    status = await asked.run.status()
    assert status is not None
    assert status.state == "waiting"


async def test_a_post_decides_once(asked: Asked) -> None:
    form = {"decision": "reject", "by": "Ada", "remark": "too <dear>"}
    answer = await asked.post(form)
    assert (answer.status, b"is rejected" in answer.body) == (200, True)
    again = await asked.post({"decision": "approve"})
    assert (again.status, b"was rejected already" in again.body) == (409, True)
    assert b"Already decided" in (await asked.get()).body
    assert await asked.runner.result(asked.run) == [False, "Ada", "too <dear>"]


async def test_what_is_no_decision_decides_nothing(asked: Asked) -> None:
    for body in (b"", b"decision=maybe", b"decision=approve&remark=" + b"x" * 10_000, b"\xff\xfe"):
        assert (await asked.post(body)).status == 400
    assert (await asked.get(method="PUT")).status == 405
    assert b"Approve:" in (await asked.get()).body


async def test_a_link_that_is_too_old_says_so(asked: Asked) -> None:
    await asked.runner.settle(until=asked.runner.clock.now() + timedelta(hours=2))
    assert b"Too late" in (await asked.get()).body
    assert (await asked.post({"decision": "approve"})).status == 409


async def test_a_link_that_nobody_signed_finds_nothing(asked: Asked) -> None:
    token = asked.requests[0].token
    forged = [token[:-2], "A" + token[1:], token_of(b"another key of enough length", 1, "0"), "x", "", "%00", "é"]
    for each in forged:
        assert (await asked.get(f"/approvals/{each}")).status == 404
        assert not is_signed(KEY, each)
    assert is_signed(KEY, token)
