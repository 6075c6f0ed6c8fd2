"""A lease on a message of RabbitMQ, which knows none: a delivery stays with a connection until that ends it.

So who holds one notes when the lease is over, and gives the message back then, from a thread that nothing blocks.
RabbitMQ gives a message to nobody else before, unless the connection ends: then all its leases are lost at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rung.runtime.queue.rabbitmq.consumers import Consumer
    from rung.runtime.queue.rabbitmq.session import Session


@dataclass(slots=True, eq=False)
class Lease:
    """The receipt of one delivery. Times are monotonic seconds. Shared by the worker's threads."""

    session: Session
    lane: str
    tag: int
    consumer: Consumer | None
    until: float = 0.0
    #: Why the attempt before this one failed.
    error: str = ""
    #: The earliest moment, in seconds since 1970.
    due: float = 0.0
    #: It was a dead letter.
    redriven: bool = False
    #: A copy is at the broker already; only the original has to be ended.
    copied: bool = False
    #: Ended by us.
    ended: bool = False

    def is_held(self, now: float) -> bool:
        """Whether the message is still ours, as far as is known here."""
        return not self.ended and now < self.until and self.session.is_alive
