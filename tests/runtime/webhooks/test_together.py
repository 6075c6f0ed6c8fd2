"""Many askers, one round: each hears its own answer, and none is bound by another's deadline."""

from __future__ import annotations

from collections.abc import Sequence

from rung.runtime.context import Context, Deadline, current_deadline, serving
from rung.runtime.webhooks.together import Together


async def test_a_round_has_nobodys_deadline() -> None:
    """Under load one task works round after round: with the first asker's deadline all would fail after it."""
    seen: list[object] = []

    async def work(asked: Sequence[int]) -> list[int]:
        seen.append(current_deadline())
        return [each * 2 for each in asked]

    together = Together(work)
    with serving(Context(correlation_id="the first", deadline=Deadline.after(-1.0))):
        assert await together.ask(4) == 8
    assert seen == [None]
