"""Secrets Manager, read at run time: a value is at most five minutes old, and nobody waits for its renewal.

After four minutes a reader starts the renewal in the background and gets what is known; after five it waits for
it. When Secrets Manager does not answer then, the last known value is used and a warning is logged: it is most
likely still right, and a process that runs must not stop because a service that it asks rarely is away.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from rung.errors import ApplicationError
from rung.runtime.aws.client import BRIEF, call_now
from rung.runtime.clock import SYSTEM_CLOCK, Clock
from rung.runtime.errors import BindingError
from rung.runtime.log import logger

RENEW_SECONDS = 240.0
KEEP_SECONDS = 300.0
#: A value that was asked for anew (a login was refused) is not asked for again within this time. Much less than
#: callers wait for a connection, so that they do not notice.
FRESH_SECONDS = 0.25
CURRENT, PENDING, PREVIOUS = "AWSCURRENT", "AWSPENDING", "AWSPREVIOUS"

log = logger(__name__)

#: ARN, region and stage to the value. Raises the runtime's errors.
Fetch = Callable[[str, str | None, str], str]


@dataclass(frozen=True, slots=True)
class _Known:
    value: str
    read_at: float
    #: It was asked for anew, not because it was old.
    forced: bool = False


class Secrets:
    """The secrets of this process. May be used by many threads; each secret is asked for once at a time."""

    def __init__(self, fetch: Fetch, *, clock: Clock = SYSTEM_CLOCK) -> None:
        self._fetch = fetch
        self._clock = clock
        self._known: dict[tuple[str, str], _Known] = {}
        self._locks: dict[tuple[str, str], threading.Lock] = {}
        self._guard = threading.Lock()
        self._renewing: set[tuple[str, str]] = set()

    def read(self, arn: str, *, region: str | None = None, stage: str = CURRENT, fresh: bool = False) -> str:
        """The value of a stage; `fresh`: as it is now. Blocks while it has to be fetched.

        Raises BindingError (no such secret or stage, no right) and UnavailableError, OverloadedError.
        """
        key = (arn, stage)
        known = self._known.get(key)
        age = float("inf") if known is None else self._clock.monotonic() - known.read_at
        just_asked = known is not None and known.forced and age < FRESH_SECONDS
        if known is None or age >= KEEP_SECONDS or (fresh and not just_asked):
            return self._renewed(key, region, known, must=fresh)
        if age >= RENEW_SECONDS:
            self._renew_in_background(key, region)
        return known.value

    def previous(self, arn: str, *, region: str | None = None) -> str | None:
        """The value before the current one; None without one."""
        try:
            return self.read(arn, region=region, stage=PREVIOUS)
        except BindingError:
            return None

    def forget(self) -> None:
        """Know nothing: in tests."""
        self._known.clear()

    def _renewed(self, key: tuple[str, str], region: str | None, known: _Known | None, *, must: bool) -> str:
        with self._lock_of(key):
            there = self._known.get(key)
            if there is not None and there is not known:  # somebody else was faster
                return there.value
            try:
                return self._ask(key, region, forced=must)
            except BindingError:
                raise
            except ApplicationError as error:
                if known is None or must:
                    raise
                log.warning("a secret was not renewed", secret=_name(key[0]), error=str(error))
                return known.value

    def _ask(self, key: tuple[str, str], region: str | None, *, forced: bool = False) -> str:
        value = self._fetch(key[0], region or region_of(key[0]), key[1])
        self._known[key] = _Known(value, self._clock.monotonic(), forced)
        return value

    def _lock_of(self, key: tuple[str, str]) -> threading.Lock:
        with self._guard:
            return self._locks.setdefault(key, threading.Lock())

    def _renew_in_background(self, key: tuple[str, str], region: str | None) -> None:
        with self._guard:
            if key in self._renewing:
                return
            self._renewing.add(key)
        threading.Thread(target=self._renew, args=(key, region), name="rung-secret", daemon=True).start()

    def _renew(self, key: tuple[str, str], region: str | None) -> None:
        try:
            self._ask(key, region)
        except ApplicationError as error:
            log.warning("a secret was not renewed", secret=_name(key[0]), error=str(error))
        finally:
            self._renewing.discard(key)


def region_of(arn: str) -> str | None:
    """The region that an ARN names."""
    parts = arn.split(":")
    return parts[3] or None if len(parts) > 3 else None


def _name(arn: str) -> str:
    return arn.rsplit(":", 1)[-1]


def _fetch(arn: str, region: str | None, stage: str) -> str:
    if arn.startswith("/"):
        return _of_file(arn, stage)
    parameters = {"SecretId": arn, "VersionStage": stage}
    answer = call_now("secretsmanager", region, BRIEF, "GetSecretValue", f"secret {_name(arn)}", parameters)
    value = answer.get("SecretString")
    if value is None:
        raise BindingError(f"the secret {_name(arn)} holds bytes: put its value as text")
    return str(value)


def _of_file(path: str, stage: str) -> str:
    """A machine that keeps everything itself has its secrets in files, and no stages of a rotation."""
    if stage != CURRENT:
        raise BindingError(f"the secret {path} is a file and has no value {stage}")
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise BindingError(f"the secret {path} cannot be read: {error.strerror}") from error


#: The one of this process.
SECRETS = Secrets(_fetch)
