"""Who may talk to whom: the design's connections and the hosts outside, as one table of security-group rules."""

from __future__ import annotations

from rung.parts.functions import LambdaFunction
from rung.parts.network import Connection
from rung.terraform.hcl import Expression, Row
from rung.terraform.names import output
from rung.terraform.setting import Setting

ANYWHERE = "0.0.0.0/0"
INTERNET, CLOUDFRONT, ENDPOINTS = "internet", "cloudfront", "vpc_endpoints"
#: What a part tells of itself to be reached; of what exists already it is known.
GROUP = "security_group_id"
GATEWAYS = ("s3", "dynamodb")


def reach(setting: Setting) -> dict[str, Expression]:
    """The table of connections, and what its names stand for; nothing where nobody talks to anybody."""
    connections = setting.design.connections
    if not connections and not setting.design.egress:
        return {}
    ends, outside = ends_of(setting), _outside(setting)
    endpoints = output(setting.network.name, "endpoints_security_group_id")
    addresses = {INTERNET: ANYWHERE} if INTERNET in ends else {}
    gateways = [end for end in ends if end in GATEWAYS]
    return {
        "allowed": {source: Row(targets) for source, targets in _allowed(connections, outside).items()},
        "groups": {**({ENDPOINTS: endpoints} if ENDPOINTS in ends else {}), **_others(setting)},
        "prefix_lists": {end: output(setting.network.name, f"{end}_prefix_list_id") for end in gateways},
        "addresses": {**addresses, **{hosts: ANYWHERE for _, hosts in outside}},
    }  # fmt: skip


def ends_of(setting: Setting) -> list[str]:
    """Everybody who talks or is talked to."""
    return list(dict.fromkeys(end for each in setting.design.connections for end in (each.source, each.target)))


def parties_of(setting: Setting) -> list[str]:
    """The parts among them, which have security groups of their own."""
    known = (INTERNET, CLOUDFRONT, ENDPOINTS, *GATEWAYS, *_others(setting))
    return [end for end in ends_of(setting) if end not in known]


def _others(setting: Setting) -> dict[str, Expression]:
    """The security groups of what is there already."""
    return {end: setting.output(end, GROUP) for end in ends_of(setting) if (end, GROUP) in setting.design.there}


def _allowed(
    connections: tuple[Connection, ...], outside: dict[tuple[str, str], list[Expression]]
) -> dict[str, dict[str, list[Expression]]]:
    """Ports by who reaches whom."""
    found: dict[str, dict[str, list[Expression]]] = {}
    for each in connections:
        assert each.protocol == "tcp", f"{each.source} to {each.target} is {each.protocol}: rules are for TCP"
        ports = found.setdefault(each.source, {}).setdefault(each.target, [])
        if each.port not in ports:
            ports.append(each.port)
    for (source, hosts), ports in outside.items():
        found.setdefault(source, {})[hosts] = ports
    return found


def _outside(setting: Setting) -> dict[tuple[str, str], list[Expression]]:
    """Hosts by who reaches them. Security groups know no names: one rule for all hosts of a port.

    Whoever may reach every address on that port already needs no rule for a host, nor does a function that is in
    no network.
    """
    everywhere = {(each.source, each.port) for each in setting.design.connections if each.target == INTERNET}
    anywhere = {part.name for part in setting.design.of(LambdaFunction) if not part.in_network}
    by_port: dict[tuple[str, int], list[str]] = {}
    for each in setting.design.egress:
        if each.source not in anywhere and (each.source, each.port) not in everywhere:
            by_port.setdefault((each.source, each.port), []).append(each.host)
    found: dict[tuple[str, str], list[Expression]] = {}
    for (source, port), hosts in by_port.items():
        found.setdefault((source, " and ".join(hosts)), []).append(port)
    return found
