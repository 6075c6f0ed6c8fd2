"""Where tenants want their events: registered, found, given new keys, switched off and on."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID

from rung.runtime.clock import SYSTEM_CLOCK, Clock
from rung.runtime.context import TENANT_HEADER, Tenant
from rung.runtime.database.database import Database, set_tenant
from rung.runtime.queue import Queue
from rung.runtime.webhooks import deliveries_sql as sql
from rung.runtime.webhooks.errors import INVALID, WebhookError
from rung.runtime.webhooks.guard import Policy, checked_url
from rung.runtime.webhooks.keys import Scheme, new_key
from rung.runtime.webhooks.policy import policy_of_environment
from rung.runtime.webhooks.records import Endpoint
from rung.runtime.webhooks.schema import NOBODY, Installed
from rung.runtime.webhooks.sealing import Keyring, keyring_of_process

OVERLAP_SECONDS = 86_400.0
KINDS_MAX = 64
_PATTERN = re.compile(r"[A-Za-z0-9_*-]+(\.[A-Za-z0-9_*-]+)*", re.ASCII)
_KIND = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*", re.ASCII)
KIND_LENGTH_MAX = 128


class Endpoints:
    """The half of `Deliveries` that keeps endpoints. Everything is about one tenant, and sees no other's."""

    def __init__(
        self,
        database: Database,
        queue: Queue,
        *,
        policy: Policy | None = None,
        clock: Clock = SYSTEM_CLOCK,
        keyring: Callable[[], Keyring] = keyring_of_process,
    ) -> None:
        self._database = database
        self._queue = queue
        self._policy = policy
        self._clock = clock
        self._keyring = keyring
        self._installed = Installed(database)

    async def register(
        self, tenant: Tenant | str | None, url: str, *, kinds: Sequence[str] = ("*",), scheme: Scheme = "hmac"
    ) -> Endpoint:
        """Send the events of `kinds` to `url` from now on. The endpoint's `secret` is shown this once.

        A kind may hold `*`: any characters, dots too. Raises WebhookError (R0543), AddressRefusedError.
        """
        checked_url(url, self._policy or policy_of_environment())
        likes = [_like(kind) for kind in _checked_patterns(kinds)]
        key = new_key(scheme)
        owner, now = key_of(tenant), self._clock.now()
        async with self._within(tenant) as connection:
            row = await connection.fetchrow(sql.REGISTER, owner, url, scheme, list(kinds), likes, now)
            sealed = self._keyring().seal(key.secret, owner, row["id"])
            await connection.execute(sql.ADD_KEY, owner, row["id"], now, sealed)
        return _endpoint(row, secret=key.shown)

    async def rotate(self, endpoint: Endpoint, *, overlap_seconds: float = OVERLAP_SECONDS) -> Endpoint:
        """A new key. Deliveries carry both signatures for `overlap_seconds`, so that the receiver can change over.

        A key that was compromised: `overlap_seconds=0`. The endpoint's new `secret` is shown this once.
        Raises WebhookError (R0543) when the endpoint is gone.
        """
        key, now = new_key(endpoint.scheme), self._clock.now()
        owner = key_of(endpoint.tenant)
        async with self._within(endpoint.tenant) as connection:
            row = await connection.fetchrow(sql.ENDPOINT, owner, endpoint.id)
            until = now + timedelta(seconds=overlap_seconds)
            await connection.execute(sql.EXPIRE_KEYS, owner, endpoint.id, until)
            await connection.execute(sql.FORGET_KEYS, owner, endpoint.id, now)
            sealed = self._keyring().seal(key.secret, owner, endpoint.id)
            await connection.execute(sql.ADD_KEY, owner, endpoint.id, now, sealed)
            return _endpoint(_there(row, endpoint.id), secret=key.shown)

    async def seal(self, tenant: Tenant | str | None) -> int:
        """Encrypt the tenant's keys anew where they lie in clear, or under an older key; how many did.

        Delivering does that by itself, to each key that it uses. This is for the rest: before the older key goes.
        Raises WebhookError (R0548) for one that this process cannot open.
        """
        owner, keyring, sealed = key_of(tenant), self._keyring(), 0
        async with self._within(tenant) as connection:
            for row in await connection.fetch(sql.KEYS, owner):
                endpoint, stored = row["endpoint"], row["secret"]
                if not keyring.is_current(stored):
                    fresh = keyring.seal(keyring.open(stored, owner, endpoint), owner, endpoint)
                    await connection.execute(sql.RESEAL_KEY, owner, endpoint, stored, fresh)
                    sealed += 1
        return sealed

    async def disable(self, endpoint: Endpoint, *, reason: str = "disabled") -> Endpoint:
        """Send nothing more there; what waits for its next attempt is cancelled when its time comes."""
        now = self._clock.now()
        async with self._within(endpoint.tenant) as connection:
            row = await connection.fetchrow(sql.DISABLE, key_of(endpoint.tenant), endpoint.id, now, reason)
        return _endpoint(_there(row, endpoint.id))

    async def enable(self, endpoint: Endpoint) -> Endpoint:
        """Send there again, from the next event on; `resend_since` for what was missed."""
        async with self._within(endpoint.tenant) as connection:
            row = await connection.fetchrow(sql.ENABLE, key_of(endpoint.tenant), endpoint.id)
        return _endpoint(_there(row, endpoint.id))

    async def remove(self, endpoint: Endpoint) -> bool:
        """Delete the endpoint and its keys; its log stays until `forget`. False: it was gone."""
        async with self._within(endpoint.tenant) as connection:
            gone = await connection.fetchval(sql.REMOVE, key_of(endpoint.tenant), endpoint.id, self._clock.now())
        return gone is not None

    async def list(self, tenant: Tenant | str | None) -> list[Endpoint]:
        """The tenant's endpoints, the oldest first."""
        async with self._within(tenant) as connection:
            rows = await connection.fetch(sql.ENDPOINTS, key_of(tenant))
        return [_endpoint(row) for row in rows]

    async def endpoint(self, tenant: Tenant | str | None, identity: str) -> Endpoint | None:
        """One of the tenant's endpoints; None where it has no such one."""
        if not _is_uuid(identity):
            return None
        async with self._within(tenant) as connection:
            row = await connection.fetchrow(sql.ENDPOINT, key_of(tenant), identity)
        return None if row is None else _endpoint(row)

    @asynccontextmanager
    async def _within(self, tenant: Tenant | str | None) -> AsyncIterator[Any]:
        await self._installed.ensure()
        places = self._database.places
        if tenant is not None and places is None:
            async with self._database.transaction(tenant=tenant) as connection:
                yield connection
            return
        async with self._database.transaction(across_tenants=True) as connection:
            if tenant is not None and places is not None:
                # These tables are the workload's, wherever the tenant's own are: the deliverer looks nowhere else.
                known = tenant if isinstance(tenant, Tenant) else Tenant(tenant)
                await places.of(known)
                await connection.command(set_tenant(known))
            yield connection


