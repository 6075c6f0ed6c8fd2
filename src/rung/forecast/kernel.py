"""The loops of the simulator: every request as it passes tasks, connections, the database and hosts elsewhere.

One heap of events in order of time, two flat arrays for everything that changes, no object for a request. First
come, first served at a processor means that the end of a request's work is known when it comes, so only what
depends on others later needs an event: waiting for a connection, an answer that gives its connection on, a retry,
a user's next request.

All functions change `reals` and `wholes`, whose sections begin where the places AT_... of `wholes` say: three
arrays are handed on fast, thirty are not. `drawn` has a row of random numbers for each purpose. numba makes
machine code of the functions; engine.py is the class around them.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rung.forecast.compiled import compiled
from rung.forecast.events import pop, push

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]

#: How a request finds its task. FUNCTION: an environment of its own, made when none is idle.
ROUND_ROBIN, RANDOM, LEAST_OUTSTANDING, FUNCTION = range(4)
#: What happens at an event.
_QUERY, _ANSWER, _GIVE_UP, _RETRY, _LEAVE, _NEXT, _CALL, _CALLED = range(8)
#: Counters, the first places of `wholes`. Those before EVENTS are of the present minute.
(OFFERED, ANSWERED, LATE, SHED, TIMED_OUT, NO_CONNECTION, THROTTLED, BROKEN, CALL_REFUSED, RETRIES, COLD_STARTS,
 QUERIES, EVENTS, ARRIVALS, NEXT_ARRIVAL, DRAWN, TAKEN, VACANT, CONNECTIONS, MOST_CONNECTIONS, CALLS, CALLS_NOW,
 LEAVING, LOOKUPS, THINKS, JITTERS) = range(26)  # fmt: skip
OF_THE_MINUTE = 12
#: Then what does not change in a simulation. POOL 0: no pool; MOST_OPEN 0: no limit to connections.
(MOST_TRIES, STORE_SLOTS, POOL, MOST_OPEN, CALLS_AT_ONCE, TRACED, ENTRANCES, WIDTH, CAPACITY) = range(26, 35)
#: Then where each section begins: of `wholes` by entrance, by row (a task), and what grows; the same of `reals`.
(AT_FIRST, AT_TASKS, AT_SLOTS, AT_ROUTING, AT_TURN, AT_IDLE_COUNT, AT_SPARE_COUNT, AT_MOST, AT_CREATED,
 AT_ENTRANCE_OF, AT_OUTSTANDING, AT_OPENED, AT_BUSY, AT_HEAD, AT_TAIL, AT_IDLE, AT_SPARE,
 AT_HISTOGRAM, AT_CODES, AT_VACANT, AT_MARKS,
 AT_BOUNDS, AT_SPEED, AT_SHARED, AT_WORK, AT_WINDOW, AT_DIES, AT_USED, AT_FREE, AT_BEGUN, AT_STORE, AT_FILL,
 AT_TIMES, AT_REQUESTS) = range(35, 69)  # fmt: skip
WHOLES = 69
#: The first places of `reals`.
MISS, TOKENS, STORE_SPEED, SLOWNESS, LATENCY_SUM, COLD_SECONDS, CALL_SECOND, CALL_SLOWNESS = range(8)
(SHED_AFTER, TIMEOUT, NETWORK, BACKOFF, RETRY_SHARE, POOL_WAIT, CONNECT, CALL_SHARE, CALLS_PER_SECOND, OBJECTIVE,
 THINK_TIME) = range(8, 19)  # fmt: skip
REALS = 19
#: Rows of `drawn`. WAIT is written: how long each request waited for its slot.
ARRIVAL, LEFT, CPU, QUERY, HIT, ROUTE, CALL, CALL_SECONDS, THINK, JITTER, WAIT = range(11)
PURPOSES = 11
#: Why `advance` came back.
REACHED, NEEDS_DRAWS, IS_FULL = range(3)
#: Latencies are counted by their power of two, in 128 steps each, from 60 ns on.
STEPS, FIRST_POWER, BUCKETS = 128, -23, 128 * 40
FILL_STEPS = 160
#: A cache that has answered so many lookups since it was empty is warm.
WARM = 1 << 40
#: Environments that Lambda adds to one function in ten seconds. Source: AWS, "Lambda scaling behavior".
ENVIRONMENTS_ADDED, ADDED_SECONDS = 1_000, 10.0
#: Columns of a request: times and numbers in `reals`, the rest in `wholes`.
_BORN, _SENT, _CPU, _QUERY_SECONDS, _HIT, _CALL_CHANCE, _CALL_SECONDS, _GIVES_UP = range(8)
_TRIES, _ROW, _ENTRANCE, _FOLLOWING, _WAITING, _LEFT = range(6)
COLUMNS, MARKS = 8, 6
#: Room for events, for each slot of a request: of the past there may be some, too.
EVENTS_PER_REQUEST = 4
_ROOM = 8


@compiled
def advance(until: float, reals: Any, wholes: Any, drawn: Any) -> int:
    """Everything that happens before `until`; REACHED, or what is missing to go on."""
    while True:
        if wholes[VACANT] < _ROOM or wholes[EVENTS] + _ROOM > EVENTS_PER_REQUEST * wholes[CAPACITY]:
            return IS_FULL
        event = reals[wholes[AT_TIMES]] if wholes[EVENTS] > 0 else math.inf
        place = wholes[NEXT_ARRIVAL]
        arrival = drawn[ARRIVAL, place] if place < wholes[ARRIVALS] else math.inf
        if arrival <= event:
            if arrival >= until:
                return REACHED
            if wholes[TAKEN] >= wholes[DRAWN]:
                return NEEDS_DRAWS
            wholes[NEXT_ARRIVAL] = place + 1
            _begin(reals, wholes, drawn, arrival, _take_slot(wholes, int(drawn[LEFT, place])))
            continue
        if event >= until:
            return REACHED
        kind, about = wholes[wholes[AT_CODES]] % 8, wholes[wholes[AT_CODES]] // 8
        if kind == _NEXT and wholes[TAKEN] >= wholes[DRAWN]:
            return NEEDS_DRAWS
        _pop(reals, wholes)
        _happen(reals, wholes, drawn, event, kind, about)


@compiled
def enter_users(reals: Any, wholes: Any, drawn: Any, now: float, users: int) -> None:
    """`users` who stay come, each with a pause before the first request. There must be room for them."""
    for _ in range(users):
        _pause(reals, wholes, drawn, now, _take_slot(wholes, WARM))


@compiled
def _happen(reals: Any, wholes: Any, drawn: Any, now: float, kind: int, about: int) -> None:
    if kind == _QUERY:
        _ask(reals, wholes, drawn, now, about)
    elif kind == _ANSWER:
        _answer(reals, wholes, drawn, now, about)
    elif kind == _LEAVE:
        _release(reals, wholes, now, about)
    elif kind == _NEXT:
        _begin(reals, wholes, drawn, now, about)
    elif kind == _RETRY:
        _attempt(reals, wholes, drawn, now, about, -1)
    elif kind == _GIVE_UP:
        _give_up(reals, wholes, drawn, now, about)
    elif kind == _CALL:
        _call(reals, wholes, drawn, now, about)
    else:
        wholes[CALLS] -= 1
        _complete(reals, wholes, drawn, now, about)


@compiled
def _begin(reals: Any, wholes: Any, drawn: Any, now: float, about: int) -> None:
    """A user asks for something new."""
    index = wholes[TAKEN]
    wholes[TAKEN] = index + 1
    wholes[OFFERED] += 1
    if wholes[MOST_TRIES] > 0:
        reals[TOKENS] = min(reals[TOKENS] + reals[RETRY_SHARE], 10.0 + 1_000.0 * reals[RETRY_SHARE])
    entrance = 0
    while entrance < wholes[ENTRANCES] - 1 and drawn[ROUTE, index] >= reals[wholes[AT_BOUNDS] + entrance]:
        entrance += 1
    given, mark = wholes[AT_REQUESTS] + COLUMNS * about, wholes[AT_MARKS] + MARKS * about
    reals[given + _BORN] = now
    reals[given + _CPU] = drawn[CPU, index]
    if wholes[STORE_SLOTS] > 0:
        reals[given + _QUERY_SECONDS] = drawn[QUERY, index]
        reals[given + _HIT] = drawn[HIT, index]
    if reals[CALL_SHARE] > 0:
        reals[given + _CALL_CHANCE] = drawn[CALL, index]
        reals[given + _CALL_SECONDS] = drawn[CALL_SECONDS, index]
    wholes[mark + _TRIES], wholes[mark + _ENTRANCE] = 0, entrance
    _attempt(reals, wholes, drawn, now, about, index)


@compiled
def _attempt(reals: Any, wholes: Any, drawn: Any, now: float, about: int, index: int) -> None:
    """A request, or its repetition (index -1), comes to the load balancer."""
    given, mark = wholes[AT_REQUESTS] + COLUMNS * about, wholes[AT_MARKS] + MARKS * about
    entrance = wholes[mark + _ENTRANCE]
    routing = wholes[wholes[AT_ROUTING] + entrance]
    reals[given + _SENT] = now
    slot, start = 0, now
    if routing == FUNCTION:
        row = _environment(reals, wholes, now, entrance)
        if row < 0:
            _fail(reals, wholes, drawn, now, THROTTLED, about)
            return
    else:
        row = _route(wholes, drawn, entrance, routing, index)
        slot = _soonest(reals, wholes[AT_FREE] + wholes[WIDTH] * row, wholes[wholes[AT_SLOTS] + entrance])
    start = max(now, reals[wholes[AT_FREE] + wholes[WIDTH] * row + slot])
    if start - now > min(reals[SHED_AFTER], reals[TIMEOUT]) and routing != FUNCTION:
        sheds = reals[SHED_AFTER] <= reals[TIMEOUT]
        end = now if sheds else now + reals[TIMEOUT]
        _fail(reals, wholes, drawn, end, SHED if sheds else TIMED_OUT, about)
        return
    if reals[wholes[AT_SHARED] + entrance] > 0:
        start += _turn(reals, wholes, now, wholes[WIDTH] * row + slot, entrance)
    if wholes[TRACED] > 0 and index >= 0:
        drawn[WAIT, index] = start - now
    seconds = reals[given + _CPU] / reals[wholes[AT_SPEED] + entrance]
    done = start + seconds
    reals[wholes[AT_FREE] + wholes[WIDTH] * row + slot] = done
    reals[wholes[AT_WORK] + entrance] += seconds
    if done > reals[wholes[AT_DIES] + row]:
        _fail(reals, wholes, drawn, max(now, reals[wholes[AT_DIES] + row]), BROKEN, about)
        return
    wholes[mark + _ROW] = row
    if routing == LEAST_OUTSTANDING:
        wholes[wholes[AT_OUTSTANDING] + row] += 1
    if wholes[STORE_SLOTS] > 0 and reals[given + _HIT] < _miss(reals, wholes):
        _push(reals, wholes, done, _QUERY + 8 * about)
    elif reals[CALL_SHARE] > 0 and reals[given + _CALL_CHANCE] < reals[CALL_SHARE]:
        _push(reals, wholes, done, _CALL + 8 * about)
    else:
        if routing >= LEAST_OUTSTANDING:
            _push(reals, wholes, done, _LEAVE + 8 * row)
        _end(reals, wholes, drawn, now, done, about)


@compiled
def _turn(reals: Any, wholes: Any, now: float, place: int, entrance: int) -> float:
    """What a slot's turn costs beside its requests: nothing for who joins one that has not begun."""
    if now < reals[wholes[AT_BEGUN] + place]:
        return 0.0
    shared = float(reals[wholes[AT_SHARED] + entrance] / reals[wholes[AT_SPEED] + entrance])
    reals[wholes[AT_BEGUN] + place] = max(now, reals[wholes[AT_FREE] + place])
    reals[wholes[AT_WORK] + entrance] += shared
    return shared


