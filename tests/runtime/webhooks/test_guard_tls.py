"""The guarded client over TLS: the socket goes to the checked address, and the certificate proves the name."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from rung.runtime.webhooks import Policy
from rung.runtime.webhooks.guard import guarded_client

NAME, ADDRESS = "hooks.example", "127.0.0.2"
POLICY = Policy(ports=(), allowed=(ip_network(f"{ADDRESS}/32"),))


def _certificate(folder: Path) -> Path:
    """A certificate of NAME and its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, NAME)])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(key.public_key())
    builder = builder.serial_number(7).not_valid_before(now - timedelta(days=1))
    builder = builder.not_valid_after(now + timedelta(days=1))
    builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(NAME)]), critical=False)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file = folder / "certificate.pem"
    file.write_bytes(private + builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    return file


class Receiver:
    """What the server was told: the name in the handshake, and the header Host."""

    port = 0

    def __init__(self) -> None:
        self.names: list[str | None] = []
        self.hosts: list[str] = []

    async def take(self, request: web.Request) -> web.Response:
        self.hosts.append(request.headers["host"])
        return web.Response()


@pytest.fixture
async def receiver(tmp_path: Path) -> AsyncIterator[Receiver]:
    found, context = Receiver(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(_certificate(tmp_path))
    context.sni_callback = lambda _socket, name, _context: found.names.append(name)
    application = web.Application()
    application.router.add_get("/", found.take)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, ADDRESS, 0, ssl_context=context)
    await site.start()
    found.port = site._server.sockets[0].getsockname()[1]  # type: ignore[union-attr]
    yield found
    await runner.cleanup()


async def _resolve(host: str, port: int) -> Sequence[str]:
    return [ADDRESS]


async def test_the_name_is_proven_at_the_checked_address(receiver: Receiver, tmp_path: Path) -> None:
    trusting = ssl.create_default_context(cafile=str(tmp_path / "certificate.pem"))
    async with guarded_client(POLICY, resolve=_resolve, timeout_seconds=10) as session:
        async with session.get(f"https://{NAME}:{receiver.port}/", ssl=trusting) as answer:
            assert answer.status == 200
        with pytest.raises(aiohttp.ClientConnectorCertificateError):
            await session.get(f"https://other.example:{receiver.port}/", ssl=trusting)
        with pytest.raises(aiohttp.ClientConnectorCertificateError):
            await session.get(f"https://{NAME}:{receiver.port}/x")  # without trust in it, as in production
    assert receiver.names[:2] == [NAME, "other.example"]
    assert receiver.hosts == [f"{NAME}:{receiver.port}"]
