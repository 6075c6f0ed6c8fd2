"""Blocks for where visitors arrive: certificates, load balancer, firewall, sites, distribution."""

from __future__ import annotations

from collections.abc import Mapping

from rung.parts.compute import EcsService, HostGroup
from rung.parts.design import Part
from rung.parts.edge import Certificate, Distribution, Firewall, Forward, LoadBalancer, SitePart
from rung.parts.operations import UptimeCheck
from rung.terraform.hcl import Block, Expression
from rung.terraform.names import full_name, output
from rung.terraform.operations import asked
from rung.terraform.setting import ACCOUNT, EDGE_PROVIDER, Setting, literals


def certificate(setting: Setting, part: Certificate) -> Block:
    """One certificate, in the region of those who use it."""
    options = {"providers": EDGE_PROVIDER} if part.scope == "CLOUDFRONT" else {}
    return setting.module(part, "certificate", "A certificate", literals(part, "scope"), **options)


def load_balancer(setting: Setting, part: LoadBalancer) -> Block:
    """The load balancer, what answers behind it, and which requests go where."""
    if part.existing is not None:
        return _existing_load_balancer(setting, part, part.existing)
    domain = setting.design.domain if not setting.design.of(Distribution) else None
    certificate = part.certificate
    arguments: dict[str, Expression] = {
        "vpc_id": setting.vpc,
        "subnet_ids": setting.subnets("private", "public") if part.internal else setting.subnets("public"),
        "logs_bucket": output(part.logs, "name") if part.logs else None,
        **_certified(setting, certificate, own=bool(domain)),
        "targets": _targets(setting, part),
        "forwards": [_forward(forward) for forward in part.forwards],
        "domain": domain if certificate else None,
        **literals(part, "certificate", "logs", "forwards", "first_priority"),
    }
    return setting.module(part, "load_balancer", "Requests are spread over what answers them", arguments)


def _certified(setting: Setting, name: str | None, *, own: bool) -> dict[str, Expression]:
    """The certificate that is made with the load balancer, or one that has a block; and its zone, for a name."""
    if name is None:
        return {}
    part = setting.design.part(name)
    if name in setting.homes and isinstance(part, Certificate):
        return {"certificate": {"domain": part.domain, "zone": part.zone}}
    return {"certificate_arns": [output(name, "arn")], "zone_id": output(name, "zone_id") if own else None}


def _existing_load_balancer(setting: Setting, part: LoadBalancer, listener: str) -> Block:
    """One that others use too: our targets, and our rules on its listener."""
    domain = setting.design.domain if not setting.design.of(Distribution) else None
    zone = output(part.certificate, "zone_id") if part.certificate else None
    arguments: dict[str, Expression] = {
        "listener_arn": listener,
        "vpc_id": setting.vpc,
        "certificate_arns": [output(part.certificate, "arn")] if part.certificate else [],
        "targets": _targets(setting, part),
        "forwards": [_forward(forward) for forward in part.forwards],
        "first_priority": part.first_priority,
        "domain": domain if zone else None,
        "zone_id": zone if domain else None,
    }
    return setting.module(part, "existing_load_balancer", "Requests come by a load balancer of others", arguments)


def firewall(setting: Setting, part: Firewall) -> Block:
    """The firewall, beside CloudFront or in the region."""
    edge = part.scope == "CLOUDFRONT"
    options = {"providers": EDGE_PROVIDER} if edge else {}
    guarded = {} if edge else {each.name: output(each.name, "arn") for each in setting.design.of(LoadBalancer)}
    arguments = {"log_key_arn": None if edge else setting.log_key, "guarded": guarded, **literals(part)}
    return setting.module(part, "firewall", "What is known to be hostile is refused", arguments, **options)


def site(setting: Setting, part: SitePart) -> Block:
    """The bucket of a site, which CloudFront alone may read."""
    front = next(each for each in setting.design.of(Distribution) if _shows(each, part.name))
    arguments: dict[str, Expression] = {"account_id": ACCOUNT, "distribution_arn": output(front.name, "arn")}
    if front.logs:
        arguments["logs_bucket"] = output(front.logs, "name")
    words = f"{part.name} is the folder {part.source}, uploaded by the pipeline"
    return setting.module(part, "site", words, arguments)


