"""As whom a process signs in to a cache on AWS: by a secret, or by its own role, which ElastiCache takes."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from typing import Any
from urllib.parse import urlencode

import msgspec
from redis.credentials import CredentialProvider

from rung.runtime.bindings import CacheBinding
from rung.runtime.errors import BindingError

#: ElastiCache takes a token for fifteen minutes. It is only used to sign in, once per connection.
TOKEN_SECONDS = 900


class Credentials(CredentialProvider, ABC):
    """What redis-py asks for each new connection."""

    @abstractmethod
    def refused(self) -> None:
        """A sign-in was refused: the next one must not use what is known."""

    @abstractmethod
    async def get_credentials_async(self) -> tuple[Any, ...]:
        """Password, or user and password. Raises BindingError, UnavailableError."""


class SecretCredentials(Credentials):
    """A secret: JSON with `username` and `password`, or with `auth_token`; or the token alone."""

    def __init__(self, arn: str) -> None:
        self._arn = arn
        self._must_be_fresh = False

    def refused(self) -> None:
        """Read the secret anew for the next connection."""
        self._must_be_fresh = True

    async def get_credentials_async(self) -> tuple[Any, ...]:
        """See Credentials."""
        from rung.runtime.aws.secrets import SECRETS

        fresh, self._must_be_fresh = self._must_be_fresh, False
        return login_of_cache(await asyncio.to_thread(SECRETS.read, self._arn, fresh=fresh))


def login_of_cache(text: str) -> tuple[str, ...]:
    """Password, or user and password, of a secret's text. Raises BindingError."""
    if not text.lstrip().startswith("{"):
        return (text.strip(),)
    try:
        fields = msgspec.json.decode(text, type=dict[str, Any])
        if "auth_token" in fields:
            return (str(fields["auth_token"]),)
        return str(fields["username"]), str(fields["password"])
    except (KeyError, msgspec.MsgspecError):
        raise BindingError('a secret of a cache is a token, or JSON with "username" and "password"') from None


class RoleCredentials(Credentials):
    """A token that the process's own role signs: there is no password that could leak or be rotated."""

    def __init__(self, user: str, replication_group: str, region: str | None) -> None:
        self._user = user
        self._group = replication_group
        self._region = region

    def refused(self) -> None:
        """Nothing is kept: each connection has a token of its own."""

    async def get_credentials_async(self) -> tuple[Any, ...]:
        """See Credentials."""
        return self._user, await asyncio.to_thread(self._token)

    def _token(self) -> str:
        from botocore.model import ServiceId
        from botocore.signers import RequestSigner

        from rung.runtime.aws.client import session

        ours = session()
        region = self._region or ours.get_config_variable("region")
        signer = RequestSigner(
            ServiceId("elasticache"),
            region,
            "elasticache",
            "v4",
            ours.get_credentials(),
            ours.get_component("event_emitter"),
        )
        url = f"http://{self._group}/?{urlencode({'Action': 'connect', 'User': self._user})}"
        request = {"method": "GET", "url": url, "body": {}, "headers": {}, "context": {}}
        signed = signer.generate_presigned_url(request, "", expires_in=TOKEN_SECONDS, region_name=region)
        return str(signed).removeprefix("http://")


def credentials_of(found: CacheBinding) -> Credentials | None:
    """What the binding says about signing in; None: the URL says it."""
    if found.replication_group is not None and found.user is not None:
        return RoleCredentials(found.user, found.replication_group, found.region)
    if found.credentials_secret is not None:
        return SecretCredentials(found.credentials_secret)
    return None
