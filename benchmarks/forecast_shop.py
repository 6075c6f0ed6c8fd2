"""The shop under `rung load` at several levels of load on this machine, against a forecast of the same.

    python benchmarks/forecast_shop.py [--measure FILE.json | --from FILE.json] [--json]

What the forecast knows is measured at the two lowest levels alone: the processor time of each kind of process (the
generator, which shares the machine, is one), and how long requests took at the lowest. A kind's processor time
grows with a power of the rate, at most in proportion: more requests are taken together at each turn of an event
loop. Every process takes turns at the cores of this one machine. A turn is what a request adds of processor time;
the engine simulates the cores, and a request waits once for each turn in the time that it takes alone. Workers
yield, so that visitors find the machine full only when it would be full without them. The other levels are
forecast: p50, p99, and the knee. `--measure` writes the measurement to a file, which `--from` reads back.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from rung.forecast import kernel
from rung.forecast.engine import Conditions, Engine, Tier, drawn
from rung.forecast.kernel import Floats

#: Requests per second: the two lowest tell what a request costs, the highest is more than the machine can answer.
LEVELS = (300.0, 900.0, 1_400.0, 1_800.0, 2_200.0, 2_600.0, 4_500.0)
USERS, SECONDS, WARMUP = 1_000, 12.0, 3.0
SIMULATED = 400_000
AIMS = {"knee": 0.10, "p50": 0.10, "p99": 0.20}
#: Up to this utilisation the aims hold; beyond it only the figures are shown.
HELD = 0.7
#: Beyond it, a queue has no end that a simulation could wait for.
FULLEST = 0.97
#: They run at a lower priority: visitors do not wait for them (runtime/worker).
WHAT_YIELDS = "workers"


@dataclass(frozen=True)
class Level:
    """One level as measured: milliseconds, cores by part, and the quantiles of the latency."""

    offered: float
    achieved: float
    p50_ms: float
    p99_ms: float
    cores: dict[str, float]
    curve: list[tuple[float, float]]


@dataclass(frozen=True)
class Forecast:
    """One level as forecast: milliseconds, and the utilisation of the machine."""

    p50_ms: float
    p99_ms: float
    machine: float


def measure() -> list[Level]:
    """Start the shop and send each level."""
    from processor_time import Snapshot, cores, snapshot
    from shop_stack import running_shop, send

    from rung.load.judge import Aims
    from rung.load.plan import Plan, Target

    found = []
    with running_shop(gateway_workers=1) as shop:
        for rate in LEVELS:
            plan = Plan(
                target=Target.of(shop.url), journeys="shop.journeys:journeys", folder=str(shop.folder),
                users=USERS, rate=rate, duration_seconds=SECONDS, warmup_seconds=WARMUP, seed=int(rate),
            )  # fmt: skip
            seen: list[Snapshot] = []

            def look(second: int, seen: list[Snapshot] = seen) -> None:
                if second in (1, int(SECONDS) - 1):
                    seen.append(snapshot(shop.process.pid, str(shop.folder.parent)))

            result = send(plan, Aims(), name="shop", on_second=look)
            used = cores(seen[0], seen[-1]) if len(seen) > 1 else {}
            total = result.total.latency
            found.append(
                Level(result.offered_per_second, result.achieved_per_second, total.p50_ms, total.p99_ms, used,
                      [(float(share), float(value)) for share, value in result.curve])
            )  # fmt: skip
    return found


@dataclass(frozen=True)
class Machine:
    """How many cores it has, and for each kind of process those used at the second level and their power."""

    cores: float
    rate: float
    kinds: dict[str, tuple[float, float]]
    turn_seconds: float

    @classmethod
    def of(cls, low: Level, high: Level) -> Machine:
        """What two levels tell."""
        kinds = {
            kind: (used, power_of(low.cores[kind], used, high.achieved / low.achieved))
            for kind, used in high.cores.items()
            if kind != "others"
        }
        added = sum(high.cores[kind] - low.cores[kind] for kind in kinds)
        return cls(float(os.cpu_count() or 1), high.achieved, kinds, added / (high.achieved - low.achieved))

    def used(self, rate: float, without: str = "") -> float:
        """Cores in use at `rate` requests a second."""
        times = rate / self.rate
        return sum(used * times**power for kind, (used, power) in self.kinds.items() if kind != without)

    def utilisation(self, rate: float) -> float:
        """The share of the machine, at most what still comes to an end."""
        return min(FULLEST, self.used(rate) / self.cores)

    def knee(self) -> float:
        """Requests per second at which the machine would be full without its workers: they yield."""
        low, high = self.rate, self.rate * 100
        while high - low > 1:
            middle = (low + high) / 2
            low, high = (middle, high) if self.used(middle, WHAT_YIELDS) < self.cores else (low, middle)
        return low


def power_of(low: float, high: float, times: float) -> float:
    """How use grows with the rate: 0 not at all, 1 in proportion, from two levels `times` apart."""
    return 0.0 if low <= 0 or high <= low else min(1.0, math.log(high / low) / math.log(times))


def forecast(machine: Machine, low: Level, rate: float, seed: int = 1) -> Forecast:
    """The level of `rate` requests per second."""
    stream = np.random.default_rng(seed)
    shares, took = (np.array(column) for column in zip(*low.curve, strict=True))
    took_there = np.interp(stream.random(SIMULATED) * 100, shares, took / 1_000)
    there, here = (waits(machine, machine.utilisation(level), stream) for level in (low.achieved, rate))
    alone = took_there / (1 + there.mean() / machine.turn_seconds)
    turns = np.maximum(1, stream.poisson(alone / machine.turn_seconds))
    waited = np.zeros(SIMULATED)
    for number in range(int(turns.max())):
        waiting = turns > number
        waited[waiting] += stream.choice(here, int(waiting.sum()))
    p50, p99 = (float(np.quantile(alone + waited, share)) * 1_000 for share in (0.5, 0.99))
    return Forecast(p50, p99, machine.utilisation(rate))


def waits(machine: Machine, utilisation: float, stream: np.random.Generator) -> Floats:
    """Seconds that turns wait for one of the cores."""
    cores = int(machine.cores)
    engine = Engine([Tier(slots=cores)], Conditions(traced=True))
    arrivals = np.cumsum(stream.exponential(machine.turn_seconds / (cores * utilisation), SIMULATED))
    engine.feed(drawn(arrival=arrivals, cpu=stream.exponential(machine.turn_seconds, SIMULATED)))
    engine.advance(math.inf)
    return np.asarray(engine.drawn[kernel.WAIT])


def rows_of(levels: list[Level]) -> list[dict[str, Any]]:
    """Measured beside forecast, level by level, and the knee."""
    machine, rows = Machine.of(*levels[:2]), []
    for level in levels[1:-1]:
        expected = forecast(machine, levels[0], level.offered)
        held = expected.machine <= HELD
        rows += [
            row(level, name, getattr(level, f"{name}_ms"), getattr(expected, f"{name}_ms"), expected, held=held)
            for name in ("p50", "p99")
        ]
    best, knee = max(level.achieved for level in levels), machine.knee()
    rows.append(row(levels[-1], "knee", best, knee, Forecast(0, 0, machine.utilisation(knee)), held=True))
    return rows


def row(
    level: Level, name: str, measured: float, expected: float, said: Forecast, *, held: bool
) -> dict[str, Any]:  # fmt: skip
    """One line of the table."""
    error = expected / measured - 1
    return {
        "rate": round(level.offered), "figure": name, "measured": measured, "forecast": expected, "error": error,
        "machine": said.machine, "aim": AIMS[name] if held else None,
        "met": abs(error) <= AIMS[name] if held else None,
    }  # fmt: skip


def main() -> int:
    """Measure, forecast, print the residuals; 1 when an aim is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--measure", type=Path, help="write the measurement here, and forecast nothing")
    parser.add_argument("--from", dest="read", type=Path, help="a measurement to forecast from")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    if options.read is not None:
        levels = [Level(**each) for each in json.loads(options.read.read_text())]
    else:
        levels = measure()
    if options.measure is not None:
        options.measure.write_text(json.dumps([asdict(level) for level in levels]))
        return 0
    rows = rows_of(levels)
    if options.json:
        print(json.dumps(rows, indent=2))
    else:
        show(levels, rows)
    return 0 if all(each["met"] is not False for each in rows) else 1


