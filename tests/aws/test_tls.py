"""`sslmode=verify-full`: the server proves that it is the one of the URL, by the authorities of RUNG_CA_BUNDLE."""

from __future__ import annotations

import asyncio
import datetime as dt
import ssl
import struct
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from rung.runtime.database.database import Database
from rung.runtime.database.login import CA_BUNDLE
from rung.runtime.errors import BindingError, UnavailableError

TLS_REQUEST = struct.pack("!ii", 8, 80877103)


def _certificate(directory: Path, host: str) -> tuple[Path, Path]:
    """A certificate for `host` that is its own authority, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    files = directory / "server.crt", directory / "server.key"
    files[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    files[1].write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return files


@pytest.fixture
async def certified(postgres_url: str, tmp_path: Path) -> AsyncIterator[tuple[str, Path]]:
    """The URL, without a host, of a Postgres that speaks TLS as `localhost`, and the certificate to check it by.

    The embedded server is built without TLS: this stands before it and does what it would.
    """
    certificate, key = _certificate(tmp_path, "localhost")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    behind = urlsplit(postgres_url)
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.IncompleteReadError):
            assert await reader.readexactly(8) == TLS_REQUEST
            writer.write(b"S")
            await writer.start_tls(context)
            far_reader, far_writer = await asyncio.open_connection(behind.hostname, behind.port)
            await asyncio.gather(_pipe(reader, far_writer), _pipe(far_reader, writer))

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(serve(reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    yield f"postgresql://{behind.username}:{behind.password}@{{host}}:{port}{behind.path}", certificate
    server.close()
    for task in tuple(tasks):
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    writer.close()


async def test_the_right_name_and_authority_are_taken(
    certified: tuple[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    url, certificate = certified
    monkeypatch.setenv(CA_BUNDLE, str(certificate))
    database = Database.from_url(url.format(host="localhost") + "?sslmode=verify-full")
    assert await database.fetch_value("select 1") == 1
    await database.close()


async def test_another_name_is_refused_and_only_verify_ca_looks_away(
    certified: tuple[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    url, certificate = certified
    monkeypatch.setenv(CA_BUNDLE, str(certificate))
    database = Database.from_url(url.format(host="127.0.0.1") + "?sslmode=verify-full")
    with pytest.raises((UnavailableError, ssl.SSLCertVerificationError), match="certificate verify failed"):
        await database.fetch("select 1")
    await database.close()
    database = Database.from_url(url.format(host="127.0.0.1") + "?sslmode=verify-ca")
    assert await database.fetch_value("select 1") == 1
    await database.close()


async def test_an_authority_that_the_system_does_not_know_is_refused(
    certified: tuple[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(CA_BUNDLE, raising=False)
    database = Database.from_url(certified[0].format(host="localhost") + "?sslmode=verify-full")
    with pytest.raises((UnavailableError, ssl.SSLCertVerificationError), match="certificate verify failed"):
        await database.fetch("select 1")
    await database.close()


async def test_a_bundle_that_is_missing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(CA_BUNDLE, "/nowhere/bundle.pem")
    database = Database.from_url("postgresql://u:p@localhost:1/x?sslmode=verify-full")
    with pytest.raises(BindingError, match=r"/nowhere/bundle\.pem: No such file"):
        await database.fetch("select 1")
    await database.close()