def distribution(setting: Setting, part: Distribution) -> Block:
    """CloudFront: which requests go to which origin. With a name it has its certificate and firewall with it."""
    certificate = setting.design.by_name.get(part.certificate or "")
    if isinstance(certificate, Certificate) and certificate.name in setting.homes:
        return _entrance(setting, part, certificate)
    arguments: dict[str, Expression] = {
        "domain": setting.design.domain,
        "certificate_arn": output(part.certificate, "arn") if part.certificate else None,
        "zone_id": output(part.certificate, "zone_id") if part.certificate else None,
        "firewall_arn": output(part.firewall, "arn") if part.firewall else None,
        "logs_bucket_domain": output(part.logs, "domain_name") if part.logs else None,
        "load_balancer": _origin(setting, part),
        "sites": _sites(setting, part),
        "forwards": [_forward(forward) for forward in part.forwards],
        **literals(part, "forwards", "load_balancer", "certificate", "firewall", "logs", "api"),
    }
    return setting.module(part, "distribution", "CloudFront is the one public door", arguments)


def _entrance(setting: Setting, part: Distribution, certificate: Certificate) -> Block:
    arguments: dict[str, Expression] = {
        "domain": setting.design.domain,
        "zone": certificate.zone,
        "logs_bucket_domain": output(part.logs, "domain_name") if part.logs else None,
        "load_balancer": _origin(setting, part),
        "sites": _sites(setting, part),
        "forwards": [_forward(forward) for forward in part.forwards],
        "firewall": _guard(setting, part.firewall) if part.firewall else None,
        "uptime": _asked(setting),
        "origin_seconds": part.origin_seconds,
    }
    words = "CloudFront is the one public door, with its certificate, its firewall and a check from outside"
    return setting.module(part, "entrance", words, arguments, providers=EDGE_PROVIDER)


def _asked(setting: Setting) -> Expression:
    """The check from outside, where its place is beside the door."""
    for check in setting.design.of(UptimeCheck):
        if check.name in setting.homes:
            return asked(setting, check)
    return None


def _guard(setting: Setting, name: str) -> dict[str, Expression]:
    """The firewall, as far as it is not the usual one."""
    part = setting.design.part(name)
    assert isinstance(part, Firewall), f"{name} guards no distribution"
    usual = Firewall()
    names = ("managed_groups", "requests_per_five_minutes", "blocked_countries")
    given = literals(part)
    return {"name": full_name(setting.design, name)} | {
        each: given[each] for each in names if getattr(part, each) != getattr(usual, each)
    }


def _origin(setting: Setting, part: Distribution) -> Expression:
    """With a certificate the load balancer redirects what comes without TLS: the origin must come with it."""
    if part.load_balancer is None:
        return None
    origin: dict[str, Expression] = {name: output(part.load_balancer, name) for name in ("arn", "dns_name")}
    balancer = setting.design.part(part.load_balancer)
    assert isinstance(balancer, LoadBalancer), f"{part.name} leads to {part.load_balancer}, which balances nothing"
    return origin | ({"https": True} if balancer.certificate else {})


def _sites(setting: Setting, part: Distribution) -> dict[str, Expression]:
    shown = [each for each in setting.design.of(SitePart) if _shows(part, each.name)]
    return {
        each.name: {"bucket_domain": output(each.name, "regional_domain_name"), "spa": each.spa} for each in shown
    }


def _shows(part: Distribution, name: str) -> bool:
    return any(forward.target == name for forward in part.forwards)


def _targets(setting: Setting, balancer: LoadBalancer) -> dict[str, Expression]:
    names = dict.fromkeys(forward.target for forward in balancer.forwards)
    return {name: _target(setting.design.by_name, balancer, name) for name in names}


def _target(parts: Mapping[str, Part], balancer: LoadBalancer, name: str) -> Expression:
    part = parts[name]
    entry: dict[str, Expression] = {}
    match part:
        case EcsService():
            entry["port"] = part.container.port
            if part.container.health_path not in (None, "/health"):
                entry["health_path"] = part.container.health_path
        case HostGroup():
            entry |= {"port": part.port, "type": "instance", "health_path": part.health_path}
        case _:
            raise AssertionError(f"{balancer.name} cannot send requests to {name}, a {part.kind}")
    if any(forward.sticky for forward in balancer.forwards if forward.target == name):
        entry["sticky"] = True
    return entry


def _forward(forward: Forward) -> dict[str, Expression]:
    entry: dict[str, Expression] = {"path": forward.path, "target": forward.target}
    return entry | ({"host": forward.host} if forward.host else {})
