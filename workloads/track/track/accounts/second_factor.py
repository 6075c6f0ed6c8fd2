"""A second factor: codes of an authenticator application (RFC 6238), and recovery codes for when it is lost."""

from __future__ import annotations

import hmac
import os
import secrets
import time
import uuid
from base64 import b32encode
from urllib.parse import quote

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from track.accounts.totp import DIGITS, matching_step
from track.api.messages import Output
from track.problems import Problem
from track.resources import db, key_of
from track.tokens import hashed

SECRET_BYTES = 20
RECOVERY_CODES = 10
NONCE_BYTES = 12


class Enrolment(Output, frozen=True, kw_only=True):
    """What an authenticator application is told: by hand, or as a QR code of the URI."""

    secret: str
    uri: str


class RecoveryCodes(Output, frozen=True, kw_only=True):
    """Shown once. Each signs in once, in place of a code."""

    recovery_codes: list[str]


async def begin(person_id: uuid.UUID, email: str) -> Enrolment:
    """A new secret, which counts once it is confirmed. Raises Problem 409 when there is a confirmed one."""
    secret = secrets.token_bytes(SECRET_BYTES)
    stored = await db.fetch_value(
        """insert into second_factors (person_id, secret) values ($1, $2)
           on conflict (person_id) do update set secret = excluded.secret, last_step = 0
            where second_factors.confirmed_at is null returning 1""",
        person_id, _sealed(secret, person_id), across_tenants=True,
    )  # fmt: skip
    if stored is None:
        raise Problem(409, "already_confirmed", "there is a second factor: remove it first")
    text = b32encode(secret).decode()
    return Enrolment(secret=text, uri=f"otpauth://totp/track:{quote(email)}?secret={text}&issuer=track")


async def confirm(person_id: uuid.UUID, code: str) -> RecoveryCodes:
    """The application shows the right code: from now on it is asked for. Raises Problem 422."""
    if not await _take_code(person_id, code, confirmed=False):
        raise Problem(422, "wrong_code", "this is not the code of this moment")
    codes = [secrets.token_hex(5) for _ in range(RECOVERY_CODES)]
    async with db.transaction(across_tenants=True) as connection:
        await connection.execute("update second_factors set confirmed_at = now() where person_id = $1", person_id)
        await connection.execute("delete from recovery_codes where person_id = $1", person_id)
        await connection.execute(
            "insert into recovery_codes (person_id, code_hash) select $1, unnest($2::bytea[])",
            person_id, [_recovery_hash(person_id, each) for each in codes],
        )  # fmt: skip
    return RecoveryCodes(recovery_codes=codes)


async def is_asked_for(person_id: uuid.UUID) -> bool:
    """Whether the person has a confirmed second factor."""
    found = await db.fetch_value(
        "select true from second_factors where person_id = $1 and confirmed_at is not null",
        person_id, across_tenants=True,
    )  # fmt: skip
    return bool(found)


async def take(person_id: uuid.UUID, code: str) -> bool:
    """Whether this is the code of the moment, or a recovery code; each works once."""
    given = code.strip().replace(" ", "").replace("-", "").lower()[:40]
    if len(given) == DIGITS and given.isascii() and given.isdecimal():
        return await _take_code(person_id, given, confirmed=True)
    used = await db.fetch_value(
        """update recovery_codes set used_at = now()
            where person_id = $1 and code_hash = $2 and used_at is null returning 1""",
        person_id, _recovery_hash(person_id, given), across_tenants=True,
    )  # fmt: skip
    return used is not None


async def remove(person_id: uuid.UUID) -> None:
    """From now on the password is enough."""
    async with db.transaction(across_tenants=True) as connection:
        await connection.execute("delete from second_factors where person_id = $1", person_id)
        await connection.execute("delete from recovery_codes where person_id = $1", person_id)


async def _take_code(person_id: uuid.UUID, code: str, *, confirmed: bool) -> bool:
    row = await db.fetch_row(
        "select secret, last_step from second_factors where person_id = $1 and (confirmed_at is not null) = $2",
        person_id, confirmed, across_tenants=True,
    )  # fmt: skip
    if row is None:
        return False
    step = matching_step(_opened(row["secret"], person_id), code, now=time.time(), after=row["last_step"])
    if step is None:
        return False
    # Two requests with the same code: the row lets one of them through.
    taken = await db.fetch_value(
        "update second_factors set last_step = $2 where person_id = $1 and last_step < $2 returning 1",
        person_id, step, across_tenants=True,
    )  # fmt: skip
    return taken is not None


def _recovery_hash(person_id: uuid.UUID, code: str) -> bytes:
    return hashed(f"{person_id}:{code}")


def _cipher() -> AESGCM:
    return AESGCM(hmac.digest(key_of("data-key"), b"second factors", "sha256"))


def _sealed(secret: bytes, person_id: uuid.UUID) -> bytes:
    """Encrypted, and bound to its person: copied to another row it does not open."""
    nonce = os.urandom(NONCE_BYTES)
    return nonce + _cipher().encrypt(nonce, secret, person_id.bytes)


def _opened(sealed: bytes, person_id: uuid.UUID) -> bytes:
    try:
        return _cipher().decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], person_id.bytes)
    except InvalidTag:
        raise Problem(409, "factor_lost", "the key has changed: sign in with a recovery code") from None
