"""Which addresses of the internet are really there, for a caller who calls on behalf of strangers.

Listed are the ranges that are *not*: private, loopback, link-local (where clouds keep their metadata), carrier
NAT, multicast, documentation, and every form of IPv6 that wraps an IPv4 address. Written out instead of taken from
`ipaddress.is_global`, whose answer changed between releases of Python (CVE-2024-4032).
Sources: https://www.iana.org/assignments/iana-ipv4-special-registry and .../iana-ipv6-special-registry
(read 2026-11-21).
"""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import TypeAlias

Address: TypeAlias = IPv4Address | IPv6Address
Network: TypeAlias = IPv4Network | IPv6Network

_REFUSED_4: dict[str, str] = {
    "0.0.0.0/8": "this network",
    "10.0.0.0/8": "private",
    "100.64.0.0/10": "shared by carriers (CGNAT)",
    "127.0.0.0/8": "loopback",
    "168.63.129.16/32": "the host of a virtual machine on Azure",
    "169.254.0.0/16": "link-local, where clouds keep their metadata",
    "172.16.0.0/12": "private",
    "192.0.0.0/24": "reserved by the IETF",
    "192.0.2.0/24": "documentation",
    "192.31.196.0/24": "AS112",
    "192.52.193.0/24": "AMT",
    "192.88.99.0/24": "6to4 relays",
    "192.168.0.0/16": "private",
    "192.175.48.0/24": "AS112",
    "198.18.0.0/15": "benchmarks",
    "198.51.100.0/24": "documentation",
    "203.0.113.0/24": "documentation",
    "224.0.0.0/4": "multicast",
    "240.0.0.0/4": "reserved, broadcast",
}
#: Everything else of IPv6 is nobody's yet, local, multicast, or wraps an IPv4 address (mapped, NAT64).
_UNICAST_6 = IPv6Network("2000::/3")
_REFUSED_6: dict[str, str] = {
    "2001::/23": "reserved by the IETF (Teredo, ORCHID, benchmarks)",
    "2001:db8::/32": "documentation",
    "2002::/16": "wraps IPv4 (6to4)",
    "2620:4f:8000::/48": "AS112",
    "3fff::/20": "documentation",
}
_OUTSIDE_6: dict[str, str] = {
    "::/128": "unspecified",
    "::1/128": "loopback",
    "::ffff:0:0/96": "wraps IPv4 (mapped)",
    "64:ff9b::/96": "wraps IPv4 (NAT64)",
    "64:ff9b:1::/48": "wraps IPv4 (NAT64)",
    "fc00::/7": "private",
    "fe80::/10": "link-local",
    "ff00::/8": "multicast",
}
_NETWORKS_4 = [(IPv4Network(text), why) for text, why in _REFUSED_4.items()]
_NETWORKS_6 = [(IPv6Network(text), why) for text, why in _REFUSED_6.items()]
_NETWORKS_OUTSIDE_6 = [(IPv6Network(text), why) for text, why in _OUTSIDE_6.items()]
#: The end of an IPv6 address that carries an IPv4 address over a network of the IPv4 kind (ISATAP, RFC 5214).
_ISATAP = {0x00005EFE, 0x02005EFE}


def why_refused(address: Address, allowed: Sequence[Network] = ()) -> str | None:
    """Why nobody may have us call `address`; None when it is a public one, or in an `allowed` network."""
    if any(address in network for network in allowed if network.version == address.version):
        return None
    if isinstance(address, IPv4Address):
        return next((why for network, why in _NETWORKS_4 if address in network), None)
    if address.scope_id is not None:
        return "names an interface of this machine"
    if address not in _UNICAST_6:
        return next((why for network, why in _NETWORKS_OUTSIDE_6 if address in network), "not in use")
    if (int(address) >> 32) & 0xFFFFFFFF in _ISATAP:
        return "wraps IPv4 (ISATAP)"
    return next((why for network, why in _NETWORKS_6 if address in network), None)


def literal_address(host: str) -> Address | None:
    """The address that `host` is, in its one canonical form; None for a name. Raises ValueError for other forms.

    `2852039166`, `0xa9fea9fe`, `0251.0376.0251.0376` and `127.1` are addresses to a C library, and names to
    whoever compares text: they are neither here.
    """
    try:
        return ip_address(host.removeprefix("[").removesuffix("]"))
    except ValueError:
        last = host.removesuffix(".").rsplit(".", 1)[-1].lower()
        if ":" in host or "%" in host or last.isdigit() or last.startswith("0x"):
            raise ValueError("an address in a form that programs read differently") from None
        return None
