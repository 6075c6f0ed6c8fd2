"""The shop under `rung load` at several levels of load on this machine, against a forecast of the same.

    python benchmarks/forecast_shop.py [--measure FILE.json | --from FILE.json] [--json]

What the forecast knows is measured at the two lowest levels alone: the processor time that a request adds in the
gateway process and beside it (database, cache, workers, and the generator, which shares the machine), what all of
it uses without a request, and how long requests took at the lowest. A request takes its turn in the gateway, which
is one process; what is beside it has the cores that the gateway leaves. What a request took at the lowest level
beyond its processor time is kept as it was. The other levels are forecast: p50, p99, and the knee. `--measure`
writes the measurement to a file, which `--from` reads back.
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
from rung.forecast.engine import Conditions, Engine, Tier, drawn, quantile
from rung.forecast.kernel import Floats

#: Requests per second: the two lowest tell what a request costs, the highest is more than the machine can answer.
LEVELS = (300.0, 900.0, 1_400.0, 1_800.0, 2_200.0, 2_600.0, 4_500.0)
USERS, SECONDS, WARMUP = 1_000, 12.0, 3.0
SIMULATED = 400_000
AIMS = {"knee": 0.10, "p50": 0.10, "p99": 0.20}
#: Up to this utilisation the aims hold; beyond it only the figures are shown.
HELD = 0.7


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
    """One level as forecast: milliseconds, and the utilisation of the gateway's core and of the machine."""

    p50_ms: float
    p99_ms: float
    gateway: float
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
    """Cores that are used without a request, processor seconds that one adds: in the gateway, and beside it."""

    cores: float
    gateway_idle: float
    gateway: float
    beside_idle: float
    beside: float

    @classmethod
    def of(cls, low: Level, high: Level) -> Machine:
        """The line through two levels."""
        found = []
        for used in (lambda level: level.cores["gateway"], beside):
            slope = (used(high) - used(low)) / (high.achieved - low.achieved)
            found += [max(0.0, used(low) - slope * low.achieved), slope]
        return cls(float(os.cpu_count() or 1), *found)

    def utilisation(self, rate: float) -> tuple[float, float]:
        """Of the gateway's one core, and of the whole machine."""
        gateway = self.gateway_idle + rate * self.gateway
        whole = gateway + self.beside_idle + rate * self.beside
        return min(1.0, gateway), min(1.0, whole / self.cores)

    def knee(self) -> float:
        """Requests per second at which the gateway's core or the machine is full."""
        left = self.cores - self.gateway_idle - self.beside_idle
        return min((1 - self.gateway_idle) / self.gateway, left / (self.gateway + self.beside))


def beside(level: Level) -> float:
    """Cores used by everything of ours but the gateway."""
    return sum(value for part, value in level.cores.items() if part not in ("gateway", "others"))


def forecast(machine: Machine, low: Level, rate: float, seed: int = 1) -> Forecast:
    """The level of `rate` requests per second."""
    stream = np.random.default_rng(seed)
    count = min(SIMULATED, int(rate * 300))
    arrivals = np.cumsum(stream.exponential(1 / rate, count))
    shares, took = (np.array(column) for column in zip(*low.curve, strict=True))
    whole = np.interp(stream.random(count) * 100, shares, took / 1_000)
    gateway, all_of_it = machine.utilisation(rate)
    cpu, rest = (dear_where_slow(whole, mean) for mean in (machine.gateway, machine.beside))
    cores = int(machine.cores)
    engine = Engine(
        [Tier(speed=1 - machine.gateway_idle)], Conditions(shed=1.0, store_slots=cores, call_share=1.0)
    )
    engine.reals[kernel.STORE_SPEED] = (machine.cores - gateway - machine.beside_idle) / cores
    left = np.maximum(whole - cpu - rest, 0.0)
    engine.feed(drawn(arrival=arrivals, cpu=cpu, query=rest, hit=0.0, call=0.0, call_seconds=left))
    engine.advance(math.inf)
    p50, p99 = (quantile(engine.histogram, share) * 1_000 for share in (0.5, 0.99))
    return Forecast(p50, p99, gateway, all_of_it)


def dear_where_slow(whole: Floats, mean: float) -> Floats:
    """Processor time in proportion to how long a request took; the slowest twentieth waited for something else."""
    typical = np.minimum(whole, np.quantile(whole, 0.95))
    return np.asarray(typical * (mean / typical.mean()))


def rows_of(levels: list[Level]) -> list[dict[str, Any]]:
    """Measured beside forecast, level by level, and the knee."""
    machine, rows = Machine.of(*levels[:2]), []
    for level in levels[1:-1]:
        expected = forecast(machine, levels[0], level.offered)
        held = max(expected.gateway, expected.machine) <= HELD
        rows += [
            row(level, name, getattr(level, f"{name}_ms"), getattr(expected, f"{name}_ms"), expected, held=held)
            for name in ("p50", "p99")
        ]
    best, knee = max(level.achieved for level in levels), machine.knee()
    rows.append(row(levels[-1], "knee", best, knee, Forecast(0, 0, *machine.utilisation(knee)), held=True))
    return rows


def row(
    level: Level, name: str, measured: float, expected: float, said: Forecast, *, held: bool
) -> dict[str, Any]:  # fmt: skip
    """One line of the table."""
    error = expected / measured - 1
    return {
        "rate": round(level.offered), "figure": name, "measured": measured, "forecast": expected, "error": error,
        "gateway": said.gateway, "machine": said.machine, "aim": AIMS[name] if held else None,
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
    print(
        f"{machine.cores:g} cores; a request adds {machine.gateway * 1e3:.2f} ms of processor in the gateway and"
    )
    print(f"{machine.beside * 1e3:.2f} ms beside it; at {low.offered:,.0f}/s p50 {low.p50_ms:.2f} ms, p99 "
          f"{low.p99_ms:.1f} ms\n")  # fmt: skip
    headings = f"{'measured':>10}{'forecast':>10}{'error':>8}{'gateway':>9}{'machine':>9}"
    print(f"{'requests/s':>10} {'figure':7}{headings}  aim")
    for each in rows:
        aim = "" if each["aim"] is None else f"± {each['aim']:.0%}" + ("" if each["met"] else "  NOT MET")
        print(f"{each['rate']:>10,} {each['figure']:7}{each['measured']:>10.2f}{each['forecast']:>10.2f}"
              f"{each['error']:>+8.0%}{each['gateway']:>9.0%}{each['machine']:>9.0%}  {aim}")  # fmt: skip
    for level in levels:
        used = ", ".join(f"{part} {value:.2f}" for part, value in sorted(level.cores.items()))
        print(f"# {level.offered:,.0f}/s: {level.achieved:,.0f}/s right; cores: {used}")


if __name__ == "__main__":
    sys.exit(main())