def key_of(tenant: Tenant | str | None) -> str:
    """What stands in the column `tenant_id`. Raises TenantError for what is no tenant id."""
    if tenant is None:
        return NOBODY
    return tenant.id if isinstance(tenant, Tenant) else Tenant(tenant).id


def tenant_of(key: str) -> str | None:
    """The tenant of a row."""
    return None if key == NOBODY else key


def turn_of(key: str) -> dict[str, str]:
    """The headers of a message about a row: whose turn it takes, also when a round of several tenants wrote it."""
    return {} if key == NOBODY else {TENANT_HEADER: key}


def checked_kind(kind: str) -> str:
    """An event's type: ASCII letters, digits, `_` and `-`, with dots between. Raises WebhookError (R0543)."""
    if len(kind) > KIND_LENGTH_MAX or _KIND.fullmatch(kind) is None:
        raise WebhookError(INVALID, f"{kind[:80]!r} is no event type: names with dots between, as member.invited")
    return kind


def _checked_patterns(kinds: Sequence[str]) -> Sequence[str]:
    if isinstance(kinds, str) or not 0 < len(kinds) <= KINDS_MAX:
        raise WebhookError(INVALID, f"kinds are 1 to {KINDS_MAX} patterns in a tuple")
    for kind in kinds:
        if len(kind) > KIND_LENGTH_MAX or _PATTERN.fullmatch(kind) is None:
            raise WebhookError(INVALID, f"{kind[:80]!r} is no pattern of event types, as member.* or *")
    return kinds


def _like(pattern: str) -> str:
    return pattern.replace("_", r"\_").replace("*", "%")


def _there(row: Any, identity: str) -> Any:
    if row is None:
        raise WebhookError(INVALID, f"there is no endpoint {identity}")
    return row


def _endpoint(row: Any, *, secret: str = "") -> Endpoint:
    values = dict(row)
    tenant, kinds = tenant_of(values.pop("tenant_id")), tuple(values.pop("kinds"))
    return Endpoint(tenant=tenant, kinds=kinds, secret=secret, **values)


def _is_uuid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True
