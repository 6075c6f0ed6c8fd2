"""OpenID Connect as the relying party: authorization code with PKCE, and an id_token that is verified.

Sources: OpenID Connect Core 1.0, 3.1.2 and 3.1.3.7; RFC 7636 (PKCE); RFC 9700, 2.1 and 4.4 (both read 2026-11-21).
A provider's addresses come from itself: only hosts that workload.py declares are called, and of those only public
addresses. A provider that fails or lies signs nobody in.
"""

from __future__ import annotations

import hashlib
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlencode, urlsplit

import jwt
import msgspec

from rung.runtime.log import logger
from track.outside import Fetch
from track.problems import Problem

#: Signatures of a key pair alone: with a shared secret, or none, whoever knows the client id could sign.
ALGORITHMS = ("RS256", "PS256", "ES256", "EdDSA")
LEEWAY_SECONDS = 60
DOCUMENT_SECONDS = 3_600.0
#: A key that is not known is looked for again, at most so often.
KEYS_AGAIN_SECONDS = 60.0
TOKEN_LENGTH_MAX = 20_000
REQUIRED = ("iss", "sub", "aud", "exp", "iat", "nonce")

log = logger(__name__)


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """A provider, as the secret `identity-providers` has it; `name` is part of the address it returns to."""

    name: str
    title: str
    issuer: str
    client_id: str
    client_secret: str


class Claims(msgspec.Struct, frozen=True, kw_only=True):
    """Whom the provider vouches for. `email` counts for nothing unless it is verified."""

    issuer: str
    subject: str
    email: str
    email_verified: bool
    name: str


class _Document(msgspec.Struct, frozen=True, kw_only=True):
    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str


class _Tokens(msgspec.Struct, frozen=True, kw_only=True):
    id_token: str


class Client:
    """One provider, as this process knows it."""

    def __init__(self, settings: Settings, fetch: Fetch, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.settings = settings
        self._fetch = fetch
        self._clock = clock
        self._document: tuple[float, _Document] | None = None
        self._keys: dict[str | None, jwt.PyJWK] = {}
        self._keys_at: float | None = None

    async def address(self, *, redirect_uri: str, state: str, nonce: str, verifier: str) -> str:
        """Where the browser signs in. Raises Problem 503."""
        document = await self._described()
        asked = {
            "response_type": "code",
            "scope": "openid email profile",
            "client_id": self.settings.client_id,
            "redirect_uri": redirect_uri,
            "state": state,
            "nonce": nonce,
            "code_challenge": challenge_of(verifier),
            "code_challenge_method": "S256",
        }
        joint = "&" if urlsplit(document.authorization_endpoint).query else "?"
        return f"{document.authorization_endpoint}{joint}{urlencode(asked)}"

    async def redeem(self, code: str, *, redirect_uri: str, nonce: str, verifier: str) -> Claims:
        """Who it was. Raises Problem 401 for a code or a token that is not right, 503."""
        document = await self._described()
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri,
            "code_verifier": verifier,
            "client_id": self.settings.client_id,
            "client_secret": self.settings.client_secret,
        }
        status, body = await self._call(document.token_endpoint, form)
        if 400 <= status < 500:
            raise self._refused(f"the token endpoint answers {status}")
        tokens = self._decoded(status, body, _Tokens)
        return await self.verified(tokens.id_token, nonce=nonce)

    async def verified(self, token: str, *, nonce: str) -> Claims:
        """Whom an id_token names: signed for us, for this sign-in, now. Raises Problem 401, 503."""
        try:
            key = await self._key(token[:TOKEN_LENGTH_MAX])
            found = jwt.decode(
                token[:TOKEN_LENGTH_MAX],
                key.key,
                algorithms=[key.algorithm_name],
                audience=self.settings.client_id,
                issuer=self.settings.issuer,
                leeway=LEEWAY_SECONDS,
                options={"require": list(REQUIRED)},
            )
        except (jwt.PyJWTError, ValueError) as error:
            raise self._refused(type(error).__name__) from None
        audience = found["aud"]
        if found["nonce"] != nonce:
            raise self._refused("the nonce is another sign-in's")
        if found.get("azp", self.settings.client_id) != self.settings.client_id or (
            isinstance(audience, list) and len(audience) > 1 and "azp" not in found
        ):
            raise self._refused("it was made for another client")
        return _claims(found)

    async def _key(self, token: str) -> jwt.PyJWK:
        """The provider's key that the token says it is signed with. Raises ValueError, PyJWTError, Problem 503."""
        kid = jwt.get_unverified_header(token).get("kid")
        if kid not in self._keys and (
            self._keys_at is None or self._clock() - self._keys_at > KEYS_AGAIN_SECONDS or not self._keys
        ):
            await self._read_keys()
        key = self._keys.get(kid)
        if key is None or key.algorithm_name not in ALGORITHMS:
            raise ValueError("no key of the provider")
        return key

    async def _read_keys(self) -> None:
        document = await self._described()
        given = self._decoded(*await self._call(document.jwks_uri), dict[str, Any])
        try:
            keys = jwt.PyJWKSet.from_dict(given).keys
        except (jwt.PyJWTError, ValueError, TypeError, AttributeError) as error:
            raise self._away(f"its keys cannot be read: {type(error).__name__}") from None
        self._keys, self._keys_at = {key.key_id: key for key in keys}, self._clock()
        if len(keys) == 1:  # a provider with one key need not name it (OpenID Connect Core 1.0, 10.1)
            self._keys[None] = keys[0]

    async def _described(self) -> _Document:
        if self._document is None or self._clock() - self._document[0] > DOCUMENT_SECONDS:
            address = f"{self.settings.issuer.rstrip('/')}/.well-known/openid-configuration"
            document = self._decoded(*await self._call(address), _Document)
            if document.issuer != self.settings.issuer:
                raise self._away("it calls itself by another name")
            self._document = self._clock(), document
        return self._document[1]

    async def _call(self, address: str, form: Mapping[str, str] | None = None) -> tuple[int, bytes]:
        try:
            return await self._fetch(address, form)
        except (OSError, TimeoutError) as error:
            raise self._away(type(error).__name__) from error

    def _decoded(self, status: int, body: bytes, kind: Any) -> Any:
        if status != 200:
            raise self._away(f"it answers {status}")
        try:
            return msgspec.json.decode(body, type=kind)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            raise self._away("its answer cannot be read") from None

    def _refused(self, why: str) -> Problem:
        log.warning("a sign-in at a provider is refused", provider=self.settings.name, why=why)
        return Problem(401, "identity_refused", f"{self.settings.title} has not confirmed who you are: try again")

    def _away(self, why: str) -> Problem:
        log.error("an identity provider fails", provider=self.settings.name, why=why)
        detail = f"{self.settings.title} does not answer: try again, or sign in another way"
        return Problem(503, "identity_away", detail, headers={"retry-after": "5"})


def challenge_of(verifier: str) -> str:
    """What the provider is shown of the verifier (RFC 7636, 4.2, S256)."""
    return urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def _claims(found: Mapping[str, Any]) -> Claims:
    email, name = found.get("email"), found.get("name")
    return Claims(
        issuer=str(found["iss"]),
        subject=str(found["sub"])[:255],
        email=email if isinstance(email, str) else "",
        email_verified=found.get("email_verified") is True,
        name=name if isinstance(name, str) else "",
    )
