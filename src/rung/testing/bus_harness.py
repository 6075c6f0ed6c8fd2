"""What the conformance suite of buses needs from whoever runs it against an adapter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, Protocol

from rung.runtime.bus import Bus
from rung.runtime.bus.rules import Rule


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """A message that a rule sent to a queue: its body as JSON, and its headers."""

    body: Any
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class HarnessCan:
    """What the backend behind an adapter can do in tests; emulators leave things out."""

    #: The whole pattern language: arrays of objects, `$or` beside other fields.
    whole_grammar: bool = True
    #: The whole language of input transformers.
    whole_transformers: bool = True
    #: Failing targets, retries and dead-letter queues.
    retries: bool = True
    #: Archive and replay.
    replays: bool = True


class BusHarness(Protocol):
    """One bus for one test, with the queues `mails`, `audit` and `undelivered` beside it."""

    can: HarnessCan

    async def open(self, rules: Sequence[Rule], *, archive_days: int | None = None) -> Bus:
        """The bus with these rules. Called once; closed by the harness."""
        ...

    async def settle(self) -> None:
        """Return when everything that was put has been routed and delivered."""
        ...

    async def received(self, queue: str) -> list[Received]:
        """Everything that is in the queue now, in its order, taken out."""
        ...

    async def left_over(self) -> int:
        """How many events, deliveries and dead letters the bus itself still keeps."""
        ...

    def transaction(self) -> AbstractAsyncContextManager[Any]:
        """A transaction to put in. Called only with the capability `transactional_put`."""
        ...

    def failing(self, times: int) -> AbstractAsyncContextManager[str]:
        """A service `api` that refuses the first `times` calls, then takes them; yields its node name.

        Called only where the harness can do retries, and before `open`.
        """
        ...

    async def calls(self) -> list[Received]:
        """What the service has taken."""
        ...

    async def replay(self, *, rules: Sequence[str] = ()) -> int:
        """Replay everything in the archive to these rules, or to all; how many events."""
        ...
