"""What queueing theory says of a few models exactly: what the simulator is held against.

Sources: Erlang, Pollaczek and Khinchine, Crommelin as in any book on queues (Gross, Shortle, Thompson, Harris,
"Fundamentals of Queueing Theory"); Reiser and Lavenberg, "Mean-Value Analysis of Closed Multichain Queuing
Networks", 1980. Units of time are the caller's; waits are without the service itself.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np


def erlang_c(servers: int, load: float) -> float:
    """The probability that a request waits, `load` in Erlangs."""
    blocked = 1.0
    for count in range(1, servers + 1):
        blocked = load * blocked / (count + load * blocked)
    return blocked / (1 - load / servers * (1 - blocked))


def mmc_wait(servers: int, rho: float, share: float | None = None) -> float:
    """M/M/c: the mean wait, or the quantile `share` of all waits; services have a mean of 1."""
    waits, spare = erlang_c(servers, servers * rho), servers * (1 - rho)
    if share is None:
        return waits / spare
    return max(0.0, math.log(waits / (1 - share)) / spare)


def mmc_response_at_most(servers: int, rho: float, time: float) -> float:
    """M/M/c: the share of requests that are answered within `time`; services have a mean of 1."""
    waits, spare = erlang_c(servers, servers * rho), servers * (1 - rho)
    both = (spare * math.exp(-time) - math.exp(-spare * time)) / (spare - 1)
    return 1 - (1 - waits) * math.exp(-time) - waits * both


def mg1_wait(rho: float, cv: float) -> float:
    """M/G/1: the mean wait by Pollaczek and Khinchine; services have a mean of 1."""
    return rho / (1 - rho) * (1 + cv * cv) / 2


def md1_wait_at_most(rho: float, wait: float) -> float:
    """M/D/1: the share of requests that wait no longer, by Crommelin's sum; exact to 1e-9 below a wait of 15."""
    terms = [
        (rho * (count - wait)) ** count / math.factorial(count) * math.exp(-rho * (count - wait))
        for count in range(int(wait) + 1)
    ]
    return (1 - rho) * math.fsum(terms)


def mh1_wait_at_most(rho: float, wait: float, shares: Sequence[float], means: Sequence[float]) -> float:
    """M/H/1 (hyperexponential services of mean 1): the share of requests that wait no longer.

    The wait is the sum of a geometric number of remaining services, so its phases die out as a matrix exponential:
    Neuts, "Matrix-Geometric Solutions in Stochastic Models", 1981.
    """
    share, mean = np.array(shares), np.array(means)
    remaining = share * mean / (share @ mean)
    generator = -np.diag(1 / mean) + rho * np.outer(1 / mean, remaining)
    values, vectors = np.linalg.eig(generator)
    weights = (rho * remaining @ vectors) * np.linalg.solve(vectors, np.ones(mean.size))
    return float(1 - np.real(weights @ np.exp(values * wait)))


def closed_response(users: int, think: float, demands: Sequence[float]) -> tuple[float, float]:
    """Exact MVA: (response time, throughput) of `users` who think and then pass stations of one server each."""
    queues, response, rate = [0.0] * len(demands), 0.0, 0.0
    for count in range(1, users + 1):
        times = [demand * (1 + queue) for demand, queue in zip(demands, queues, strict=True)]
        response = sum(times)
        rate = count / (think + response)
        queues = [rate * time for time in times]
    return response, rate


def quantile_of(share_at_most: Callable[[float], float], share: float) -> float:
    """Where a distribution function of a wait reaches `share`, by bisection."""
    low, high = 0.0, 1.0
    while share_at_most(high) < share:
        high *= 2
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if share_at_most(middle) < share else (low, middle)
    return (low + high) / 2


@dataclass(frozen=True)
class Turns:
    """An event loop: the mean wait until a request's own work begins, the share of time in which it is busy, and
    the mean number of requests in a turn.
    """

    wait: float
    busy: float
    together: float


def turns(rate: float, shared: float, own: float, most: int = 400) -> Turns:
    """Poisson arrivals at a loop whose turns take all who wait: `shared` once in a turn, `own` for each request.

    A turn with n requests is T = shared + own n long; as many as come in it, a Poisson number with mean rate T,
    are in the next, or the one who comes after a pause when nobody did: a Markov chain of n, cut at `most`. Who
    comes in a turn waits half of it on average, then for the shared part, then for those before in the line.
    """
    lengths = shared + own * np.arange(1, most + 1)
    means = rate * lengths
    log_counts = np.arange(most + 1)[None, :] * np.log(means)[:, None] - means[:, None]
    factorials = np.cumsum(np.log(np.maximum(1, np.arange(most + 1))))
    chances = np.exp(log_counts - factorials[None, :])
    chain = chances[:, 1:].copy()
    chain[:, 0] += chances[:, 0]
    chain /= chain.sum(axis=1, keepdims=True)
    equations = chain.T - np.eye(most)
    equations[-1] = 1.0
    found = np.linalg.solve(equations, np.append(np.zeros(most - 1), 1.0))
    pauses = np.exp(-means)
    came = means + pauses
    waited = means * (lengths / 2 + shared) + own * means**2 / 2 + pauses * shared
    length = found @ lengths
    return Turns(
        wait=float(found @ waited / (found @ came)), busy=float(length / (length + found @ pauses / rate)),
        together=float(found @ np.arange(1, most + 1)),
    )  # fmt: skip
