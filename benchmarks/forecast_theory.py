"""The simulator against queueing theory: M/M/c, M/D/1, M/G/1, event loops and closed networks.

    python benchmarks/forecast_theory.py [--samples N] [--json]

Ten million requests each. The mean wait and its 99th percentile must be within 1 % and 2 % of what theory says;
of many servers, where next to nobody waits, the response time. Intervals are 95 %, by the means of forty batches:
waits follow each other, so single ones would say too much.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
from queueing_theory import (
    closed_response,
    md1_wait_at_most,
    mg1_wait,
    mh1_wait_at_most,
    mmc_response_at_most,
    mmc_wait,
    quantile_of,
    turns,
)

from rung.forecast import kernel
from rung.forecast.compiled import COMPILED
from rung.forecast.engine import Conditions, Engine, Tier, drawn
from rung.forecast.kernel import Floats

BATCHES = 40
#: Two kinds of requests, one in ten 5.5 times as long as the mean: a coefficient of variation of 1.83.
MIX = ((0.9, 0.1), (0.5, 5.5))
Draw = Callable[[np.random.Generator, int], Floats]


@dataclass(frozen=True)
class Row:
    """One model: what theory says, what was simulated, and half the width of a 95 % interval of the mean."""

    model: str
    figure: str
    theory: float
    found: float
    half: float

    @property
    def error(self) -> float:
        """Relative."""
        return self.found / self.theory - 1

    @property
    def aim(self) -> float:
        """1 % for means, 2 % for tails."""
        return 0.02 if self.figure == "p99" else 0.01


def waits(
    servers: int, rho: float, draw: Draw, samples: int, seed: int, *, response: bool = False
) -> Iterator[Floats]:
    """Waits (or response times) of Poisson arrivals at `servers` in one queue, batch by batch."""
    stream = np.random.default_rng(seed)
    engine, now, size = Engine([Tier(slots=servers)], Conditions(traced=True)), 0.0, samples // BATCHES
    for _ in range(BATCHES):
        arrivals = now + np.cumsum(stream.standard_exponential(size) / (servers * rho))
        now = arrivals[-1]
        engine.feed(drawn(arrival=arrivals, cpu=draw(stream, size)))
        engine.advance(math.nextafter(now, math.inf))
        yield engine.drawn[kernel.WAIT] + engine.drawn[kernel.CPU] * response


def open_rows(
    model: str, servers: int, rho: float, draw: Draw, theory: tuple[float, float], samples: int, seed: int,
    *, response: bool = False,
) -> list[Row]:  # fmt: skip
    """Mean and p99."""
    batches = list(waits(servers, rho, draw, samples, seed, response=response))
    means = np.array([batch.mean() for batch in batches])
    tails = np.array([np.quantile(batch, 0.99) for batch in batches])
    whole = np.concatenate(batches)
    found = (whole.mean(), np.quantile(whole, 0.99))
    return [
        Row(model, figure, expected, float(value), half(spread))
        for figure, expected, value, spread in zip(("mean", "p99"), theory, found, (means, tails), strict=True)
    ]


def half(batches: Floats) -> float:
    """Half of a 95 % interval: Student's t for forty batches."""
    return float(2.023 * batches.std(ddof=1) / math.sqrt(batches.size))


def turn_rows(rate: float, shared: float, own: float, samples: int, seed: int) -> list[Row]:
    """An event loop whose turns take all who wait: the mean wait, and the processor seconds of one request."""
    expected, stream = turns(rate, shared, own), np.random.default_rng(seed)
    engine, now, size = Engine([Tier(turn=shared)], Conditions(traced=True)), 0.0, samples // BATCHES
    found, works = [], [0.0]
    for _ in range(BATCHES):
        arrivals = now + np.cumsum(stream.standard_exponential(size) / rate)
        now = arrivals[-1]
        engine.feed(drawn(arrival=arrivals, cpu=np.full(size, own)))
        engine.advance(math.nextafter(now, math.inf))
        found.append(engine.drawn[kernel.WAIT].mean())
        works.append(float(engine.section("work")[0]))
    each = np.diff(works) / size
    model = f"turns of {shared:g} + {own:g} each, {rate:g}/s"
    return [
        Row(model, "mean", expected.wait, float(np.mean(found)), half(np.array(found))),
        Row(model, "work each", expected.busy / rate, float(each.mean()), half(each)),
    ]


