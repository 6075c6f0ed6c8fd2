"""Who may talk to whom: the design's connections and the hosts outside, as one table of security-group rules."""

from __future__ import annotations

from collections.abc import Iterator

from rung.parts.network import Connection
from rung.terraform.hcl import Block, Expression, Raw, Row
from rung.terraform.names import environment_name, output
from rung.terraform.setting import Setting

BLOCK = "reach"
ANYWHERE = "0.0.0.0/0"
INTERNET, CLOUDFRONT, ENDPOINTS = "internet", "cloudfront", "vpc_endpoints"
#: What a part tells of itself to be reached; of what exists already it is known.
GROUP = "security_group_id"
GATEWAYS = ("s3", "dynamodb")
CLOUDFRONT_LIST = "com.amazonaws.global.cloudfront.origin-facing"


def reach(setting: Setting) -> Iterator[Block]:
    """The block, with the list of CloudFront's addresses before it where one needs it."""
    connections = setting.design.connections
    if not connections and not setting.design.egress:
        return
    endpoints = output(setting.network.name, "endpoints_security_group_id")
    ends = list(dict.fromkeys(end for each in connections for end in (each.source, each.target)))
    outside = _outside(setting)
    if CLOUDFRONT in ends:
        yield Block(
            kind="data", labels=("aws_ec2_managed_prefix_list", CLOUDFRONT), attributes={"name": CLOUDFRONT_LIST},
            note="The addresses from which CloudFront's requests come", short=True,
        )  # fmt: skip
    addresses = {INTERNET: ANYWHERE} if INTERNET in ends else {}
    others = {end: setting.output(end, GROUP) for end in ends if (end, GROUP) in setting.design.there}
    parts = [end for end in ends if end not in (INTERNET, CLOUDFRONT, ENDPOINTS, *GATEWAYS, *others)]
    arguments: dict[str, Expression] = {
        "name": environment_name(setting.design),
        "allowed": {source: Row(targets) for source, targets in _allowed(connections, outside).items()},
        "parties": [output(part, "party") for part in parts],
        "groups": {**({ENDPOINTS: endpoints} if ENDPOINTS in ends else {}), **others},
        "prefix_lists": {end: _prefix_list(setting, end) for end in ends if end in (CLOUDFRONT, *GATEWAYS)},
        "addresses": {**addresses, **{hosts: ANYWHERE for _, hosts in outside}},
    }  # fmt: skip
    note = "Who may talk to whom, and to which ports; what is not here is refused"
    yield setting.call(BLOCK, "reach", note, arguments)


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

    Whoever may reach every address on that port already needs no rule for a host.
    """
    everywhere = {(each.source, each.port) for each in setting.design.connections if each.target == INTERNET}
    by_port: dict[tuple[str, int], list[str]] = {}
    for each in setting.design.egress:
        if (each.source, each.port) not in everywhere:
            by_port.setdefault((each.source, each.port), []).append(each.host)
    found: dict[tuple[str, str], list[Expression]] = {}
    for (source, port), hosts in by_port.items():
        found.setdefault((source, " and ".join(hosts)), []).append(port)
    return found


def _prefix_list(setting: Setting, end: str) -> Expression:
    if end == CLOUDFRONT:
        return Raw(f"data.aws_ec2_managed_prefix_list.{CLOUDFRONT}.id")
    return output(setting.network.name, f"{end}_prefix_list_id")
