"""routes.json: what the gateway serves, and which request goes where."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import msgspec

from rung.errors import Finding, Location, MachineError


class ServiceEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A service: an ASGI application of this process, or the upstreams that run it."""

    name: str
    kind: Literal["asgi", "proxy"]
    app: str | None = None
    upstream: str | None = None
    upstreams: tuple[str, ...] = ()
    health: str | None = None
    deadline_seconds: float | None = None
    #: Where the workload defines it, as `file:line`.
    location: str = ""

    def addresses(self) -> tuple[str, ...]:
        """Every upstream, without a final slash."""
        given = self.upstreams or ((self.upstream,) if self.upstream else ())
        return tuple(address.rstrip("/") for address in given)


class SiteEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A folder of static files; with `spa`, unknown paths get its index.html."""

    name: str
    directory: str
    spa: bool = True
    location: str = ""


class RouteEntry(msgspec.Struct, frozen=True, kw_only=True):
    """`/api/*` matches a prefix, `/api` itself included; without the star the path must be equal."""

    path: str
    target: str
    host: str | None = None
    sticky: bool = False
    location: str = ""


class BucketEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A bucket that stands on this machine, in the file `path`: links to its objects are answered here."""

    name: str
    path: str


class RoutesFile(msgspec.Struct, frozen=True, kw_only=True):
    """The whole file, as `rung dev` writes it."""

    services: tuple[ServiceEntry, ...] = ()
    sites: tuple[SiteEntry, ...] = ()
    routes: tuple[RouteEntry, ...] = ()
    buckets: tuple[BucketEntry, ...] = ()


def read_routes(path: Path) -> RoutesFile:
    """The file's content. MachineError R0352 when it cannot be read or does not fit together."""
    try:
        routes = msgspec.json.decode(path.read_bytes(), type=RoutesFile)
    except (OSError, msgspec.MsgspecError) as error:
        raise MachineError(_finding(f"the routes in {path} cannot be read", str(error), "")) from error
    names = {service.name for service in routes.services} | {site.name for site in routes.sites}
    lost = [route for route in routes.routes if route.target not in names]
    if lost:
        raise MachineError(*(_no_target(route, names) for route in lost))
    return routes


def _no_target(route: RouteEntry, names: Iterable[str]) -> Finding:
    there = ", ".join(sorted(names)) or "none"
    return _finding(f"route {route.path!r} leads to {route.target!r}, which is not served", there, route.location)


def _finding(message: str, found: str, location: str) -> Finding:
    return Finding(
        code="R0352", severity="error", message=message, found=found, location=location_of(location),
        effect="the gateway does not start", help="run `rung check` on the workload file",
    )  # fmt: skip


def location_of(text: str) -> Location | None:
    """`file:line` as a Location."""
    file, _, line = text.rpartition(":")
    return Location(file=file, line=int(line)) if line.isdecimal() else None


@dataclass(frozen=True, slots=True)
class Route:
    """One compiled route."""

    host: str | None
    prefix: str
    exact: bool
    target: str
    sticky: bool

    def matches(self, host: str, path: str) -> bool:
        """Whether a request for `path` at `host` (without its port) goes here."""
        if self.host is not None and self.host != host:
            return False
        if self.exact:
            return path == self.prefix
        return path.startswith(self.prefix) or path + "/" == self.prefix


def compile_routes(entries: Iterable[RouteEntry]) -> tuple[Route, ...]:
    """Most specific first: with a host before without, longer path first, exact before prefix."""
    routes = []
    for entry in entries:
        exact = not entry.path.endswith("*")
        prefix = entry.path if exact else entry.path[:-1]
        routes.append(Route(entry.host, prefix, exact, entry.target, entry.sticky))
    return tuple(sorted(routes, key=lambda route: (route.host is None, -len(route.prefix), not route.exact)))