@compiled
def _route(wholes: Any, drawn: Any, entrance: int, routing: int, index: int) -> int:
    """The task that the load balancer chooses: in turn, the one with least under way, or any."""
    tasks, first = wholes[wholes[AT_TASKS] + entrance], wholes[wholes[AT_FIRST] + entrance]
    if tasks == 1:
        return int(first)
    if routing == RANDOM and index >= 0:
        return int(first + min(tasks - 1, int(drawn[ROUTE, index] * tasks)))
    turn = wholes[wholes[AT_TURN] + entrance]
    best = turn if turn < tasks else 0
    if routing == LEAST_OUTSTANDING:
        best = _fewest(wholes, wholes[AT_OUTSTANDING] + first, tasks, best)
    wholes[wholes[AT_TURN] + entrance] = best + 1
    return int(first + best)


@compiled
def _fewest(wholes: Any, outstanding: int, tasks: int, turn: int) -> int:
    """The task with the fewest under way; ties in turn, as the first one would get them all."""
    best = turn
    for step in range(1, tasks):
        task = turn + step if turn + step < tasks else turn + step - tasks
        if wholes[outstanding + task] < wholes[outstanding + best]:
            best = task
    return int(best)


@compiled
def _soonest(reals: Any, free: int, slots: int) -> int:
    best = 0
    for slot in range(1, slots):
        if reals[free + slot] < reals[free + best]:
            best = slot
    return best


