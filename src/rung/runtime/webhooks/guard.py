"""Calling addresses that strangers name, without being sent to where strangers may not go (SSRF).

A name is resolved once, every address of the answer is checked, and the socket goes to exactly one of those: a
second answer of the resolver ("rebinding") is never asked for. The check stands twice: where names become
addresses, and where sockets are made, so that what never was a name (an address in a URL) meets it too.
"""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any
from urllib.parse import SplitResult, urlsplit

from rung.runtime.webhooks.addresses import Address, Network, literal_address, why_refused
from rung.runtime.webhooks.errors import NO_EXTRA, AddressRefusedError, WebhookError

if TYPE_CHECKING:
    import aiohttp

RESOLVE_SECONDS = 5.0
URL_LENGTH_MAX = 2048
_NAME = re.compile(
    r"(?=.{1,253}\.?$)([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])?\.?", re.ASCII
)
#: Lookups block a thread each: slow ones wait for each other here, and for nothing else of the process.
_LOOKUPS = ThreadPoolExecutor(max_workers=16, thread_name_prefix="rung-lookup")

#: From a name and a port to its addresses. Raises OSError.
Resolve = Callable[[str, int], Awaitable[Sequence[str]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Where calls may go. `allowed`: networks of one's own that are called although they are private."""

    ports: tuple[int, ...] = (443,)
    schemes: tuple[str, ...] = ("https",)
    allowed: tuple[Network, ...] = field(default=())

    def with_plain_http(self) -> Policy:
        """The same, and `http` on port 80: nothing on the way is secret or proven then."""
        return Policy(ports=(*self.ports, 80), schemes=(*self.schemes, "http"), allowed=self.allowed)


PUBLIC = Policy()


async def system_resolve(host: str, port: int) -> Sequence[str]:
    """The machine's own resolver, in a thread. Raises OSError."""
    ask = (host, port, 0, socket.SOCK_STREAM)
    found = await asyncio.get_running_loop().run_in_executor(_LOOKUPS, socket.getaddrinfo, *ask)
    return list(dict.fromkeys(str(each[4][0]) for each in found))


def checked_url(url: str, policy: Policy = PUBLIC) -> SplitResult:
    """The parts of a URL that may be called, as far as its text tells. Raises AddressRefusedError.

    For when somebody registers it: an answer then is better than a failed delivery. What counts is
    `checked_addresses`, at the moment of the call.
    """
    if len(url) > URL_LENGTH_MAX or not url.isascii() or any(character <= " " for character in url):
        raise AddressRefusedError(f"a URL is at most {URL_LENGTH_MAX} ASCII characters without spaces")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise AddressRefusedError(f"not a URL: {error}") from None
    if parts.scheme not in policy.schemes:
        raise AddressRefusedError(f"scheme {parts.scheme!r}; allowed: {', '.join(policy.schemes)}")
    if parts.username is not None or parts.password is not None or "\\" in url:
        raise AddressRefusedError("a URL with a user, a password or a backslash")
    _checked_host(host or "", policy)
    _check_port(port or (443 if parts.scheme == "https" else 80), policy)
    return parts


def _check_port(port: int, policy: Policy) -> None:
    if port not in policy.ports and policy.ports:
        raise AddressRefusedError(f"port {port}; allowed: {', '.join(map(str, policy.ports))}")


def _checked_host(host: str, policy: Policy) -> Address | None:
    """The address that the host is, if it is one and may be called; None for a name."""
    try:
        address = literal_address(host)
    except ValueError as error:
        raise AddressRefusedError(f"host {host[:80]!r}: {error}") from None
    if address is not None:
        _require_public(address, host, policy)
    elif _NAME.fullmatch(host.lower()) is None and not (policy.allowed and host == "localhost"):
        raise AddressRefusedError(f"host {host[:80]!r} is no public name")
    return address


def _require_public(address: Address, host: str, policy: Policy) -> None:
    why = why_refused(address, policy.allowed)
    if why is not None:
        raise AddressRefusedError(f"host {host[:80]!r} is {address}: {why}")


async def checked_addresses(
    host: str,
    port: int = 443,
    *,
    policy: Policy = PUBLIC,
    resolve: Resolve = system_resolve,
    timeout_seconds: float = RESOLVE_SECONDS,
) -> list[Address]:
    """The addresses of `host`, each of which may be called. Asks the resolver once.

    Raises AddressRefusedError when one of them may not be (a name with a public and a private address is a trick),
    or when there is none; UnavailableError never: no answer is OSError or TimeoutError.
    """
    _check_port(port, policy)
    literal = _checked_host(host, policy)
    if literal is not None:
        return [literal]
    async with asyncio.timeout(timeout_seconds):
        addresses = [ip_address(text) for text in await resolve(host.lower(), port)]
    for address in addresses:
        _require_public(address, host, policy)
    if not addresses:
        raise AddressRefusedError(f"host {host[:80]!r} has no address")
    return addresses


def guarded_client(
    policy: Policy = PUBLIC,
    *,
    resolve: Resolve = system_resolve,
    connections: int = 200,
    timeout_seconds: float = 20.0,
    **options: Any,
) -> aiohttp.ClientSession:
    """An aiohttp session that reaches only what `policy` allows. Close it as any session.

    Each call in all takes at most `timeout_seconds`, the lookup included. Proxies of the environment are not used
    and answers not decompressed. A redirect would be checked as well; say `allow_redirects=False` to follow none.
    Raises WebhookError (R0547) without the extra.
    """
    try:
        import aiohttp
    except ImportError as error:
        raise WebhookError(NO_EXTRA, "calling out needs the extra: pip install 'rung[webhooks]'") from error
    from rung.runtime.webhooks.connector import guarded_connector

    connector = guarded_connector(policy, resolve, connections)
    timeout = aiohttp.ClientTimeout(total=timeout_seconds, sock_connect=min(10.0, timeout_seconds))
    return aiohttp.ClientSession(
        connector=connector,
        timeout=timeout,
        trust_env=False,
        auto_decompress=False,
        cookie_jar=aiohttp.DummyCookieJar(),
        **options,
    )
