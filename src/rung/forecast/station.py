"""One station: requests arrive, wait for a slot of a task, are served, leave. First come, first served in a task.

A station has tasks, a task has slots. How requests are spread over tasks matters as much as how many there are:
a load balancer chooses before it knows who will be done first, so the queues of tasks are longer than one queue
for all of them would be. Requests whose wait would be longer than `most_wait` are refused at once (shed) or leave
when it is over (timed out), since an endless queue would make every tail infinite.

The loops take arrays and change them; the class around them is what the rest of the room uses.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rung.forecast.compiled import compiled

Floats = NDArray[np.float64]
Flags = NDArray[np.int8]


class Routing(IntEnum):
    """How a request finds its task."""

    ONE_QUEUE = 0  # one queue for all: what theory calls M/M/c
    ROUND_ROBIN = 1  # the default of an application load balancer
    LEAST_OUTSTANDING = 2  # its other algorithm: the task with the fewest requests under way
    RANDOM = 3  # what consistent hashing and DNS amount to


SERVED, SHED, TIMED_OUT = 0, 1, 2
#: Requests under way at once, over all tasks, that the departure heap has room for at first.
_ROOM = 4_096


@dataclass(slots=True)
class Station:
    """Tasks with `slots` each, and the moments at which each slot is free. Times in seconds.

    `most_wait` is the longest a request waits for a slot: with `sheds` it is refused on arrival, else it leaves
    when that time is over, having cost nothing.
    """

    name: str
    slots: int
    tasks: int
    routing: Routing = Routing.ROUND_ROBIN
    most_wait: float = float("inf")
    sheds: bool = False
    free: Floats = field(init=False)
    outstanding: NDArray[np.int64] = field(init=False)
    heap_times: Floats = field(init=False)
    heap_tasks: NDArray[np.int64] = field(init=False)
    #: [requests on the heap of departures, the next task in turn]
    cursor: NDArray[np.int64] = field(init=False)

    def __post_init__(self) -> None:
        if self.slots < 1 or self.tasks < 1:
            raise ValueError(f"a station needs a task with a slot, not {self.tasks} with {self.slots}")
        self.free = np.zeros((self.tasks, self.slots))
        self.outstanding = np.zeros(self.tasks, dtype=np.int64)
        self.heap_times, self.heap_tasks = np.empty(_ROOM), np.empty(_ROOM, dtype=np.int64)
        self.cursor = np.zeros(2, dtype=np.int64)

    def serve(self, arrivals: Floats, services: Floats, choices: Floats) -> tuple[Floats, Flags]:
        """Serve requests that arrive at sorted `arrivals`; when each leaves, and how.

        Args:
            services: seconds of work of each request.
            choices: a uniform number for each, which RANDOM uses and the others do not.
        """
        departures, outcomes = np.empty_like(arrivals), np.zeros(arrivals.size, dtype=np.int8)
        if self.routing is Routing.LEAST_OUTSTANDING:
            self._make_room(arrivals.size)
        _serve(
            arrivals, services, choices, self.free, self.outstanding, self.heap_times, self.heap_tasks,
            self.cursor, int(self.routing), self.most_wait, self.sheds, departures, outcomes,
        )  # fmt: skip
        return departures, outcomes

    def resize(self, tasks: int, now: float) -> None:
        """From `now` on there are `tasks`; those taken away finish what they have and get nothing new."""
        if tasks < 1:
            raise ValueError("a station needs a task")
        if tasks > self.tasks:
            added = np.full((tasks - self.tasks, self.slots), now)
            self.free = np.vstack([self.free, added])
            self.outstanding = np.concatenate([self.outstanding, np.zeros(tasks - self.tasks, dtype=np.int64)])
        elif tasks < self.tasks:
            self.free, self.outstanding = self.free[:tasks].copy(), self.outstanding[:tasks].copy()
        self.tasks = tasks

    def lose(self, tasks: int, now: float) -> None:
        """`tasks` die at once with what they hold; the others go on."""
        self.resize(max(1, self.tasks - tasks), now)

    def _make_room(self, more: int) -> None:
        wanted = int(self.cursor[0]) + more
        if wanted > self.heap_times.size:
            self.heap_times = np.concatenate([self.heap_times, np.empty(wanted)])
            self.heap_tasks = np.concatenate([self.heap_tasks, np.empty(wanted, dtype=np.int64)])


@compiled
def _serve(
    arrivals: Any, services: Any, choices: Any, free: Any, outstanding: Any, heap_times: Any, heap_tasks: Any,
    cursor: Any, routing: int, most_wait: float, sheds: bool, departures: Any, outcomes: Any,
) -> None:  # fmt: skip
    tasks = free.shape[0]
    for index in range(arrivals.size):
        now = arrivals[index]
        task, slot = 0, 0
        if routing == 0:
            task, slot = _soonest_of_all(free)
        else:
            if routing == 1:
                task = cursor[1] % tasks
                cursor[1] = task + 1
            elif routing == 2:
                _leave(now, outstanding, heap_times, heap_tasks, cursor)
                task = _fewest(outstanding, cursor)
            else:
                task = min(tasks - 1, int(choices[index] * tasks))
            slot = _soonest(free[task])
        start = max(now, free[task, slot])
        if start - now > most_wait:
            outcomes[index] = 1 if sheds else 2
            departures[index] = now if sheds else now + most_wait
            continue
        departures[index] = start + services[index]
        free[task, slot] = departures[index]
        if routing == 2:
            outstanding[task] += 1
            _push(heap_times, heap_tasks, cursor, departures[index], task)


@compiled
def _soonest(slots: Any) -> int:
    best = 0
    for slot in range(1, slots.size):
        if slots[slot] < slots[best]:
            best = slot
    return best


@compiled
def _soonest_of_all(free: Any) -> tuple[int, int]:
    task, slot = 0, 0
    for each in range(free.shape[0]):
        for one in range(free.shape[1]):
            if free[each, one] < free[task, slot]:
                task, slot = each, one
    return task, slot


@compiled
def _fewest(outstanding: Any, cursor: Any) -> int:
    """The task with the fewest under way; ties in turn, as the first one would get them all."""
    tasks = outstanding.size
    first = cursor[1] % tasks
    best = first
    for step in range(1, tasks):
        task = (first + step) % tasks
        if outstanding[task] < outstanding[best]:
            best = task
    cursor[1] = best + 1
    return int(best)


@compiled
def _leave(now: float, outstanding: Any, heap_times: Any, heap_tasks: Any, cursor: Any) -> None:
    """Take off the heap who has left by now."""
    while cursor[0] > 0 and heap_times[0] <= now:
        task = heap_tasks[0]
        if task < outstanding.size and outstanding[task] > 0:
            outstanding[task] -= 1
        _pop(heap_times, heap_tasks, cursor)


@compiled
def _push(heap_times: Any, heap_tasks: Any, cursor: Any, time: float, task: int) -> None:
    place = cursor[0]
    cursor[0] += 1
    while place > 0:
        parent = (place - 1) // 2
        if heap_times[parent] <= time:
            break
        heap_times[place], heap_tasks[place] = heap_times[parent], heap_tasks[parent]
        place = parent
    heap_times[place], heap_tasks[place] = time, task


@compiled
def _pop(heap_times: Any, heap_tasks: Any, cursor: Any) -> None:
    cursor[0] -= 1
    size = cursor[0]
    time, task = heap_times[size], heap_tasks[size]
    place = 0
    while True:
        child = 2 * place + 1
        if child >= size:
            break
        if child + 1 < size and heap_times[child + 1] < heap_times[child]:
            child += 1
        if time <= heap_times[child]:
            break
        heap_times[place], heap_tasks[place] = heap_times[child], heap_tasks[child]
        place = child
    heap_times[place], heap_tasks[place] = time, task
