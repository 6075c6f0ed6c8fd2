"""The identity providers of this process."""

from __future__ import annotations

import time
from functools import lru_cache

import msgspec

from rung.runtime.bindings import ExternalBinding, binding
from rung.runtime.log import logger
from track.accounts.openid import Client, Settings
from track.outside import calling
from track.problems import not_found
from track.resources import SECRET_SECONDS, is_local, key_of

log = logger(__name__)
#: What workload.py lets the API call of providers.
DECLARED = ("identity", "identity-tokens", "identity-keys")


def providers() -> tuple[Client, ...]:
    """Those that people may sign in with: of the secret `identity-providers`; the local one under `rung dev`."""
    return _providers(is_local(), int(time.monotonic() // SECRET_SECONDS) if not is_local() else 0)


def provider(name: str) -> Client:
    """One of them. Raises Problem 404."""
    found = next((each for each in providers() if each.settings.name == name), None)
    if found is None:
        raise not_found("the identity provider")
    return found


@lru_cache(maxsize=2)
def _providers(local: bool, _minute: int) -> tuple[Client, ...]:
    if local:
        from track.accounts import local_identity

        return (Client(local_identity.settings(), local_identity.fetch),)
    try:
        given = msgspec.json.decode(key_of("identity-providers"), type=list[Settings])
    except msgspec.MsgspecError as error:  # people still sign in another way
        log.error("the secret identity-providers is no list of providers", error=str(error))
        return ()
    return tuple(_client(each) for each in given)


@lru_cache(maxsize=16)
def _client(settings: Settings) -> Client:
    """The same one as long as its settings stay: it knows the provider's keys."""
    hosts = tuple(binding(name, ExternalBinding).host for name in DECLARED)
    return Client(settings, calling(hosts))
