"""Where visitors arrive: load balancer, distribution, firewall, certificates, and the checks from outside."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Literal

from rung.model.existing import ExistingLoadBalancer
from rung.model.nodes import Route, Service, Site
from rung.parts.data import BucketPart
from rung.parts.design import Part
from rung.parts.edge import Certificate, Distribution, Firewall, Forward, LoadBalancer, SitePart
from rung.parts.functions import HttpApi
from rung.parts.network import Connection
from rung.parts.operations import UptimeCheck
from rung.rungs.networks import LOG_DAYS, LONG_LOG_DAYS
from rung.rungs.reach import HTTP_PORT, HTTPS_PORT, port_of
from rung.rungs.setting import Setting
from rung.rungs.sizes import peak_requests

ACCESS_LOG_DAYS = 90
#: What a region's account may ask of all its APIs together, until it asks for more (AWS, "API Gateway quotas").
API_REQUESTS_PER_SECOND, API_BURST = 10_000, 5_000
API_HEADROOM = 1.2


def has_distribution(setting: Setting) -> bool:
    """CloudFront stands in front of production, and wherever a site is: its bucket has no other door."""
    if setting.environment.distribution is not None:
        return setting.environment.distribution
    there = setting.environment.existing_load_balancer
    if there is not None and not there.internal:
        return False  # visitors come to it already
    return bool(setting.routed) and (setting.production or bool(setting.sites))


def has_firewall(setting: Setting) -> bool:
    """Production has earned a firewall (about 10 US dollars a month); copies of it have not."""
    if setting.environment.firewall is not None:
        return setting.environment.firewall
    if setting.rung == "serverless" and not has_distribution(setting):
        return False  # a firewall cannot stand before an HTTP API
    if setting.environment.existing_load_balancer is not None and not has_distribution(setting):
        return False  # its owner decides what is refused
    return setting.production and bool(setting.routed)


def routed_services(setting: Setting) -> tuple[Service, ...]:
    """The services that visitors reach."""
    return tuple(node for node in setting.graph.of(Service) if node.name in setting.routed)


def edge_parts(setting: Setting) -> Iterator[Part]:
    """Everything between a visitor and the services and sites."""
    if not setting.routed:
        return
    logs = setting.platform("logs")
    yield BucketPart(
        name=logs, node="@workload", why="access logs of the load balancer, the distribution and the buckets",
        purpose="logs", versioned=False, expire_days=ACCESS_LOG_DAYS,
    )  # fmt: skip
    yield from _certificates(setting)
    if has_firewall(setting):
        scope: Literal["CLOUDFRONT", "REGIONAL"] = "CLOUDFRONT" if has_distribution(setting) else "REGIONAL"
        yield Firewall(name=setting.platform("firewall"), scope=scope, why="refuses what is known to be hostile")
    if routed_services(setting):
        yield _http_api(setting) if setting.rung == "serverless" else _load_balancer(setting, logs)
    for site in setting.sites:
        if site.name in setting.routed:
            yield SitePart(
                name=site.name,
                node=site.name,
                source=site.path,
                spa=site.spa,
                why="static files, read by CloudFront",
            )
    if has_distribution(setting):
        yield _distribution(setting, logs)
    domain = setting.environment.domain
    if setting.production and domain:
        yield UptimeCheck(
            name=setting.platform("uptime"),
            domain=domain,
            path=public_path(setting),
            why="asks from outside of AWS",
        )


def _certificates(setting: Setting) -> Iterator[Certificate]:
    domain = setting.environment.domain
    if not domain:
        return
    zone, there = zone_of(setting), setting.environment.existing_load_balancer
    behind = setting.rung == "serverless" and has_distribution(setting)
    if routed_services(setting) and not behind and (there is None or there.https):
        yield Certificate(
            name=setting.platform("certificate"), node="@workload", domain=domain, zone=zone,
            why="for the API" if setting.rung == "serverless" else "for the load balancer",
        )  # fmt: skip
    if has_distribution(setting):
        yield Certificate(
            name=setting.platform("edge-certificate"), node="@workload", domain=domain, zone=zone,
            scope="CLOUDFRONT",
            why="for CloudFront",
        )  # fmt: skip


def zone_of(setting: Setting) -> str:
    """The hosted zone of the domain; a finding refuses a domain without one."""
    return setting.environment.zone or setting.environment.domain or ""


def _load_balancer(setting: Setting, logs: str) -> LoadBalancer:
    behind = has_distribution(setting)
    there = setting.environment.existing_load_balancer
    if there is not None:
        return _existing_load_balancer(setting, there)
    return LoadBalancer(
        name=setting.platform("load-balancer"), internal=behind, logs=logs, protected=setting.production,
        forwards=tuple(_forward(setting, route) for route in setting.routes if _is_service(setting,
        route)),
        certificate=setting.platform("certificate") if setting.environment.domain else None,
        why="spreads requests over tasks" + (", reached by CloudFront alone" if behind else ""),
    )  # fmt: skip


def _http_api(setting: Setting) -> HttpApi:
    """The door of the functions: the default quotas of an account limit it, unless the peak asks for more."""
    behind = has_distribution(setting)
    domain = None if behind else setting.environment.domain
    wanted = math.ceil(peak_requests(setting) * API_HEADROOM)
    return HttpApi(
        name=setting.platform("http-api"), domain=domain, requests_per_second=max(API_REQUESTS_PER_SECOND, wanted),
        certificate=setting.platform("certificate") if domain else None, burst=max(API_BURST, wanted // 2),
        forwards=tuple(_forward(setting, route) for route in setting.routes if _is_service(setting, route)),
        log_days=LONG_LOG_DAYS if setting.production else LOG_DAYS,
        why="hands requests to functions" + (", behind CloudFront" if behind else ""),
    )  # fmt: skip


def _existing_load_balancer(setting: Setting, there: ExistingLoadBalancer) -> LoadBalancer:
    """Others use it too: a forward without a host is for the environment's domain alone."""
    found = (_forward(setting, route) for route in setting.routes if _is_service(setting, route))
    forwards = tuple(replace(each, host=each.host or setting.environment.domain) for each in found)
    return LoadBalancer(
        name=setting.platform("load-balancer"), internal=there.internal, forwards=forwards, protected=False,
        certificate=setting.platform("certificate") if setting.environment.domain and there.https else None,
        existing=there.listener_arn, first_priority=there.first_priority,
        why="what others use too takes our rules",
    )  # fmt: skip