@compiled
def _environment(reals: Any, wholes: Any, now: float, entrance: int) -> int:
    """A function's idle environment, the one used last; else a new one, after its cold start; else -1."""
    first = wholes[wholes[AT_FIRST] + entrance]
    idle = wholes[wholes[AT_IDLE_COUNT] + entrance]
    if idle > 0:
        wholes[wholes[AT_IDLE_COUNT] + entrance] = idle - 1
        return int(wholes[wholes[AT_IDLE] + first + idle - 1])
    if now >= reals[wholes[AT_WINDOW] + entrance] + ADDED_SECONDS:
        reals[wholes[AT_WINDOW] + entrance], wholes[wholes[AT_CREATED] + entrance] = now, 0
    full = wholes[wholes[AT_TASKS] + entrance] >= wholes[wholes[AT_MOST] + entrance]
    if full or wholes[wholes[AT_CREATED] + entrance] >= ENVIRONMENTS_ADDED:
        return -1
    spare = wholes[wholes[AT_SPARE_COUNT] + entrance] - 1
    wholes[wholes[AT_SPARE_COUNT] + entrance] = spare
    wholes[wholes[AT_TASKS] + entrance] += 1
    wholes[wholes[AT_CREATED] + entrance] += 1
    wholes[COLD_STARTS] += 1
    row = wholes[wholes[AT_SPARE] + first + spare]
    reals[wholes[AT_FREE] + wholes[WIDTH] * row] = now + reals[COLD_SECONDS]
    return int(row)


