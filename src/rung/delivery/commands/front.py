"""Where visitors arrive: names, certificates, the load balancer and its targets, the firewall."""

from __future__ import annotations

from rung.delivery.commands.words import aws, chosen
from rung.delivery.names import full_name
from rung.delivery.release import smoke_url
from rung.parts.design import Design
from rung.parts.edge import Certificate, Firewall, LoadBalancer

Parts = tuple[str, ...]


def outside(design: Design, _: Parts) -> list[str]:
    """What a visitor sees."""
    url = smoke_url(design)
    if not url:
        return []
    host = url.split("/")[2]
    return [
        f"curl --silent --show-error --output /dev/null --write-out '%{{http_code}} %{{time_total}}s\\n' {url}",
        f"dig +short {host}",
        f"openssl s_client -connect {host}:443 -servername {host} </dev/null 2>/dev/null | openssl x509 -noout -dates",
    ]


def load_balancer(design: Design, parts: Parts) -> list[str]:
    """Its targets, and why they are not healthy."""
    lines = []
    for balancer in chosen(design, LoadBalancer, parts):
        name = full_name(design, balancer.name)
        arn = aws(
            design, f"elbv2 describe-load-balancers --names {name} "
            "--query 'LoadBalancers[0].LoadBalancerArn' --output text",
        )  # fmt: skip
        groups = aws(
            design, 'elbv2 describe-target-groups --load-balancer-arn "$balancer" '
            "--query 'TargetGroups[].TargetGroupArn' --output text",
        )  # fmt: skip
        query = "TargetHealthDescriptions[].[Target.Id,TargetHealth.State,TargetHealth.Reason]"
        health = aws(design, f'elbv2 describe-target-health --target-group-arn "$group" --query {query!r}')
        lines += [f'balancer="$({arn})"', f"for group in $({groups}); do {health} --output table; done"]
    return lines


def certificate(design: Design, parts: Parts) -> list[str]:
    """When it expires and why it was not renewed."""
    lines = []
    for each in chosen(design, Certificate, parts):
        region = "us-east-1" if each.scope == "CLOUDFRONT" else design.region
        found = f"\"CertificateSummaryList[?DomainName=='{each.domain}'].[CertificateArn,NotAfter,RenewalEligibility]\""
        lines.append(f"aws --region {region} acm list-certificates --query {found}")
        lines.append(f"dig +short CNAME {each.domain}; dig +short NS {each.zone}")
    return lines


def firewall(design: Design, parts: Parts) -> list[str]:
    """What it blocks."""
    lines = []
    for each in chosen(design, Firewall, parts):
        region = "us-east-1" if each.scope == "CLOUDFRONT" else design.region
        found = f"\"WebACLs[?Name=='{full_name(design, each.name)}'].[Name,Id]\""
        lines.append(f"aws --region {region} wafv2 list-web-acls --scope {each.scope} --query {found}")
    return lines