def _distribution(setting: Setting, logs: str) -> Distribution:
    functions = setting.rung == "serverless"
    return Distribution(
        name=setting.platform("distribution"), why="the one public door",
        forwards=tuple(_forward(setting, route) for route in setting.routes),
        load_balancer=None if functions or not routed_services(setting) else setting.platform("load-balancer"),
        api=setting.platform("http-api") if functions and routed_services(setting) else None,
        certificate=setting.platform("edge-certificate") if setting.environment.domain else None,
        firewall=setting.platform("firewall") if has_firewall(setting) else None, logs=logs,
    )  # fmt: skip


def _is_service(setting: Setting, route: Route) -> bool:
    return isinstance(setting.graph.by_name.get(route.target), Service)


def _forward(setting: Setting, route: Route) -> Forward:
    target = setting.platform("hosts") if setting.on_machine(route.target) else route.target
    return Forward(path=route.path, target=target, node=route.name, host=route.host, sticky=route.sticky)


def public_path(setting: Setting) -> str:
    """A path that answers without signing in: the site's first page, else the shortest route's beginning."""
    routes = setting.routes
    for route in routes:
        if isinstance(setting.graph.by_name.get(route.target), Site):
            return route.path.rstrip("*") or "/"
    return min((route.path for route in routes), key=len).rstrip("*") or "/"


def edge_connections(setting: Setting) -> Iterator[Connection]:
    """From outside to the load balancer, and from it to the services that routes name."""
    balancer = setting.platform("load-balancer")
    if not routed_services(setting):
        return
    there = setting.environment.existing_load_balancer
    secure = bool(setting.environment.domain) and (there is None or there.https)
    if there is not None and not there.internal:
        pass  # who reaches it is its owner's matter
    elif has_distribution(setting):
        port = HTTPS_PORT if secure else HTTP_PORT
        yield Connection(source="cloudfront", target=balancer, port=port, why="visitors come through CloudFront")
    else:
        ports = (HTTPS_PORT, HTTP_PORT) if secure else (HTTP_PORT,)
        for port in ports:
            why = "visitors" if port == ports[0] else "sent on to HTTPS"
            yield Connection(source="internet", target=balancer, port=port, why=why)
    for edge in setting.graph.edges:
        service = setting.graph.by_name.get(edge.target)
        if edge.verb == "route" and isinstance(service, Service):
            hosts = setting.on_machine(service.name)
            yield Connection(
                source=balancer, target=setting.platform("hosts") if hosts else service.name,
                port=HTTP_PORT if hosts else port_of(service), edge=edge,
                why=f'the route "{edge.source}" leads to {service.name}',
            )  # fmt: skip