@compiled
def _miss(reals: Any, wholes: Any) -> float:
    """The share of requests that the cache does not answer now: more while it fills itself again."""
    lookups = wholes[LOOKUPS]
    if lookups >= WARM:
        return float(reals[MISS])
    place = min(int(4.0 * math.log2(1.0 + lookups)), FILL_STEPS - 1)
    return float(1.0 - (1.0 - reals[MISS]) * reals[wholes[AT_FILL] + place])


@compiled
def _ask(reals: Any, wholes: Any, drawn: Any, now: float, about: int) -> None:
    """A request needs the database: with a connection that is idle, with a new one, or it waits for one."""
    row = wholes[wholes[AT_MARKS] + MARKS * about + _ROW]
    if now > reals[wholes[AT_DIES] + row]:
        _fail_there(reals, wholes, drawn, now, BROKEN, about)
    elif wholes[POOL] == 0 or wholes[wholes[AT_BUSY] + row] < wholes[wholes[AT_OPENED] + row]:
        wholes[wholes[AT_BUSY] + row] += 1
        _serve_query(reals, wholes, now, about)
    elif wholes[wholes[AT_OPENED] + row] >= wholes[POOL]:
        _wait(reals, wholes, now, about, row)
    elif wholes[MOST_OPEN] == 0 or wholes[CONNECTIONS] < wholes[MOST_OPEN]:
        wholes[CONNECTIONS] += 1
        wholes[MOST_CONNECTIONS] = max(wholes[MOST_CONNECTIONS], wholes[CONNECTIONS])
        wholes[wholes[AT_OPENED] + row] += 1
        wholes[wholes[AT_BUSY] + row] += 1
        _serve_query(reals, wholes, now + reals[CONNECT], about)
    elif wholes[wholes[AT_OPENED] + row] == 0:
        _fail_there(reals, wholes, drawn, now, NO_CONNECTION, about)
    else:
        _wait(reals, wholes, now, about, row)


