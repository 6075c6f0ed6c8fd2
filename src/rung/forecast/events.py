"""A heap of events, earliest first, within arrays that others share: times in one, codes in the other.

`size_at` is where `wholes` holds how many there are, `times` and `codes` where their sections begin.
"""

from __future__ import annotations

from typing import Any

from rung.forecast.compiled import compiled


@compiled
def push(reals: Any, wholes: Any, size_at: int, times: int, codes: int, time: float, code: int) -> None:
    """One event more."""
    place = wholes[size_at]
    wholes[size_at] = place + 1
    while place > 0:
        parent = (place - 1) // 2
        if reals[times + parent] <= time:
            break
        reals[times + place], wholes[codes + place] = reals[times + parent], wholes[codes + parent]
        place = parent
    reals[times + place], wholes[codes + place] = time, code


@compiled
def pop(reals: Any, wholes: Any, size_at: int, times: int, codes: int) -> None:
    """Take off the earliest event, which is at the places `times` and `codes`. There must be one."""
    size = wholes[size_at] - 1
    wholes[size_at] = size
    time, code = reals[times + size], wholes[codes + size]
    place = 0
    while True:
        child = 2 * place + 1
        if child >= size:
            break
        if child + 1 < size and reals[times + child + 1] < reals[times + child]:
            child += 1
        if time <= reals[times + child]:
            break
        reals[times + place], wholes[codes + place] = reals[times + child], wholes[codes + child]
        place = child
    reals[times + place], wholes[codes + place] = time, code
