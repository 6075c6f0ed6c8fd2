"""The names of one queue's keys. The queue is a hash tag, so a cluster keeps all of them in one slot."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Keys:
    """By message id: `state` (see `records`), `payload`, `error` of the last attempt, `letter` of a dead one.

    By lane: `due` holds what waits, scored by when it may be received; `leased` what somebody has, scored by when
    the lease ends; `dead` dead letters, scored by when they died. Where tenants take turns also `turns`, `later`
    and `last`: see there. `once` are deduplication ids, and `once_until` when they end; `lanes` all lanes that
    ever had a message. Times are microseconds of the server's clock.

    `workload` keeps the queues of two workloads apart that share a server.
    """

    queue: str
    workload: str = ""

    def _name(self, part: str) -> str:
        owner = f"{self.workload}/" if self.workload else ""
        return f"rung:{{{owner}{self.queue}}}:{part}"

    @property
    def state(self) -> str:
        """A hash."""
        return self._name("state")

    @property
    def payload(self) -> str:
        """A hash."""
        return self._name("payload")

    @property
    def error(self) -> str:
        """A hash."""
        return self._name("error")

    @property
    def letter(self) -> str:
        """A hash."""
        return self._name("letter")

    @property
    def once(self) -> str:
        """A hash."""
        return self._name("once")

    @property
    def once_until(self) -> str:
        """A sorted set."""
        return self._name("once-until")

    @property
    def lanes(self) -> str:
        """A set."""
        return self._name("lanes")

    @property
    def channel(self) -> str:
        """Where it is published that a lane has a new first message."""
        return self._name("wake")

    def due(self, lane: str) -> str:
        """A sorted set."""
        return self._name(f"due:{lane}")

    def leased(self, lane: str) -> str:
        """A sorted set."""
        return self._name(f"leased:{lane}")

    def dead(self, lane: str) -> str:
        """A sorted set."""
        return self._name(f"dead:{lane}")

    def turns(self, lane: str) -> str:
        """A sorted set."""
        return self._name(f"turns:{lane}")

    def later(self, lane: str) -> str:
        """A sorted set."""
        return self._name(f"later:{lane}")

    def last(self, lane: str) -> str:
        """A string."""
        return self._name(f"last:{lane}")

    def pairs(self, lanes: Iterable[str]) -> list[str]:
        """`due` and `leased` of each lane."""
        return [key for lane in lanes for key in (self.due(lane), self.leased(lane))]

    def triples(self, lanes: Iterable[str]) -> list[str]:
        """`due`, `leased` and `later` of each lane."""
        return [key for lane in lanes for key in (*self.pairs((lane,)), self.later(lane))]

    def fives(self, lanes: Iterable[str]) -> list[str]:
        """`due`, `leased`, `turns`, `later` and `last` of each lane."""
        return [
            key
            for lane in lanes
            for key in (*self.pairs((lane,)), self.turns(lane), self.later(lane), self.last(lane))
        ]