@compiled
def _wait(reals: Any, wholes: Any, now: float, about: int, row: int) -> None:
    """Behind those who wait for a connection of the same task."""
    mark = wholes[AT_MARKS] + MARKS * about
    wholes[mark + _WAITING], wholes[mark + _FOLLOWING] = 1, -1
    reals[wholes[AT_REQUESTS] + COLUMNS * about + _GIVES_UP] = now + reals[POOL_WAIT]
    if wholes[wholes[AT_HEAD] + row] < 0:
        wholes[wholes[AT_HEAD] + row] = about
    else:
        wholes[wholes[AT_MARKS] + MARKS * wholes[wholes[AT_TAIL] + row] + _FOLLOWING] = about
    wholes[wholes[AT_TAIL] + row] = about
    _push(reals, wholes, now + reals[POOL_WAIT], _GIVE_UP + 8 * about)


@compiled
def _give_up(reals: Any, wholes: Any, drawn: Any, now: float, about: int) -> None:
    """Who waits too long for a connection is refused; another request may have the slot by then."""
    mark = wholes[AT_MARKS] + MARKS * about
    if wholes[mark + _WAITING] != 1 or reals[wholes[AT_REQUESTS] + COLUMNS * about + _GIVES_UP] != now:
        return
    # Its place in the line stays until it comes up; what is tried again has a slot of its own.
    other = _take_slot(wholes, wholes[mark + _LEFT])
    for column in range(COLUMNS):
        reals[wholes[AT_REQUESTS] + COLUMNS * other + column] = reals[
            wholes[AT_REQUESTS] + COLUMNS * about + column
        ]
    for column in range(MARKS):
        wholes[wholes[AT_MARKS] + MARKS * other + column] = wholes[mark + column]
    wholes[wholes[AT_MARKS] + MARKS * other + _WAITING] = 0
    wholes[mark + _WAITING] = 2
    _fail_there(reals, wholes, drawn, now, NO_CONNECTION, other)


@compiled
def _serve_query(reals: Any, wholes: Any, now: float, about: int) -> None:
    slot = _soonest(reals, wholes[AT_STORE], wholes[STORE_SLOTS])
    seconds = reals[wholes[AT_REQUESTS] + COLUMNS * about + _QUERY_SECONDS] * reals[SLOWNESS] / reals[STORE_SPEED]
    done = max(now, reals[wholes[AT_STORE] + slot]) + seconds
    reals[wholes[AT_STORE] + slot] = done
    reals[wholes[AT_WORK] + wholes[ENTRANCES]] += seconds
    wholes[QUERIES] += 1
    _push(reals, wholes, done, _ANSWER + 8 * about)


