"""What is sent to services and hosts, which answers are tried again, and which addresses are never called."""

from __future__ import annotations

from ipaddress import ip_network
from typing import Any

import pytest
from tests.runtime.bus.conftest import Service

from rung.runtime.bus.event import EVENT_HEADER
from rung.runtime.bus.post import post
from rung.runtime.bus.targets import Delivery, LaterError, RefusedError, to_host, to_service, to_workflow
from rung.runtime.webhooks.guard import Policy

DELIVERY = Delivery(
    body=b'{"order":7}', key="calls-1",
    headers={EVENT_HEADER: "1", "x-correlation-id": "abc", "x-rung-tenant": "acme", "x-rung-user": "u7"},
)  # fmt: skip
HERE = (ip_network("127.0.0.0/8"),)


def policy_of(service: Service) -> Policy:
    """The public internet, and this service."""
    return Policy(ports=(int(service.url.rpartition(":")[2]),), schemes=("http",), allowed=HERE)


@pytest.mark.parametrize(
    ("status", "error"),
    [(408, LaterError), (409, LaterError), (429, LaterError), (500, LaterError), (503, LaterError),
     (302, RefusedError), (400, RefusedError), (404, RefusedError), (410, RefusedError)],
)  # fmt: skip
@pytest.mark.parametrize("kind", ["service", "host"])
async def test_an_answer_is_tried_again_or_given_up(kind: str, status: int, error: type[Exception]) -> None:
    service = Service(1)
    service.status = status
    async with service.running():
        url = f"{service.url}/events"
        send: Any = to_service(url) if kind == "service" else to_host(url, 5.0, policy_of(service))
        with pytest.raises(error, match=str(status)):
            await send(DELIVERY)
        await send(DELIVERY)
    (taken,) = service.taken
    assert taken.body == {"order": 7}
    assert (
        taken.headers.items()
        >= {"idempotency-key": "calls-1", EVENT_HEADER: "1", "x-correlation-id": "abc"}.items()
    )
    assert not {"x-rung-tenant", "x-rung-user"} & taken.headers.keys()


async def test_an_address_inside_is_never_called() -> None:
    service = Service(0)
    async with service.running():
        for url in (f"https://{service.url[7:]}/events", "https://localhost/", "https://169.254.169.254/latest"):
            with pytest.raises(RefusedError):
                await to_host(url, 5.0)(DELIVERY)
    assert service.taken == []


async def test_a_workflow_has_one_run_for_each_event() -> None:
    started: list[tuple[Any, str]] = []

    class Onboarding:
        async def start(self, given: Any, *, id: str) -> None:  # noqa: A002 - the workflow's own name for it
            started.append((given, id))

    workflow: Any = Onboarding()
    await to_workflow(workflow)(DELIVERY)
    assert started == [({"order": 7}, "calls-1")]


async def test_a_header_cannot_begin_a_second_request() -> None:
    service = Service(0)
    async with service.running():
        with pytest.raises(ValueError, match="does not take"):
            await post(service.url, b"{}", {"x-correlation-id": "abc\r\nhost: elsewhere"})
    assert service.taken == []


async def test_what_is_no_http_is_an_error_and_not_an_answer() -> None:
    with pytest.raises(OSError, match="Connect call failed"):
        await post("http://127.0.0.1:1/", b"{}", {})
