"""From a workload and a command line to a plan: what is not said comes from the workload's traffic."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from rung.errors import Finding, MachineError, UsageError
from rung.load.arrivals import CONSTANT, Profile, daily, ramp, read_trace, spikes
from rung.load.child import raise_open_files_limit
from rung.load.judge import Aims
from rung.load.plan import Plan, Target, parse_spike, segments_of
from rung.load.sources import journeys_beside
from rung.model.durations import parse_seconds
from rung.model.graph import Graph
from rung.model.nodes import Objectives, Traffic

DURATION_SECONDS_MAX = 24 * 3600.0
REQUESTS_MAX = 100_000_000.0
USERS_MAX = 200_000
_RAMP = re.compile(r"(\d+(?:\.\d+)?)x?-(\d+(?:\.\d+)?)x?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What may be said on a command line; None means: as the workload says."""

    url: str = "http://127.0.0.1:8000"
    users: int | None = None
    think: str | None = None
    rate: float | None = None
    duration: str = "60s"
    warmup: str = "10s"
    spike: tuple[str, ...] = ()
    ramp: str | None = None
    daily: bool = False
    trace: Path | None = None
    trace_speed: float = 1.0
    journey: str | None = None
    seed: int = 0
    timeout: str = "10s"
    processes: int = 1
    own_target: bool = False


def plan_of(options: Options, graph: Graph, file: Path) -> Plan:
    """The plan. Raises UsageError for what cannot be meant, MachineError (R0601, R0604, R0606)."""
    try:
        plan = _plan(options, graph, file)
    except ValueError as problem:
        raise UsageError(str(problem)) from problem
    _refuse_unbounded(plan)
    if not (plan.target.is_loopback or options.own_target):
        raise MachineError(_not_ours(plan.target))
    _refuse_too_many_connections(plan)
    return plan


def aims_of(graph: Graph) -> Aims:
    """What the workload's objectives promise."""
    objectives = next(iter(graph.of(Objectives)), None)
    if objectives is None:
        return Aims()
    routes = tuple((route.path, route.p99_seconds) for route in objectives.routes)
    return Aims(p99_seconds=objectives.p99_seconds, availability=objectives.availability, routes=routes)


def _plan(options: Options, graph: Graph, file: Path) -> Plan:
    traffic = next(iter(graph.of(Traffic)), None)
    duration = parse_seconds(options.duration)
    users, rate = _users_and_rate(options, traffic)
    trace = None if options.trace is None else tuple(read_trace(options.trace, speed=options.trace_speed))
    journeys = options.journey or journeys_beside(file, graph.name) or ""
    routes = () if traffic is None else _requestable(traffic)
    if not journeys and not routes:
        raise MachineError(_nothing_to_send(graph, file))
    return Plan(
        target=Target.of(options.url), journeys=journeys, folder=str(file.parent.resolve()), users=users,
        rate=rate, duration_seconds=duration, warmup_seconds=parse_seconds(options.warmup), trace=trace,
        seed=options.seed, segments=segments_of(_profile(options, traffic, duration)), timeout_seconds=
        parse_seconds(options.timeout), processes=options.processes, routes=routes,
    )  # fmt: skip


def _requestable(traffic: Traffic) -> tuple[tuple[str, float], ...]:
    """Routes that name one page; of a pattern such as /api/products/* nobody knows a path that exists."""
    return tuple((route.path, route.weight) for route in traffic.routes if "*" not in route.path)


def _users_and_rate(options: Options, traffic: Traffic | None) -> tuple[int, float]:
    think = traffic.think_time_seconds if traffic is not None else 10.0
    if options.think is not None:
        think = parse_seconds(options.think)
    everybody = traffic.concurrent_users if traffic is not None else 100
    users = everybody if options.users is None else options.users
    if options.rate is not None:
        if options.think is not None:
            raise ValueError("--rate and --think contradict each other: the rate is users / think time")
        return users, options.rate
    if think <= 0:
        raise ValueError("a think time of 0 is a closed loop: give --rate instead")
    return users, users / think


def _profile(options: Options, traffic: Traffic | None, duration: float) -> Profile:
    if options.daily:
        return daily(duration)
    if options.ramp is not None:
        match = _RAMP.fullmatch(options.ramp)
        if match is None:
            raise ValueError(f"not a ramp: {options.ramp!r}; write two factors, such as 0.1x-1x")
        return ramp(float(match[1]), float(match[2]), duration)
    if not options.spike:
        return CONSTANT
    return spikes(*(_spike(text, traffic, duration) for text in options.spike))


def _spike(text: str, traffic: Traffic | None, duration: float) -> tuple[float, float, float]:
    if text != "traffic":
        spike = parse_spike(text)
        if spike[1] >= duration:
            raise ValueError(f"--spike {text} begins after the {duration:g} s that are measured: give --duration")
        return spike
    if traffic is None or traffic.peak <= 1:
        raise ValueError("--spike traffic needs Traffic(peak=...) above 1 in the workload")
    return traffic.peak, max(0.0, (duration - traffic.peak_seconds) / 2), traffic.peak_seconds


def _refuse_unbounded(plan: Plan) -> None:
    problems = {
        f"--duration must lie between 1 s and 24 h, got {plan.duration_seconds:g} s":
            not 1 <= plan.duration_seconds <= DURATION_SECONDS_MAX,
        f"--users must lie between 1 and {USERS_MAX:,}, got {plan.users:,}": not 1 <= plan.users <= USERS_MAX,
        f"--rate must be above 0, got {plan.rate:g}": not plan.rate > 0,
        f"--processes must lie between 1 and 64, got {plan.processes}": not 1 <= plan.processes <= 64,
        f"--timeout must lie between 10 ms and 300 s, got {plan.timeout_seconds:g} s":
            not 0.01 <= plan.timeout_seconds <= 300,
    }  # fmt: skip
    for text, wrong in problems.items():
        if wrong:
            raise UsageError(text)
    if plan.expected_requests > REQUESTS_MAX:
        raise UsageError(f"that would be {plan.expected_requests:,.0f} requests; the most is {REQUESTS_MAX:,.0f}")


def _refuse_too_many_connections(plan: Plan) -> None:
    each = len(plan.users_of(0))
    fit = raise_open_files_limit(each)
    if fit < each:
        raise MachineError(
            Finding(
                code="R0604",
                severity="error",
                message=f"{each:,} connections need more open files than this machine allows",
                found=f"room for {fit:,} in one process",
                effect="no load was sent",
                help=f"--processes {-(-plan.users // fit)}, fewer --users, or a higher limit: ulimit -Hn",
            )
        )


def _not_ours(target: Target) -> Finding:
    return Finding(
        code="R0601",
        severity="error",
        message=f"{target} is not this machine",
        effect="no load was sent: load against somebody else's system is an attack",
        help="if it is yours, and its owner and provider agree, say so: --i-own-this-target",
    )


def _nothing_to_send(graph: Graph, file: Path) -> Finding:
    return Finding(
        code="R0606",
        severity="error",
        message=f'workload "{graph.name}" does not say what its users request',
        found="no journeys, and no routes in its traffic",
        effect="no load was sent",
        help=f'add Traffic(routes={{"/": 1}}) to {file.name}, write {graph.name}/journeys.py, or give --journey',
    )