@compiled
def _answer(reals: Any, wholes: Any, drawn: Any, now: float, about: int) -> None:
    """The database has answered; the connection goes to who waits longest for it."""
    if wholes[LOOKUPS] < WARM:
        wholes[LOOKUPS] += 1
    _give_connection_on(reals, wholes, now, wholes[wholes[AT_MARKS] + MARKS * about + _ROW])
    if reals[CALL_SHARE] > 0 and reals[wholes[AT_REQUESTS] + COLUMNS * about + _CALL_CHANCE] < reals[CALL_SHARE]:
        _call(reals, wholes, drawn, now, about)
    else:
        _complete(reals, wholes, drawn, now, about)


@compiled
def _give_connection_on(reals: Any, wholes: Any, now: float, row: int) -> None:
    waiting = wholes[wholes[AT_HEAD] + row]
    while waiting >= 0:
        mark = wholes[AT_MARKS] + MARKS * waiting
        wholes[wholes[AT_HEAD] + row] = wholes[mark + _FOLLOWING]
        if wholes[mark + _WAITING] == 1:
            wholes[mark + _WAITING] = 0
            _serve_query(reals, wholes, now, waiting)
            return
        _give_back(wholes, waiting)
        waiting = wholes[wholes[AT_HEAD] + row]
    wholes[wholes[AT_BUSY] + row] -= 1
    entrance = wholes[wholes[AT_ENTRANCE_OF] + row]
    gone = row - wholes[wholes[AT_FIRST] + entrance] >= wholes[wholes[AT_TASKS] + entrance]
    if wholes[POOL] > 0 and gone and wholes[wholes[AT_ROUTING] + entrance] != FUNCTION:
        wholes[wholes[AT_OPENED] + row] -= 1
        wholes[CONNECTIONS] -= 1


@compiled
def _call(reals: Any, wholes: Any, drawn: Any, now: float, about: int) -> None:
    """A request goes out to another host: refused beyond its rate, or beyond what may be under way."""
    if now >= reals[CALL_SECOND] + 1.0:
        reals[CALL_SECOND], wholes[CALLS_NOW] = math.floor(now), 0
    wholes[CALLS_NOW] += 1
    if wholes[CALLS] >= wholes[CALLS_AT_ONCE] or wholes[CALLS_NOW] > reals[CALLS_PER_SECOND]:
        _fail_there(reals, wholes, drawn, now, CALL_REFUSED, about)
        return
    wholes[CALLS] += 1
    seconds = reals[wholes[AT_REQUESTS] + COLUMNS * about + _CALL_SECONDS] * reals[CALL_SLOWNESS]
    _push(reals, wholes, now + seconds, _CALLED + 8 * about)


@compiled
def _complete(reals: Any, wholes: Any, drawn: Any, now: float, about: int) -> None:
    """A request that went on from its task comes back there, if the task still lives, and is answered."""
    row = wholes[wholes[AT_MARKS] + MARKS * about + _ROW]
    if now > reals[wholes[AT_DIES] + row]:
        _fail_there(reals, wholes, drawn, now, BROKEN, about)
    else:
        _release(reals, wholes, now, row)
        _end(reals, wholes, drawn, now, now, about)


@compiled
def _fail_there(
    reals: Any, wholes: Any, drawn: Any, now: float, why: int, about: int
) -> None:  # fmt: skip
    """A request fails after it went on from its task, which is rid of it."""
    _release(reals, wholes, now, wholes[wholes[AT_MARKS] + MARKS * about + _ROW])
    _fail(reals, wholes, drawn, now, why, about)


@compiled
def _release(reals: Any, wholes: Any, now: float, row: int) -> None:
    entrance = wholes[wholes[AT_ENTRANCE_OF] + row]
    if wholes[wholes[AT_ROUTING] + entrance] == FUNCTION:
        idle = wholes[wholes[AT_IDLE_COUNT] + entrance]
        wholes[wholes[AT_IDLE] + wholes[wholes[AT_FIRST] + entrance] + idle] = row
        wholes[wholes[AT_IDLE_COUNT] + entrance] = idle + 1
        reals[wholes[AT_USED] + row], reals[wholes[AT_FREE] + wholes[WIDTH] * row] = now, now
    elif wholes[wholes[AT_OUTSTANDING] + row] > 0:
        wholes[wholes[AT_OUTSTANDING] + row] -= 1


