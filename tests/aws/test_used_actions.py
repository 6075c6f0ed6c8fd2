"""What the running shop calls on AWS is what it is granted, and what is granted and not called has a reason.

The shop of the production design runs here, process by process, with the environments of its containers:
migration, seed, API, worker and schedules; visitors browse and buy. The emulator records who called what.
"""

from __future__ import annotations

import asyncio
import http.client
import json
import secrets
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from tests.aws.deployed import SHOP, Deployment, drop_roles
from tests.aws.emulator import REGION, Emulator

from rung.local.process import free_port
from rung.model.read import load_workload
from rung.parts.design import Design
from rung.parts.values import Reference
from rung.rungs import place
from rung.runtime.bindings import QueueBinding
from rung.runtime.queue.sqs import SqsQueue

#: Granted, and not among the calls of the emulator's record: action, and why it is granted all the same.
UNUSED = {
    "kms:Decrypt": "SQS and Secrets Manager call it in the process's name; nobody sees that call but KMS",
    "kms:GenerateDataKey": "SQS calls it in the sender's name, when a message is encrypted",
    "elasticache:Connect": "a signature that is made here is its whole use; ElastiCache checks it, not an API",
    "sqs:ChangeMessageVisibility": "a heartbeat keeps what is handled for longer than a sixth of its timeout",
    "sqs:GetQueueAttributes": "`statistics()` and readiness: a page for the people of a shop, a check of a task",
    "sqs:SendMessage": "whoever has an outbox empties it, for itself and for a sender that died; a retry, a drain "
    "and a dead letter of each lane are sent too, and not each of them happens in one visit",
}


SMALL_SEED = """
from shop import seed

async def run():
    await seed.fill(list(seed.products(20)))
"""


@pytest.fixture
def design() -> Design:
    return place(load_workload(SHOP / "workload.py"), "prod", rung="fargate")


@pytest.fixture
async def deployment(
    design: Design, aws: Emulator, postgres_url: str, redis_url: str, tmp_path: Path
) -> AsyncIterator[Deployment]:
    deployment = Deployment(design, aws, postgres_url, redis_url, tmp_path)
    yield deployment
    deployment.end()
    await drop_roles(postgres_url, "shop", urlsplit(postgres_url).path.lstrip("/"))


class Visitor:
    """Talks to the API as a browser does, keeping its cookies."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._cookies: dict[str, str] = {}

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=10)
        given = {"content-type": "application/json", **headers}
        if self._cookies:
            given["cookie"] = "; ".join(f"{name}={value}" for name, value in self._cookies.items())
        try:
            connection.request(method, path, None if body is None else json.dumps(body), given)
            answer = connection.getresponse()
            for cookie in answer.headers.get_all("set-cookie") or []:
                name, _, value = cookie.partition(";")[0].partition("=")
                self._cookies[name] = value
            text = answer.read()
        finally:
            connection.close()
        return answer.status, json.loads(text) if text.startswith((b"{", b"[")) else text

    def buy(self, sku: str) -> dict[str, Any]:
        assert self.ask("POST", "/api/cart/lines", {"lines": [{"sku": sku, "quantity": 1}]})[0] == 200
        address = {"line1": "1 Mill Lane", "city": "York", "postcode": "YO1 7HH", "country": "GB"}
        order = {"email": "a@shop.example", "name": "A Buyer", "address": address, "delivery": "collect"}
        key = {"idempotency-key": f"key-{secrets.token_hex(8)}"}
        status, answer = self.ask("POST", "/api/checkout", {**order, "payment_token": "tok_visa"}, **key)
        assert status == 201, answer
        return dict(answer)


async def _until(condition: Callable[[], Any], seconds: float = 30.0) -> Any:
    end = time.monotonic() + seconds
    while not (found := await asyncio.to_thread(condition)):
        assert time.monotonic() < end, condition
        await asyncio.sleep(0.05)
    return found


def _is_ready(port: int) -> bool:
    try:
        return Visitor(port).ask("GET", "/ready")[0] == 200
    except OSError:
        return False


@pytest.mark.timeout(150)
async def test_what_the_running_shop_calls_is_what_it_is_granted(deployment: Deployment) -> None:
    await asyncio.to_thread(deployment.run, "db-migrate")
    port = await _a_small_shop(deployment)
    visitor = Visitor(port)
    sku = await asyncio.to_thread(_a_sku, visitor)
    orders = [await asyncio.to_thread(visitor.buy, sku) for _ in range(3)]
    for order in orders:
        await _until(
            lambda order=order: visitor.ask("GET", f"/api/orders/{order['id']}")[1]["status"] == "shipped"
        )
    await _an_order_that_is_none(deployment)
    for schedule in ("expire-carts", "expire-reservations"):
        await asyncio.to_thread(deployment.run, schedule)
    await asyncio.to_thread(deployment.end)

    used, granted = deployment.used(), _granted(deployment.design)
    assert not used - granted, "called and not granted: on AWS this is AccessDenied"
    assert {action for _, action, _, _ in used} == {
        "secretsmanager:GetSecretValue", "sqs:SendMessage", "sqs:ReceiveMessage", "sqs:DeleteMessage",
        "sqs:GetQueueAttributes",
    }  # fmt: skip
    unexplained = {each for each in granted - used if each[1] not in UNUSED}
    assert not unexplained, "granted, not called, and no reason in UNUSED"
    assert not set(UNUSED) - {action for _, action, _, _ in granted - used}, "a reason for what is used"


async def _a_small_shop(deployment: Deployment) -> int:
    """Seed, API and worker; the API's port."""
    (deployment.folder / "small_seed.py").write_text(SMALL_SEED)
    await asyncio.to_thread(deployment.run, "seed", *_with(deployment, "seed", "--handler", "small_seed:run"))
    port = free_port()
    deployment.start("api", *_with(deployment, "api", "--port", str(port)))
    deployment.start("fulfil")
    await _until(lambda: _is_ready(port))
    return port


def _with(deployment: Deployment, part: str, option: str, value: str) -> list[str]:
    """The part's command, with another value of one option."""
    command = deployment.design.by_name[part].container.command  # type: ignore[union-attr]
    return [value if before == option else word for before, word in zip(("", *command), command, strict=False)]


def _a_sku(visitor: Visitor) -> str:
    _, listing = visitor.ask("GET", "/api/products")
    _, product = visitor.ask("GET", f"/api/products/{listing['items'][0]['slug']}")
    return str(product["variants"][0]["sku"])


async def _an_order_that_is_none(deployment: Deployment) -> None:
    """Refused by the worker for good, so a dead letter with the reason."""
    text = deployment.environment(deployment.design.by_name["api"].container, "setup")  # type: ignore[union-attr]
    fields = json.loads(text["RUNG_BINDING_ORDERS"])
    places = {name: fields[name] for name in ("urls", "dead_letter_urls", "lanes")}
    queue = SqsQueue("orders", QueueBinding(adapter="sqs", region=REGION, **places))
    await queue.send({"order": "00000000-0000-0000-0000-000000000000", "step": "fulfil"}, lane="fulfilment")
    async with asyncio.timeout(30):
        while not (letters := await queue.dead_letters()):  # noqa: ASYNC110 - the worker acts
            await asyncio.sleep(0.05)
    await queue.close()
    assert letters[0].reason.startswith("there is no order")


def _granted(design: Design) -> set[tuple[str, str, str, str]]:
    return {
        (statement.principal, action, resource.part, resource.output)
        for statement in design.statements
        for action in statement.actions
        for resource in statement.resources
        if isinstance(resource, Reference)
    }