def closed_rows(users: int, think: float, demand: float, samples: int, seed: int) -> list[Row]:
    """Users who think, a service, a database: response and throughput."""
    stream = np.random.default_rng(seed)
    size = samples // BATCHES

    def more() -> Floats:
        columns = {name: stream.standard_exponential(size) for name in ("cpu", "query", "think")}
        return drawn(cpu=columns["cpu"], query=columns["query"] * demand, hit=0.0, think=columns["think"])

    engine = Engine([Tier()], Conditions(store_slots=1, think=think), more)
    engine.feed(more(), 0)
    engine.enter(users, 0.0)
    response, rate = closed_response(users, think, (1.0, demand))
    span, responses, rates = size / rate, [], []
    engine.advance(span)  # until it is steady
    for number in range(1, BATCHES + 1):
        before = (engine.count(kernel.ANSWERED), float(engine.reals[kernel.LATENCY_SUM]))
        engine.advance(span * (number + 1))
        answered = engine.count(kernel.ANSWERED) - before[0]
        responses.append((float(engine.reals[kernel.LATENCY_SUM]) - before[1]) / answered)
        rates.append(answered / span)
    model = f"closed, {users} users, think {think:g}"
    return [
        Row(model, "response", response, float(np.mean(responses)), half(np.array(responses))),
        Row(model, "throughput", rate, float(np.mean(rates)), half(np.array(rates))),
    ]


def exponential(stream: np.random.Generator, count: int) -> Floats:
    """Services of mean 1."""
    return stream.standard_exponential(count)


def constant(_: np.random.Generator, count: int) -> Floats:
    """All alike."""
    return np.ones(count)


def mixed(stream: np.random.Generator, count: int) -> Floats:
    """Two kinds, each exponential."""
    return np.where(stream.random(count) < MIX[0][0], *MIX[1]) * stream.standard_exponential(count)


def lognormal(cv: float, stream: np.random.Generator, count: int) -> Floats:
    """What forecasts assume of work."""
    variance = math.log(1 + cv * cv)
    return np.exp(stream.standard_normal(count) * math.sqrt(variance) - variance / 2)


def rows(samples: int) -> Iterator[Row]:
    """Every model."""
    for number, (servers, rho) in enumerate(((1, 0.5), (1, 0.7), (4, 0.8))):
        theory = (mmc_wait(servers, rho), mmc_wait(servers, rho, 0.99))
        yield from open_rows(
            f"M/M/{servers} at {rho:.0%}", servers, rho, exponential, theory, samples, 100 + number
        )
    for servers, rho in ((16, 0.8), (64, 0.9)):
        tail = quantile_of(partial(mmc_response_at_most, servers, rho), 0.99)
        theory = (1 + mmc_wait(servers, rho), tail)
        yield from open_rows(f"M/M/{servers} at {rho:.0%}, response", servers, rho, exponential, theory, samples,
                             120, response=True)  # fmt: skip
    for rho in (0.5, 0.8):
        theory = (mg1_wait(rho, 0.0), quantile_of(partial(md1_wait_at_most, rho), 0.99))
        yield from open_rows(f"M/D/1 at {rho:.0%}", 1, rho, constant, theory, samples, 200)
    squares = 2 * sum(share * mean * mean for share, mean in zip(*MIX, strict=True))
    for rho in (0.5, 0.7):
        tail = quantile_of(lambda wait, rho=rho: mh1_wait_at_most(rho, wait, *MIX), 0.99)
        theory = (mg1_wait(rho, math.sqrt(squares - 1)), tail)
        yield from open_rows(f"M/H2/1 at {rho:.0%}", 1, rho, mixed, theory, samples, 300)
    found = open_rows("M/G/1 lognormal, cv 1, at 70%", 1, 0.7, partial(lognormal, 1.0), (mg1_wait(0.7, 1.0), 1.0),
                      samples, 400)  # fmt: skip
    yield found[0]
    for number, (rate, shared, own) in enumerate(((0.2, 0.8, 0.2), (1.0, 0.8, 0.2), (4.5, 0.8, 0.2))):
        yield from turn_rows(rate, shared, own, samples, 600 + number)
    for users, think, demand in ((5, 5.0, 0.5), (50, 40.0, 0.8), (200, 150.0, 0.5)):
        yield from closed_rows(users, think, demand, samples, 500)


def main() -> int:
    """Simulate and print; 1 when a model is beyond its aim."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=int, default=10_000_000)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    found = list(rows(options.samples))
    met = all(abs(row.error) <= row.aim for row in found)
    if options.json:
        print(json.dumps([{**row.__dict__, "error": row.error, "aim": row.aim} for row in found], indent=2))
        return 0 if met else 1
    print(f"{options.samples:,} requests each; {os.cpu_count()} cores, Python {platform.python_version()}, "
          f"numba {'yes' if COMPILED else 'no'}")  # fmt: skip
    print(f"\n{'model':34}{'figure':>12}{'theory':>10}{'found':>10}{'± 95 %':>9}{'error':>9}{'aim':>6}")
    for row in found:
        verdict = "" if abs(row.error) <= row.aim else "  NOT MET"
        print(f"{row.model:34}{row.figure:>12}{row.theory:>10.4f}{row.found:>10.4f}{row.half:>9.4f}"
              f"{row.error:>+9.2%}{row.aim:>6.0%}{verdict}")  # fmt: skip
    return 0 if met else 1


if __name__ == "__main__":
    raise SystemExit(main())
