"""Where visitors arrive."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Forward:
    """Requests for `path` (and `host`) go to the part `target`: what runs a service, or a site."""

    path: str
    target: str
    node: str
    host: str | None = None
    sticky: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """A certificate for `domain` and its wildcard, validated through the hosted zone `zone`.

    CloudFront takes its certificates from us-east-1 alone, whatever the region of the rest.
    """

    kind: Literal["certificate"] = "certificate"
    name: str = "certificate"
    node: str
    why: str = ""
    domain: str
    zone: str
    scope: Literal["CLOUDFRONT", "REGIONAL"] = "REGIONAL"
    existing: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadBalancer:
    """An application load balancer. Behind CloudFront it is internal; alone it ends TLS itself.

    `existing`: the ARN of a listener of somebody else's, which takes our rules from `first_priority` on; they name
    the hosts they are for.
    """

    kind: Literal["load_balancer"] = "load_balancer"
    name: str = "load-balancer"
    node: str = "@workload"
    why: str = ""
    internal: bool = False
    forwards: tuple[Forward, ...] = ()
    certificate: str | None = None
    logs: str | None = None
    idle_seconds: int = 60
    protected: bool = True
    existing: str | None = None
    first_priority: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Firewall:
    """WAF: managed rule groups, a rate limit per address in five minutes, blocked countries (ISO 3166)."""

    kind: Literal["firewall"] = "firewall"
    name: str = "firewall"
    node: str = "@workload"
    why: str = ""
    scope: Literal["CLOUDFRONT", "REGIONAL"] = "CLOUDFRONT"
    managed_groups: tuple[str, ...] = (
        "AWSManagedRulesCommonRuleSet", "AWSManagedRulesKnownBadInputsRuleSet",
        "AWSManagedRulesAmazonIpReputationList",
    )  # fmt: skip
    requests_per_five_minutes: int = 2_000
    blocked_countries: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SitePart:
    """Static files in a private bucket that only the distribution may read. `source` is the folder to upload."""

    kind: Literal["site"] = "site"
    name: str
    node: str
    why: str = ""
    source: str
    spa: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Distribution:
    """CloudFront before the load balancer (or the HTTP API `api`) and the sites.

    `certificate` None: its own name at cloudfront.net.
    """

    kind: Literal["distribution"] = "distribution"
    name: str = "distribution"
    node: str = "@workload"
    why: str = ""
    forwards: tuple[Forward, ...] = ()
    load_balancer: str | None = None
    api: str | None = None
    certificate: str | None = None
    firewall: str | None = None
    logs: str | None = None
    origin_seconds: int = 30
