"""What functions and their API cost: requests, memory by the millisecond, starts, what is kept warm.

Lambda bills each run by the millisecond, rounded up (AWS, "Lambda pricing"), its memory whether the CPU works or
waits; and the start of an environment like a run (images always, zip archives since 2025-08-01: AWS Compute Blog,
"AWS Lambda standardizes billing for INIT Phase", 2025-04-29). What is free in every month belongs to the account
and not to this environment: free_tier.py keeps it apart.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import assert_never

from rung.parts.compute import ScheduledTask
from rung.parts.edge import Distribution
from rung.parts.functions import HttpApi, LambdaFunction, vcpus_of_memory
from rung.price.book import HOURS_PER_MONTH
from rung.price.charging import Charging, Line
from rung.price.log_lines import log_lines
from rung.price.usage import SECONDS_PER_MONTH

ServerlessPart = LambdaFunction | HttpApi
MIB_PER_GIB = 1_024
#: Ephemeral storage that is in the price of a function.
FREE_EPHEMERAL_MIB = 512
#: An HTTP API counts a request once for each 512 KiB of it (AWS, "API Gateway pricing").
METERED_KIB = 512.0
#: Environments beyond the mean number of requests under way: they do not come evenly.
SPREAD = 1.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Runs:
    """How often a function runs in a month, for how many milliseconds, at which rates a second over the day.

    `rates` has 24 hours; `spike` is the rate beyond the busy hour at a spike.
    """

    count: float
    ms: float
    rates: tuple[float, ...]
    because: str
    spike: float = 0.0

    @property
    def billed_ms(self) -> int:
        """What one run is billed: the next whole millisecond."""
        return math.ceil(round(self.ms, 6))


def lines_of(part: ServerlessPart, charging: Charging) -> Iterator[Line]:
    """The lines of one part."""
    match part:
        case LambdaFunction():
            yield from lambda_function(part, charging)
        case HttpApi():
            yield from http_api(part, charging)
        case _:
            assert_never(part)


def lambda_function(part: LambdaFunction, charging: Charging) -> Iterator[Line]:
    """Runs, the memory that they hold, starts, environments that are kept warm, storage, the log."""
    found, given = runs_of(part, charging), charging.usage.assumptions
    gib = part.memory_mib / MIB_PER_GIB
    key = ("lambda", "duration", part.architecture)
    yield charging.line(
        part.name, part.node, "runs", ("lambda", "requests", ""), found.count / 1e6, found.because, depends="use"
    )
    seconds, warm = found.count * found.billed_ms / 1_000, warm_share(part, found)
    because = f"{found.because}; {found.billed_ms} ms of {gib:g} GiB each, rounded up to whole milliseconds"
    cold = seconds * (1 - warm) * gib
    each_hour = tuple(rate * 3_600 * found.billed_ms / 1_000 * (1 - warm) * gib for rate in found.rates)
    yield charging.line(part.name, part.node, "memory", key, cold, because, depends="use", hours=each_hour)
    started = starts_of(found, charging) * (1 - warm)
    because = f"{started:,.0f} execution environments start, {given.cold_start_ms:g} ms each, billed like a run"
    starting = started * math.ceil(given.cold_start_ms) / 1_000
    yield charging.line(part.name, part.node, "starts", key, starting * gib, because, depends="use")
    yield from _provisioned(part, charging, seconds * warm)
    yield from _ephemeral(part, charging, seconds + starting)
    web = part.role == "web"
    yield from log_lines(
        charging, part.name, part.node, count=found.count, of="requests" if web else "runs", days=part.log_days,
        kib_each=given.log_kib_per_request if web else given.log_kib_per_message,
    )  # fmt: skip


def _provisioned(part: LambdaFunction, charging: Charging, seconds: float) -> Iterator[Line]:
    """Environments that are always warm are paid for by the second, and their runs at a lower price."""
    count, gib = part.provisioned_concurrency, part.memory_mib / MIB_PER_GIB
    if not count:
        return
    because = f"{count} execution environments of {gib:g} GiB, always warm"
    key = ("lambda", "provisioned-concurrency", part.architecture)
    yield charging.line(
        part.name, part.node, "provisioned concurrency", key, count * SECONDS_PER_MONTH * gib, because,
        hours=(count * 3_600 * gib,) * 24,
    )  # fmt: skip
    key = ("lambda", "provisioned-duration", part.architecture)
    yield charging.line(
        part.name, part.node, "memory while warm", key, seconds * gib, f"runs in {because}", depends="use"
    )


def _ephemeral(part: LambdaFunction, charging: Charging, seconds: float) -> Iterator[Line]:
    beyond = max(0, part.ephemeral_mib - FREE_EPHEMERAL_MIB) / MIB_PER_GIB
    if beyond:
        key = ("lambda", "ephemeral-storage", part.architecture)
        because = f"{beyond:g} GiB beyond the first half, while it runs"
        yield charging.line(part.name, part.node, "storage", key, seconds * beyond, because, depends="use")


def runs_of(part: LambdaFunction, charging: Charging) -> Runs:
    """How often a function runs, by what starts it."""
    usage, given = charging.usage, charging.usage.assumptions
    match part.role:
        case "web":
            share = usage.share_of(part.node)
            shared = f", {share:.0%} of them here" if share < 1 else ""
            rates = tuple(usage.rate_at(hour) * share for hour in range(24))
            return Runs(
                count=usage.requests.value * share, ms=request_ms(part, charging), rates=rates,
                because=usage.requests.because + shared, spike=(usage.peak_rate - usage.busy_rate) * share,
            )  # fmt: skip
        case "worker":
            return _worker_runs(part, charging)
        case "schedule":
            clocks = [each for each in charging.design.of(ScheduledTask) if each.job == part.name]
            rate = 0.0 + sum(1 / each.every_seconds for each in clocks)
            because = f"a run every {clocks[0].every_seconds:,} s" if clocks else "no clock starts it"
            return _steady(rate, given.run_seconds, because)
        case "migration":
            return _steady(
                given.deploys_per_month / SECONDS_PER_MONTH, given.run_seconds, "before each deployment"
            )
        case "job":
            return _steady(0.0, given.run_seconds, "when somebody starts it")
        case _:
            assert_never(part.role)


def _worker_runs(part: LambdaFunction, charging: Charging) -> Runs:
    """A run for each message: where each is handled as it comes, seldom do several wait for one another."""
    usage, given = charging.usage, charging.usage.assumptions
    count = sum(usage.messages_per_month(source.node) * source.share for source in part.sources)
    average = given.average_of_day()
    rates = tuple(count / SECONDS_PER_MONTH * share / average if average else 0.0 for share in given.day)
    ms = given.message_ms if part.usual_seconds is None else part.usual_seconds * 1_000
    return Runs(count=count, ms=ms, rates=rates, because="a run for each message")


def _steady(rate: float, seconds: float, because: str) -> Runs:
    return Runs(count=rate * SECONDS_PER_MONTH, ms=seconds * 1_000, rates=(rate,) * 24, because=because)


def request_ms(part: LambdaFunction, charging: Charging) -> float:
    """How long a request holds its environment: its CPU, on the share of a core that it has, and its waits."""
    given = charging.usage.assumptions
    return given.cpu_ms / min(1.0, vcpus_of_memory(part.memory_mib)) + given.wait_ms


def starts_of(runs: Runs, charging: Charging) -> float:
    """Environments that start in a month, at most: hour by hour of the day, and at each spike.

    An execution environment is taken away when it was idle for some minutes (T), and renewed after some hours. Of
    requests that come by chance, r a second, exp(-r T) find none: r exp(-r T) a second, which is 1/(e T) at most
    and r at most. The lesser of the two is counted, so that more traffic never costs less.
    """
    given = charging.usage.assumptions
    idle, life = given.function_idle_minutes * 60, given.function_life_hours * 3_600
    seconds, days = runs.ms / 1_000, HOURS_PER_MONTH / 24
    each = [
        min(rate, min(rate, 1 / (math.e * idle)) + SPREAD * rate * seconds / life) * 3_600 for rate in runs.rates
    ]
    at_spikes = given.spikes_per_month * SPREAD * runs.spike * seconds
    return min(runs.count, sum(each) * days + at_spikes)


def warm_share(part: LambdaFunction, runs: Runs) -> float:
    """The share of runs that provisioned environments take, over the day."""
    if not part.provisioned_concurrency or not sum(runs.rates):
        return 0.0
    busy = [rate * runs.ms / 1_000 * SPREAD for rate in runs.rates]
    taken = [
        rate * min(1.0, part.provisioned_concurrency / under_way) if under_way else 0.0
        for rate, under_way in zip(runs.rates, busy, strict=True)
    ]
    return sum(taken) / sum(runs.rates)


def http_api(part: HttpApi, charging: Charging) -> Iterator[Line]:
    """Requests, each counted once for every 512 KiB of it; and bytes, where no CloudFront is before it."""
    usage, given = charging.usage, charging.usage.assumptions
    each = max(1, math.ceil(max(given.request_kib, given.response_kib) / METERED_KIB))
    because = usage.requests.because + (f"; each counts {each} times" if each > 1 else "")
    key = ("api-gateway", "http-requests", "")
    yield charging.line(
        part.name, part.node, "requests", key, usage.requests.value * each / 1e6, because, depends="use"
    )
    if not any(each.api for each in charging.design.of(Distribution)):
        key = ("data-transfer", "internet-out", "")
        because = f"{given.response_kib:g} KiB an answer"
        out = usage.gib(given.response_kib)
        yield charging.line(part.name, part.node, "bytes to the internet", key, out, because, depends="use")
