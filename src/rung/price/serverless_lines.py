"""What functions and their API cost: requests, memory by the millisecond, starts, what is kept warm.

Lambda bills each run by the millisecond, rounded up (AWS, "Lambda pricing"), its memory whether the CPU works or
waits; and the start of an environment like a run (images always, zip archives since 2025-08-01: AWS Compute Blog,
"AWS Lambda standardizes billing for INIT Phase", 2025-04-29). What is free in every month (1 million requests,
400,000 GB-seconds for an account) is kept apart: it belongs to the account and not to this environment.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import assert_never

from rung.parts.compute import ScheduledTask
from rung.parts.edge import Distribution
from rung.parts.functions import HttpApi, LambdaFunction, vcpus_of_memory
from rung.price.charging import Charging, Line
from rung.price.log_lines import log_lines
from rung.price.usage import SECONDS_PER_MONTH

ServerlessPart = LambdaFunction | HttpApi
MIB_PER_GIB = 1_024
#: Ephemeral storage that is in the price of a function.
FREE_EPHEMERAL_MIB = 512
#: An HTTP API counts a request once for each 512 KiB of it (AWS, "API Gateway pricing").
METERED_KIB = 512.0
#: What an account has free in each month, and never pays for (AWS, "Lambda pricing").
FREE_REQUESTS, FREE_GB_SECONDS = 1e6, 400_000.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Runs:
    """How often a function runs in a month, for how many milliseconds, and why."""

    count: float
    ms: float
    because: str

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
    because = f"{found.because}; {found.billed_ms} ms of {gib:g} GiB each, rounded up to whole milliseconds"
    seconds = found.count * found.billed_ms / 1_000
    yield charging.line(part.name, part.node, "memory", key, seconds * gib, because, depends="use")
    starts = found.count * given.cold_start_share
    because = f"{given.cold_start_share:.1%} of runs start an environment, {given.cold_start_ms:g} ms each"
    started = starts * math.ceil(given.cold_start_ms) / 1_000
    yield charging.line(part.name, part.node, "starts", key, started * gib, because, depends="use")
    yield from _kept(part, charging, seconds + started)
    web = part.role == "web"
    each = given.log_kib_per_request if web else given.log_kib_per_message
    of = "requests" if web else "runs"
    yield from log_lines(
        charging, part.name, part.node, count=found.count, of=of, kib_each=each, days=part.log_days
    )


def _kept(part: LambdaFunction, charging: Charging, seconds: float) -> Iterator[Line]:
    """Environments that are always warm, and storage beyond what is in the price."""
    gib = part.memory_mib / MIB_PER_GIB
    if part.provisioned_concurrency:
        warm = part.provisioned_concurrency * SECONDS_PER_MONTH * gib
        key = ("lambda", "provisioned-concurrency", part.architecture)
        because = f"{part.provisioned_concurrency} environments of {gib:g} GiB, always warm"
        yield charging.line(part.name, part.node, "provisioned concurrency", key, warm, because)
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
            functions = max(1, sum(each.role == "web" for each in charging.design.of(LambdaFunction)))
            shared = f", one of {functions} functions" if functions > 1 else ""
            ms = request_ms(part, charging)
            return Runs(count=usage.requests.value / functions, ms=ms, because=usage.requests.because + shared)
        case "worker":
            queues = {source.queue for source in part.sources}
            nodes = {each.node for each in charging.design.parts if each.name in queues}
            count = sum(usage.messages_per_month(node) for node in nodes)
            because = "a run for each message: seldom do several wait for one another"
            return Runs(count=count, ms=given.message_ms, because=because)
        case "schedule":
            clocks = [each for each in charging.design.of(ScheduledTask) if each.job == part.name]
            count = 0.0 + sum(SECONDS_PER_MONTH / each.every_seconds for each in clocks)
            because = f"a run every {clocks[0].every_seconds:,} s" if clocks else "no clock starts it"
            return Runs(count=count, ms=given.run_seconds * 1_000, because=because)
        case "migration":
            because = "before each deployment"
            return Runs(count=given.deploys_per_month, ms=given.run_seconds * 1_000, because=because)
        case "job":
            return Runs(count=0.0, ms=given.run_seconds * 1_000, because="when somebody starts it")
        case _:
            assert_never(part.role)


def request_ms(part: LambdaFunction, charging: Charging) -> float:
    """How long a request holds its environment: its CPU, on the share of a core that it has, and its waits."""
    given = charging.usage.assumptions
    return given.cpu_ms / min(1.0, vcpus_of_memory(part.memory_mib)) + given.wait_ms


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


def free_tier_usd(lines: Iterable[Line], functions: Iterable[LambdaFunction]) -> float:
    """US dollars that an account's free requests and GB-seconds take off, if nothing else of it uses them.

    `lines` are those of a bill; only the runs and the memory of `functions` are looked at.
    """
    names = {part.name for part in functions}
    free = {"runs": FREE_REQUESTS / 1e6, "memory": FREE_GB_SECONDS}
    saved = 0.0
    for line in lines:
        if line.part in names and line.item in ("runs", "memory", "starts") and line.quantity > 0:
            kind = "runs" if line.item == "runs" else "memory"
            used = min(free[kind], line.quantity)
            free[kind] -= used
            saved += line.usd * used / line.quantity
    return saved
