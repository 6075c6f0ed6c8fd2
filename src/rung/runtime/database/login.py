"""Connecting as whom a secret names, over TLS that is checked.

A password that is rotated is seen when a login is refused: then the secret is read anew, and while a rotation is
half done the value that is coming and the one that went are tried too. Connections that are open stay open:
Postgres does not ask again.
"""

from __future__ import annotations

import asyncio
import os
import ssl
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qs, urlsplit

import asyncpg
import msgspec

from rung.runtime.errors import BindingError, UnavailableError

#: A file with the certificates of the authorities that databases are checked against: Amazon's for RDS are not
#: among those of an operating system.
CA_BUNDLE = "RUNG_CA_BUNDLE"
#: The server says that user and password do not fit, or that there is no such user.
REFUSALS = (asyncpg.InvalidPasswordError, asyncpg.InvalidAuthorizationSpecificationError)


@dataclass(frozen=True, slots=True)
class Login:
    """User and password."""

    user: str
    password: str = field(repr=False)


async def open_connection(url: str, credentials_secret: str | None = None, **options: Any) -> Any:
    """An asyncpg connection; `options` are asyncpg's. Raises as asyncpg does, and for a secret as `secret()`."""
    context = _tls(url)
    if context is not None:
        options["ssl"] = context
    if credentials_secret is None:
        return await asyncpg.connect(url, **options)
    return await _login(url, credentials_secret, options)


async def _login(url: str, secret: str, options: dict[str, Any]) -> Any:
    user, refused = "", None
    async for login in logins(secret):
        user = user or login.user
        try:
            return await asyncpg.connect(url, user=login.user, password=login.password, **options)
        except REFUSALS as error:
            refused = error
    raise UnavailableError(
        f"the database refuses {user!r} with the password of its secret: run the migration job, which "
        "gives the roles the passwords of their secrets"
    ) from refused


async def logins(secret: str) -> AsyncIterator[Login]:
    """What a server may take, one after the other, until it does: see above. Raises as `secret()` does."""
    tried: list[Login] = []
    for stage, fresh in _readings():
        try:
            login = await asyncio.to_thread(_read, secret, stage, fresh)
        except BindingError:
            if not tried:
                raise
            continue  # no rotation is under way
        if login not in tried:
            tried.append(login)
            yield login


def _readings() -> Iterator[tuple[str, bool]]:
    """Stage, and whether it has to be read anew: what is known, what is there now, what comes, what was there."""
    from rung.runtime.aws.secrets import CURRENT, PENDING, PREVIOUS

    yield CURRENT, False
    yield CURRENT, True
    yield PENDING, True
    yield PREVIOUS, True


def _read(secret: str, stage: str, fresh: bool) -> Login:
    from rung.runtime.aws.secrets import SECRETS

    return login_of(SECRETS.read(secret, stage=stage, fresh=fresh))


def login_of(text: str) -> Login:
    """The login that a secret's text holds: JSON with `username` and `password`, as RDS writes it."""
    try:
        fields = msgspec.json.decode(text, type=dict[str, Any])
        return Login(str(fields["username"]), str(fields["password"]))
    except (KeyError, msgspec.MsgspecError):
        # Neither the text nor where it breaks may be in a message.
        raise BindingError('a secret of a database is not JSON with "username" and "password"') from None


def _tls(url: str) -> ssl.SSLContext | None:
    """What checks the server, where the URL asks for it and names no certificates of its own."""
    query = parse_qs(urlsplit(url).query)
    if query.get("sslmode", [""])[-1] not in ("verify-full", "verify-ca") or "sslrootcert" in query:
        return None
    return _context(os.environ.get(CA_BUNDLE) or None, query["sslmode"][-1] == "verify-full")


@lru_cache(maxsize=8)
def _context(bundle: str | None, check_name: bool) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=bundle)
    except OSError as error:
        raise BindingError(f"{CA_BUNDLE}={bundle}: {error.strerror or error}") from error
    context.check_hostname = check_name
    return context
