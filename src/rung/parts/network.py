"""The network: three tiers over two or three zones, what may talk to what, and what may leave."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from rung.model.edges import Edge

Nat = Literal["none", "instance", "single", "per_zone"]

#: Ends of a connection that are no parts. `s3` and `dynamodb` are the prefix lists of the gateway endpoints;
#: `cloudfront` is where CloudFront's requests come from; `internet` is every address.
OUTSIDE = ("internet", "cloudfront", "vpc_endpoints", "s3", "dynamodb")


@dataclass(frozen=True, slots=True, kw_only=True)
class ExistingNetwork:
    """A VPC that somebody else owns. Subnet ids by tier, at least two of each tier that is used."""

    vpc_id: str
    public_subnet_ids: tuple[str, ...] = ()
    private_subnet_ids: tuple[str, ...] = ()
    isolated_subnet_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """A VPC: public (load balancer, NAT), private (compute) and isolated (databases) subnets in each zone.

    `interface_endpoints` are AWS services reached without leaving (`ecr.api`, `logs`); `gateway_endpoints` are
    the free ones (`s3`, `dynamodb`). The flow logs are kept for `flow_log_days`.
    """

    kind: Literal["network"] = "network"
    name: str = "network"
    node: str = "@workload"
    why: str = ""
    cidr: str = "10.0.0.0/16"
    zones: int = 2
    tiers: tuple[Literal["public", "private", "isolated"], ...] = ("public", "private", "isolated")
    nat: Nat = "single"
    interface_endpoints: tuple[str, ...] = ()
    gateway_endpoints: tuple[str, ...] = ("s3",)
    flow_log_days: int = 30
    existing: ExistingNetwork | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """`source` may open connections to `target` on `port`: two security-group rules, and nothing else.

    Source and target are names of parts, or one of `OUTSIDE`.
    `edge` is the edge of the graph that asks for it; None where the platform itself needs it, and `why` says so.
    """

    source: str
    target: str
    port: int
    protocol: Literal["tcp", "udp"] = "tcp"
    edge: Edge | None = None
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Egress:
    """`source` may reach one declared host outside on one port. Security groups know addresses, not names:
    the rule opens the port, and the host is listed for the reader and for a DNS firewall."""

    source: str
    host: str
    port: int
    edge: Edge
