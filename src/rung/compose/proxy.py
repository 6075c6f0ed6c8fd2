"""Where visitors arrive on a machine. A box ends TLS itself with Caddy, which also serves the sites; a host
behind a load balancer speaks HTTP and only routes, with Traefik (docs/adr/0013-proxies-of-machines.md).

Neither is given Docker's socket: whoever holds it owns the machine. Routes are a file.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rung.compose.machine import Machine
from rung.compose.yaml import document
from rung.parts.compute import Host, HostGroup, HostSite, Stack
from rung.parts.operations import Notification

Route = tuple[str | None, str, "Stack | HostSite"]


def proxy_service(machine: Machine, stack: Stack) -> dict[str, Any]:
    """The proxy's container: the only one with ports of the machine."""
    common: dict[str, Any] = {"restart": "unless-stopped", "networks": ["public"]}
    if isinstance(machine.part, HostGroup):
        return {
            "image": stack.container.image, **common, "ports": [f"{machine.part.port}:8080"], "tmpfs": ["/tmp"],  # noqa: S108
            "command": [
                "--entrypoints.web.address=:8080", "--entrypoints.web.forwardedheaders.trustedips=10.0.0.0/8",
                "--providers.file.filename=/etc/traefik/routes.yaml", "--ping=true", "--ping.entrypoint=web",
                "--log.format=json", "--accesslog=false", "--global.sendanonymoususage=false",
            ],
            "healthcheck": {
                "test": ["CMD", "traefik", "healthcheck", "--ping", "--entrypoints.web.address=:8080"],
                "interval": "10s", "timeout": "3s", "retries": 3,
            },
            "volumes": [f"{machine.folder}/routes.yaml:/etc/traefik/routes.yaml:ro"],
        }  # fmt: skip
    return {
        "image": stack.container.image, **common, "ports": ["80:80", "443:443", "443:443/udp"],
        "tmpfs": ["/config", "/tmp"],  # noqa: S108
        "healthcheck": {
            "test": ["CMD", "wget", "-q", "--spider", "http://127.0.0.1:2019/config/"],
            "interval": "10s", "timeout": "3s", "retries": 3,
        },
        "volumes": [
            f"{machine.folder}/Caddyfile:/etc/caddy/Caddyfile:ro", "/var/lib/rung/proxy:/data",
            f"{machine.folder}/sites:/srv:ro",
        ],
    }  # fmt: skip


def proxy_files(machine: Machine) -> dict[str, str]:
    """The proxy's configuration."""
    if isinstance(machine.part, Host):
        return {"Caddyfile": _caddyfile(machine)}
    return {"routes.yaml": _traefik(machine)}


def routes_of(machine: Machine) -> list[Route]:
    """Every route, the most specific first: those of a host before those of all, longer paths before shorter."""
    sites = machine.part.sites if isinstance(machine.part, Host) else ()
    targets: tuple[Stack | HostSite, ...] = (*machine.part.stacks, *sites)
    found = [(host, path, target) for target in targets for host, path in target.routes]
    return sorted(found, key=lambda route: (route[0] is None, route[1].endswith("*"), -len(route[1]), route[1]))


def _caddyfile(machine: Machine) -> str:
    routes = routes_of(machine)
    hosts = [machine.design.domain or ":80", *sorted({host for host, _, _ in routes if host})]
    lines = ["{", *(f"\t{line}" for line in _options(machine)), "}"]
    for host in dict.fromkeys(hosts):
        own = [route for route in routes if route[0] in (None, host)]
        lines += ["", f"{host} {{", *(f"\t{line}" for line in _site_block(own)), "}"]
    return "\n".join(lines) + "\n"


def _options(machine: Machine) -> Iterator[str]:
    yield "admin 127.0.0.1:2019"
    yield "persist_config off"
    people = (each.address for topic in machine.design.of(Notification) for each in topic.recipients)
    mail = next((address.removeprefix("email:") for address in people if address.startswith("email:")), None)
    if mail:
        yield f"email {mail}"


def _site_block(routes: list[Route]) -> Iterator[str]:
    yield "encode zstd gzip"
    yield 'header Strict-Transport-Security "max-age=31536000"'
    yield "header -Server"
    yield "request_body {"
    yield "\tmax_size 20MB"
    yield "}"
    for _, path, target in routes:
        yield f"handle {path} {{" if path != "/*" else "handle {"
        yield from (f"\t{line}" for line in _handler(target))
        yield "}"


def _handler(target: Stack | HostSite) -> Iterator[str]:
    if isinstance(target, HostSite):
        yield f"root * /srv/{target.name}"
        if target.spa:
            yield "try_files {path} /index.html"
        yield "file_server"
        return
    yield "reverse_proxy {"
    yield f"\tdynamic a {target.name} {target.container.port or 8000}"
    # A container that is being replaced is away for seconds: wait for it instead of failing.
    yield "\tlb_try_duration 30s"
    yield "\tlb_try_interval 250ms"
    yield "}"


def _traefik(machine: Machine) -> str:
    routers: dict[str, Any] = {}
    services: dict[str, Any] = {}
    routes = routes_of(machine)
    for number, (host, path, target) in enumerate(routes):
        if isinstance(target, HostSite):
            continue
        routers[f"{target.name}-{number}"] = {
            "rule": _rule(host, path), "priority": 10 * (len(routes) - number), "service": target.name,
            "entryPoints": ["web"],
        }  # fmt: skip
        services[target.name] = {
            "loadBalancer": {
                "servers": [{"url": f"http://{target.name}:{target.container.port or 8000}"}],
                "healthCheck": {
                    "path": target.container.health_path or "/health",
                    "interval": "5s",
                    "timeout": "3s",
                },
            }
        }  # fmt: skip
    content = {"http": {"routers": routers, "services": services}} if routers else {}
    return document(content, f"Where requests go on {machine.name}.")


def _rule(host: str | None, path: str) -> str:
    where = f"PathPrefix(`{path.removesuffix('*')}`)" if path.endswith("*") else f"Path(`{path}`)"
    return f"Host(`{host}`) && {where}" if host else where
