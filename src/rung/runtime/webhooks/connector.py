"""The two places in aiohttp where the guard stands: names to addresses, and addresses to sockets."""

from __future__ import annotations

import socket
from ipaddress import IPv4Address, ip_address
from typing import Any

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from rung.runtime.webhooks.addresses import why_refused
from rung.runtime.webhooks.errors import AddressRefusedError
from rung.runtime.webhooks.guard import Policy, Resolve, checked_addresses

KEEPALIVE_SECONDS = 15.0


class _CheckedResolver(AbstractResolver):
    """Answers aiohttp with checked addresses only; one lookup per connection, none remembered."""

    def __init__(self, policy: Policy, resolve: Resolve) -> None:
        self._policy = policy
        self._resolve = resolve

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """The addresses of `host`. Raises AddressRefusedError, OSError."""
        del family
        found = await checked_addresses(host, port, policy=self._policy, resolve=self._resolve)
        return [
            ResolveResult(
                hostname=host,
                host=str(address),
                port=port,
                family=socket.AF_INET if isinstance(address, IPv4Address) else socket.AF_INET6,
                proto=0,
                flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
            )
            for address in found
        ]

    async def close(self) -> None:
        """Nothing is open."""


def guarded_connector(policy: Policy, resolve: Resolve, connections: int) -> aiohttp.TCPConnector:
    """Connections of an aiohttp session that go nowhere else."""

    def make_socket(info: tuple[Any, Any, int, str, tuple[Any, ...]]) -> socket.socket:
        family, kind, protocol, _, target = info
        why = why_refused(ip_address(target[0]), policy.allowed)
        if policy.ports and target[1] not in policy.ports:
            why = f"port {target[1]}"
        if why is not None:
            raise AddressRefusedError(f"{target[0]}: {why}")
        return socket.socket(family, kind, protocol)

    return aiohttp.TCPConnector(
        resolver=_CheckedResolver(policy, resolve),
        use_dns_cache=False,
        socket_factory=make_socket,
        limit=connections,
        keepalive_timeout=KEEPALIVE_SECONDS,
    )
