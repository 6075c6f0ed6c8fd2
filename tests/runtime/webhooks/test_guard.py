"""The guard: which addresses, hosts and URLs are called for strangers, and that a name is resolved once."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rung.runtime.webhooks import AddressRefusedError, Policy
from rung.runtime.webhooks.addresses import why_refused
from rung.runtime.webhooks.guard import checked_addresses, checked_url
from rung.runtime.webhooks.policy import policy_of_environment


def _words(text: str) -> list[str]:
    return text.split()


REFUSED = _words("""
0.0.0.0 10.0.0.1 10.255.255.255 100.64.0.1 100.100.100.200 127.0.0.1 127.255.255.254 168.63.129.16
169.254.169.254 169.254.170.2 169.254.170.23 172.16.0.1 172.31.255.255 192.0.0.192 192.0.2.1
192.88.99.1 192.168.1.1 198.18.0.1 198.51.100.7 203.0.113.9 224.0.0.1 239.255.255.250 240.0.0.1
255.255.255.255 :: ::1 ::127.0.0.1 ::ffff:169.254.169.254 ::ffff:8.8.8.8 64:ff9b::a9fe:a9fe
64:ff9b::8.8.8.8 64:ff9b:1::1 100::1 2001::1 2001:10::1 2001:db8::1 2002:a9fe:a9fe::1
2002:808:808::1 3fff::1 5f00::1 fc00::1 fd00:ec2::254 fe80::1 fe80::1%1 fec0::1 ff02::1
2600:1f18::5efe:a00:1 2600:1f18::200:5efe:a00:1
""")
PUBLIC = _words("""
1.1.1.1 8.8.8.8 52.94.236.248 172.32.0.1 100.128.0.1 2606:4700::1111 2a00:1450:4001::1 2600:1f18::1
""")


@pytest.mark.parametrize("text", REFUSED)
def test_not_public(text: str) -> None:
    assert why_refused(ip_address(text)) is not None


@pytest.mark.parametrize("text", PUBLIC)
def test_public(text: str) -> None:
    assert why_refused(ip_address(text)) is None


@given(st.ip_addresses(v=4))
def test_what_the_library_calls_private_is_refused(address: object) -> None:
    """Ours refuses at least what `ipaddress` refuses, whichever release of Python judges."""
    if not address.is_global or address.is_multicast:  # type: ignore[attr-defined]
        assert why_refused(address) is not None  # type: ignore[arg-type]


@given(st.ip_addresses(v=6))
def test_the_same_for_v6(address: object) -> None:
    if not address.is_global or address.is_multicast:  # type: ignore[attr-defined]
        assert why_refused(address) is not None  # type: ignore[arg-type]


def test_allowed_networks_alone_are_excepted() -> None:
    allowed = (ip_network("10.1.0.0/24"),)
    assert why_refused(ip_address("10.1.0.7"), allowed) is None
    assert why_refused(ip_address("10.1.1.7"), allowed) is not None
    assert why_refused(ip_address("::ffff:10.1.0.7"), allowed) is not None


@pytest.mark.parametrize(
    "url",
    _words("""
http://example.com/ ftp://example.com/ file:///etc/passwd gopher://example.com/ //example.com/
example.com https://example.com:8443/ https://example.com:80/ https://user@example.com/
https://u:p@example.com/ https://example.com\\@169.254.169.254/ https://169.254.169.254/latest
https://2852039166/ https://0xa9fea9fe/ https://0xa9.254.169.254/ https://0251.0376.0251.0376/
https://169.254.43518/ https://127.1/ https://0/ https://[::1]/ https://[::ffff:169.254.169.254]/
https://[fe80::1%25eth0]/ https://localhost/ https://intranet/ https://example.com.\u0661/
https://1.1.1.1.0x7f/ https://exa%6dple.com/ https:/// https:// https://.example.com/
https://a..b.com/ https://[1.1.1.1]/ https://example.com:port/ https://example.com:70000/
"""),
)
def test_urls_refused(url: str) -> None:
    with pytest.raises(AddressRefusedError):
        checked_url(url)


@pytest.mark.parametrize(
    "text", ["https://example.com/a b", "https://example.com/\n", "https://e.com/" + "a" * 3000]
)
def test_urls_that_are_none(text: str) -> None:
    with pytest.raises(AddressRefusedError):
        checked_url(text)


@pytest.mark.parametrize(
    "url",
    _words("""
https://example.com/ https://example.com https://EXAMPLE.com:443/x?y=z https://a.b-c.example.com./h
https://xn--bcher-kva.example/ https://1.1.1.1/ https://[2606:4700::1111]/
https://_dmarc.example.com/
"""),
)
def test_urls_taken(url: str) -> None:
    assert checked_url(url).scheme == "https"


def test_plain_http_is_asked_for() -> None:
    policy = Policy().with_plain_http()
    assert checked_url("http://example.com/", policy).scheme == "http"
    with pytest.raises(AddressRefusedError):
        checked_url("http://example.com:8080/", policy)


class Resolver:
    """Answers one list after the other, and counts."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        self.asked.append(host)
        return self.answers[min(len(self.asked), len(self.answers)) - 1]


async def test_one_lookup_all_addresses_checked() -> None:
    resolver = Resolver(["1.1.1.1", "2606:4700::1111"])
    found = await checked_addresses("Example.com", resolve=resolver)
    assert [str(address) for address in found] == ["1.1.1.1", "2606:4700::1111"]
    assert resolver.asked == ["example.com"]


@pytest.mark.parametrize("answer", [["10.0.0.1"], ["1.1.1.1", "127.0.0.1"], ["::ffff:1.1.1.1"], []])
async def test_one_bad_address_refuses_the_name(answer: list[str]) -> None:
    with pytest.raises(AddressRefusedError):
        await checked_addresses("example.com", resolve=Resolver(answer))


async def test_addresses_need_no_lookup() -> None:
    resolver = Resolver(["10.0.0.1"])
    assert [str(address) for address in await checked_addresses("1.1.1.1", resolve=resolver)] == ["1.1.1.1"]
    for host in ("169.254.169.254", "2852039166"):
        with pytest.raises(AddressRefusedError):
            await checked_addresses(host, resolve=resolver)
    with pytest.raises(AddressRefusedError, match="port 22"):
        await checked_addresses("example.com", 22, resolve=resolver)
    assert resolver.asked == []


def test_policy_of_the_environment() -> None:
    """Only `rung dev` may call this machine, and only its loopback."""
    local = policy_of_environment({"RUNG_ENVIRONMENT": "local"})
    assert checked_url("http://127.0.0.1:8025/hook", local).port == 8025
    assert checked_url("http://localhost:8025/hook", local).port == 8025
    with pytest.raises(AddressRefusedError):
        checked_url("http://169.254.169.254/", local)
    for environment in ({}, {"RUNG_ENVIRONMENT": "prod"}, {"RUNG_WEBHOOKS_PLAIN_HTTP": "1"}):
        with pytest.raises(AddressRefusedError):
            checked_url("http://127.0.0.1/", policy_of_environment(environment))
