"""What a worker and a queue know together about the delivery that is being handled."""

from __future__ import annotations

from contextvars import ContextVar


class Delivery:
    """One call of a handler. `finished` once its message was acknowledged in the handler's own transaction."""

    __slots__ = ("finished",)

    def __init__(self) -> None:
        self.finished = False


current_delivery: ContextVar[Delivery | None] = ContextVar("rung_delivery", default=None)


def mark_finished() -> None:
    """Called by `Queue.finished_in`: the worker then expects that its own acknowledgement finds nothing."""
    delivery = current_delivery.get()
    if delivery is not None:
        delivery.finished = True
