"""What to run, as data: the same value starts a generator here or in several child processes."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from urllib.parse import urlsplit

import msgspec

from rung.load.arrivals import CONSTANT, Profile, Segment, poisson, ramp, replay
from rung.model.durations import parse_seconds

_SPIKE = re.compile(r"(\d+(?:\.\d+)?)x@([^+]+)\+(.+)")
LOOPBACK = re.compile(r"127(\.\d{1,3}){3}|::1|localhost")


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """Where requests go."""

    host: str
    port: int
    tls: bool = False

    @classmethod
    def of(cls, url: str) -> Target:
        """Raises ValueError when `url` is not http(s)://host[:port]."""
        refused = f"not an http(s) address: {url!r}; write http://127.0.0.1:8000"
        try:
            parts = urlsplit(url if "//" in url else f"http://{url}")
            port = parts.port
        except ValueError:
            raise ValueError(refused) from None
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(refused)
        tls = parts.scheme == "https"
        return cls(host=parts.hostname, port=port or (443 if tls else 80), tls=tls)

    @property
    def is_loopback(self) -> bool:
        """Whether the address is this machine's own."""
        return LOOPBACK.fullmatch(self.host) is not None

    @property
    def authority(self) -> str:
        """The Host header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.tls else 80) else f"{host}:{self.port}"

    def __str__(self) -> str:
        return f"{'https' if self.tls else 'http'}://{self.authority}"


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """One load, complete and reproducible: the same plan offers the same arrivals."""

    target: Target
    journeys: str  # "package.module:object": a Journey, or a list of them; empty: GET the `routes`
    folder: str  # where that module is imported from
    users: int  # connections held
    rate: float  # requests per second at factor 1
    duration_seconds: float
    warmup_seconds: float = 10.0
    segments: tuple[tuple[float, float, float], ...] = ()  # (seconds, start factor, end factor)
    routes: tuple[tuple[str, float], ...] = ()  # (path, weight)
    trace: tuple[float, ...] | None = None  # recorded arrivals instead of the rate
    seed: int = 0
    timeout_seconds: float = 10.0
    connects_per_second: float = 1_000.0
    processes: int = 1

    @property
    def profile(self) -> Profile:
        """The factor on the rate over time."""
        return Profile(tuple(Segment(seconds=s, start=a, end=b) for s, a, b in self.segments))

    @property
    def expected_requests(self) -> float:
        """How many requests the plan means to send in the measured time."""
        if self.trace is not None:
            return float(sum(1 for offset in self.trace if offset < self.duration_seconds))
        return self.rate * self.profile.area(self.duration_seconds)

    @property
    def waiting_max(self) -> int:
        """How many due requests a process holds back while its users wait; more are dropped and counted."""
        return max(20_000, 4 * self.users // self.processes)

    def users_of(self, process: int) -> range:
        """The user numbers of one process."""
        return range(self.users * process // self.processes, self.users * (process + 1) // self.processes)

    def random_of(self, process: int) -> random.Random:
        """The seeded randomness of one process."""
        return random.Random(f"{self.seed}/{process}/{self.processes}")

    def arrivals(self, process: int) -> Iterator[float]:
        """Intended send times of one process, in seconds from the start of the measured time, ascending.

        Warm-up arrivals are negative: half of the warm-up ramps up, half runs at the base rate.
        """
        random = self.random_of(process)
        rate = self.rate / self.processes
        if self.warmup_seconds > 0 and rate > 0:
            for offset in poisson(rate, ramp(0.05, 1.0, self.warmup_seconds / 2), random):
                if offset >= self.warmup_seconds:
                    break
                yield offset - self.warmup_seconds
        measured = (
            poisson(rate, self.profile, random)
            if self.trace is None
            else replay(self.trace, share=process, of=self.processes)
        )
        for offset in measured:
            if offset >= self.duration_seconds:
                return
            yield offset


def parse_spike(text: str) -> tuple[float, float, float]:
    """(factor, starts at second, lasts seconds) of "10x@60s+60s". Raises ValueError."""
    match = _SPIKE.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"not a spike: {text!r}; write factor x @ start + length, such as 10x@60s+60s")
    return float(match[1]), parse_seconds(match[2]), parse_seconds(match[3])


def segments_of(profile: Profile = CONSTANT) -> tuple[tuple[float, float, float], ...]:
    """A profile as the plain tuples of a Plan."""
    return tuple((segment.seconds, segment.start, segment.end) for segment in profile.segments)
