"""A lease on a message of SQS, kept by the holder's own clock.

SQS hides a message for as long as it was told, and does not say afterwards whether it still does: a deletion with
the handle of an earlier delivery is answered like any other. So who holds a lease notes when it ends and asks for
nothing any more after that. The object is shared by the worker's loop and its heartbeat.
"""

from __future__ import annotations

from dataclasses import dataclass

#: Since the receipt, extensions included. SQS refuses more.
LEASE_SECONDS_MAX = 12 * 3600.0


@dataclass(slots=True, eq=False)
class Lease:
    """The receipt of one delivery. Times are monotonic seconds."""

    handle: str
    received_at: float
    until: float
    #: Why the attempt before this one failed.
    error: str = ""
    #: It was a dead letter.
    redriven: bool = False
    #: A copy was sent already; only the original has to be deleted.
    copied: bool = False
    #: Ended by us: acknowledged (done), or handed on (gone).
    done: bool = False
    gone: bool = False

    def is_held(self, now: float) -> bool:
        """Whether the message is certainly still ours."""
        return not (self.done or self.gone) and now < self.until

    def extension(self, seconds: float, now: float) -> int:
        """The whole seconds that SQS may be asked for; 0 when the twelve hours are over."""
        left = int(self.received_at + LEASE_SECONDS_MAX - now) - 1
        return max(0, min(-int(-seconds // 1), left))
