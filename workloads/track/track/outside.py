"""Calls to hosts of others: to those that workload.py declares, at public addresses, bounded in time and size."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import TypeAlias

from rung.runtime.webhooks.errors import AddressRefusedError
from rung.runtime.webhooks.guard import PUBLIC, Policy, checked_url, guarded_client

ANSWER_BYTES_MAX = 256_000
CALL_SECONDS = 5.0

#: From an address, and a form where it is posted, to status and body. Raises OSError, TimeoutError.
Fetch: TypeAlias = Callable[[str, Mapping[str, str] | None], Awaitable[tuple[int, bytes]]]


def calling(hosts: tuple[str, ...], policy: Policy = PUBLIC) -> Fetch:
    """Calls to these hosts and no others; no redirect is followed."""

    async def fetch(address: str, form: Mapping[str, str] | None) -> tuple[int, bytes]:
        try:
            if checked_url(address, policy).hostname not in hosts:
                raise OSError("a host that is not declared")
            async with (
                guarded_client(policy, connections=1, timeout_seconds=CALL_SECONDS) as session,
                session.request(
                    "GET" if form is None else "POST", address, data=form, allow_redirects=False,
                    headers={"accept": "application/json"},
                ) as answer,
            ):  # fmt: skip
                body = b""
                while len(body) < ANSWER_BYTES_MAX and (more := await answer.content.read(ANSWER_BYTES_MAX)):
                    body += more
                return answer.status, body[:ANSWER_BYTES_MAX]
        except AddressRefusedError as error:
            raise OSError(str(error)) from error

    return fetch