@compiled
def _end(reals: Any, wholes: Any, drawn: Any, now: float, done: float, about: int) -> None:
    """The answer goes back, unless nobody waits for it any more."""
    given = wholes[AT_REQUESTS] + COLUMNS * about
    done += reals[NETWORK]
    gives_up = reals[given + _SENT] + reals[TIMEOUT]
    if done > gives_up:
        _fail(reals, wholes, drawn, max(now, gives_up), TIMED_OUT, about)
        return
    latency = done - reals[given + _BORN]
    wholes[ANSWERED] += 1
    if latency > reals[OBJECTIVE]:
        wholes[LATE] += 1
    reals[LATENCY_SUM] += latency
    mantissa, power = math.frexp(max(latency, 1e-7))
    place = int((power - FIRST_POWER) * STEPS + (mantissa - 0.5) * (2 * STEPS))
    wholes[wholes[AT_HISTOGRAM] + min(place, BUCKETS - 1)] += 1
    _pause(reals, wholes, drawn, done, about)


@compiled
def _fail(reals: Any, wholes: Any, drawn: Any, now: float, why: int, about: int) -> None:
    """Again after a pause, while attempts and the budget last; else it is counted.

    The pause is a random share of what doubles each time: AWS Architecture Blog, "Exponential Backoff And Jitter".
    """
    mark = wholes[AT_MARKS] + MARKS * about
    tries = wholes[mark + _TRIES]
    if tries < wholes[MOST_TRIES] and reals[TOKENS] >= 1.0:
        reals[TOKENS] -= 1.0
        wholes[RETRIES] += 1
        wholes[mark + _TRIES] = tries + 1
        pause = reals[BACKOFF] * 2.0**tries * drawn[JITTER, wholes[JITTERS] % max(1, wholes[DRAWN])]
        wholes[JITTERS] += 1
        _push(reals, wholes, now + pause, _RETRY + 8 * about)
        return
    wholes[why] += 1
    _pause(reals, wholes, drawn, now, about)


@compiled
def _pause(reals: Any, wholes: Any, drawn: Any, now: float, about: int) -> None:
    """A user whose session goes on pauses and asks again; else the slot is free."""
    left = wholes[wholes[AT_MARKS] + MARKS * about + _LEFT]
    if left == 0:
        _give_back(wholes, about)
        return
    if left > WARM // 2 and wholes[LEAVING] > 0:
        wholes[LEAVING] -= 1
        _give_back(wholes, about)
        return
    wholes[wholes[AT_MARKS] + MARKS * about + _LEFT] = left - 1
    pause = reals[THINK_TIME] * drawn[THINK, wholes[THINKS] % max(1, wholes[DRAWN])]
    wholes[THINKS] += 1
    _push(reals, wholes, now + pause, _NEXT + 8 * about)


@compiled
def _take_slot(wholes: Any, left: int) -> int:
    wholes[VACANT] -= 1
    about = wholes[wholes[AT_VACANT] + wholes[VACANT]]
    mark = wholes[AT_MARKS] + MARKS * about
    wholes[mark + _LEFT], wholes[mark + _WAITING] = left, 0
    return int(about)


@compiled
def _give_back(wholes: Any, about: int) -> None:
    wholes[wholes[AT_VACANT] + wholes[VACANT]] = about
    wholes[VACANT] += 1


@compiled
def _push(reals: Any, wholes: Any, time: float, code: int) -> None:
    push(reals, wholes, EVENTS, wholes[AT_TIMES], wholes[AT_CODES], time, code)


@compiled
def _pop(reals: Any, wholes: Any) -> None:
    pop(reals, wholes, EVENTS, wholes[AT_TIMES], wholes[AT_CODES])