def show(levels: list[Level], rows: list[dict[str, Any]]) -> None:
    """The table."""
    low, machine = levels[0], Machine.of(*levels[:2])
    print(f"{machine.cores:g} cores; a request adds {machine.turn_seconds * 1e3:.2f} ms of processor; "
          f"at {low.offered:,.0f}/s p50 {low.p50_ms:.2f} ms, p99 {low.p99_ms:.1f} ms\n")  # fmt: skip
    headings = f"{'measured':>10}{'forecast':>10}{'error':>8}{'machine':>9}"
    print(f"{'requests/s':>10} {'figure':7}{headings}  aim")
    for each in rows:
        aim = "" if each["aim"] is None else f"± {each['aim']:.0%}" + ("" if each["met"] else "  NOT MET")
        print(f"{each['rate']:>10,} {each['figure']:7}{each['measured']:>10.2f}{each['forecast']:>10.2f}"
              f"{each['error']:>+8.0%}{each['machine']:>9.0%}  {aim}")  # fmt: skip
    for level in levels:
        used = ", ".join(f"{part} {value:.2f}" for part, value in sorted(level.cores.items()))
        print(f"# {level.offered:,.0f}/s: {level.achieved:,.0f}/s right; cores: {used}")


if __name__ == "__main__":
    sys.exit(main())
