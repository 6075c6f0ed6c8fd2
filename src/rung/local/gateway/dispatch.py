"""The gateway's application: one protected application per target, and the routes between them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

from rung.errors import Finding, MachineError
from rung.local.gateway.proxy import Proxy
from rung.local.gateway.routes import RoutesFile, ServiceEntry, SiteEntry, compile_routes, location_of
from rung.local.gateway.site import StaticSite
from rung.runtime.context import new_correlation_id
from rung.runtime.http.application import Lifespan, LifespanError, import_application
from rung.runtime.http.asgi import ASGIApp, Receive, Scope, Send
from rung.runtime.http.health import Readiness, send_live, send_ready
from rung.runtime.http.page import Find, find_of
from rung.runtime.http.problem import Problem, send_problem
from rung.runtime.http.protect import Protected, protect
from rung.runtime.http.settings import CRITICAL, HttpSettings
from rung.runtime.http.state import ServerState
from rung.runtime.objects.kept import LINKS

Priorities = tuple[tuple[str, int], ...]
#: Of a site, every file: a page whose script was refused is blank, and asking for all of it again costs more.
_SHED_LAST: Priorities = (("/", CRITICAL),)
_NO_ROUTE = Problem(404, "no-route", "no route of the workload matches this path")


class Gateway:
    """Routes each request to its target; starts and stops the targets with itself."""

    def __init__(self, file: RoutesFile, settings: HttpSettings, readiness: Readiness | None = None) -> None:
        self.state = ServerState()
        self._settings = settings
        self._readiness = readiness or Readiness()
        self._routes = compile_routes(file.routes)
        self._links = _links(file)
        self._has_hosts = any(route.host is not None for route in self._routes)
        self._lifespans: list[tuple[ServiceEntry, Lifespan]] = []
        self._closers: list[Callable[[], Awaitable[None]]] = []
        sticky = {route.target for route in self._routes if route.sticky}
        self._targets: dict[str, Protected] = {}
        self._import(file.services, sticky)
        for site in file.sites:
            self._targets[site.name] = self._protect(_static(site), site.name, None, None, _SHED_LAST)
        self._services = frozenset(service.name for service in file.services)
        paths = [(service.health or "/", service.name) for service in reversed(file.services)]
        self._health = {path: name for path, name in paths if path != "/"}

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Serve one request or WebSocket."""
        if self._links is not None and scope["type"] == "http" and scope["path"].startswith(LINKS):
            return self._links(scope, receive, send)
        target = self._target(scope)
        if target is not None:
            return self._targets[target](scope, receive, send)
        return self._without_target(scope, receive, send)

    async def _without_target(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1008})
        elif scope["path"] == self._settings.ready_path:
            await send_ready(send, self._readiness, draining=self.state.draining)
        elif scope["path"] == self._settings.health_path:
            await send_live(send)
        else:
            await send_problem(send, _NO_ROUTE, new_correlation_id())

    async def startup(self) -> None:
        """Start every application; MachineError R0353 for each that refuses."""
        findings = []
        for service, lifespan in self._lifespans:
            try:
                await lifespan.startup()
            except LifespanError as error:
                findings.append(_refused(service, error))
        if findings:
            raise MachineError(*findings)

    async def shutdown(self) -> None:
        """Stop them all, together."""
        await asyncio.gather(*(lifespan.shutdown() for _, lifespan in self._lifespans))
        for close in self._closers:
            await close()

    def _target(self, scope: Scope) -> str | None:
        path: str = scope["path"]
        host = _host(scope) if self._has_hosts else ""
        for route in self._routes:
            if route.matches(host, path):
                if route.target not in self._services and self._is_ours(path):
                    break
                return route.target
        return self._health.get(path)

    def _is_ours(self, path: str) -> bool:
        """Health is about processes: a site does not answer it, not even with its index page."""
        return path in self._health or path in {self._settings.ready_path, self._settings.health_path}

    def _import(self, services: tuple[ServiceEntry, ...], sticky: set[str]) -> None:
        findings: list[Finding] = []
        for service in services:
            try:
                self._targets[service.name] = self._service(service, sticky=service.name in sticky)
            except MachineError as error:
                findings.extend(error.findings)
        if findings:
            raise MachineError(*findings)

    def _service(self, service: ServiceEntry, *, sticky: bool) -> Protected:
        if service.kind == "proxy":
            proxy = Proxy(service.addresses(), sticky=sticky)
            self._closers.append(proxy.close)
            return self._protect(proxy, service.name, service.health, service.deadline_seconds)
        app = import_application(service.app or "", node=service.name, location=service.location)
        lifespan = Lifespan(app)
        self._lifespans.append((service, lifespan))
        return self._protect(
            lifespan.app, service.name, service.health, service.deadline_seconds, find=find_of(app)
        )

    def _named(self, target: str) -> tuple[str, ...]:
        """The path prefixes of `target` that have metrics of their own, longest first."""
        routes = {route.prefix for route in self._routes if route.target == target}
        within = {path for path in self._settings.routes if path.startswith(tuple(routes))}
        return tuple(sorted(routes | within, key=lambda path: (-len(path), path)))

    def _protect(
        self,
        app: ASGIApp,
        name: str,
        health: str | None,
        deadline_seconds: float | None,
        priorities: Priorities | None = None,
        find: Find | None = None,
    ) -> Protected:
        settings = replace(
            self._settings,
            service=name,
            priorities=self._settings.priorities if priorities is None else priorities,
            routes=self._named(name),
            health_path=health or self._settings.health_path,
            deadline_seconds=deadline_seconds or self._settings.deadline_seconds,
        )
        return protect(app, settings, state=self.state, readiness=self._readiness, find=find)


def _host(scope: Scope) -> str:
    for name, value in scope["headers"]:
        if name == b"host":
            text: str = value.decode("latin-1").lower()
            return text if text.startswith("[") else text.partition(":")[0]
    return ""


def _links(file: RoutesFile) -> ASGIApp | None:
    if not file.buckets:
        return None
    from rung.local.gateway.links import Links

    return Links({bucket.name: bucket.path for bucket in file.buckets})


def _static(site: SiteEntry) -> StaticSite:
    return StaticSite(Path(site.directory), spa=site.spa)


def _refused(service: ServiceEntry, error: LifespanError) -> Finding:
    return Finding(
        code="R0353",
        severity="error",
        message=f"service {service.name!r} refused to start",
        location=location_of(service.location),
        found=str(error),
        effect="the gateway does not start",
        help=f"the lifespan of {service.app} says why; its own log has the rest",
    )
