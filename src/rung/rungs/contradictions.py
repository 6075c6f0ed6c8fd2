"""What an environment says that cannot hold together: findings R0805 to R0814. Pure.

What has no place on a rung is refused where the environment names that rung itself, and passed over where the rung
was asked for from outside, to compare.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from rung.errors import Finding
from rung.model.checks.report import problem
from rung.model.environments import QuietHours
from rung.rungs.entrance import has_distribution, routed_services
from rung.rungs.networks import has_externals
from rung.rungs.setting import Setting

_REGION = re.compile(
    r"[a-z]{2}(-gov|-iso[a-z]?)?-(north|south|east|west|central|northeast|southeast|northwest|southwest)-\d\Z"
)
_REPOSITORY = re.compile(r"[A-Za-z0-9][\w.-]*(@\d+)?/[\w.-]+(@\d+)?\Z")
_MOMENT = re.compile(r"([01]?\d|2[0-3]):[0-5]\d\Z")
_DAYS = re.compile(r"(SUN|MON|TUE|WED|THU|FRI|SAT)([-,](SUN|MON|TUE|WED|THU|FRI|SAT))*\Z")
_VPC, _SUBNET = re.compile(r"vpc-[0-9a-f]{8,17}\Z"), re.compile(r"subnet-[0-9a-f]{8,17}\Z")
#: What AWS asks of a load balancer, and of a database's group: subnets in two zones.
LEAST_SUBNETS = 2
Refusal = Callable[[Setting], Iterator[Finding]]


def contradictions_of(setting: Setting) -> tuple[Finding, ...]:
    """Everything in the environment that excludes something else, or that AWS does not know."""
    checks: tuple[Refusal, ...] = (
        _ways_out,
        _ways_in,
        _shared,
        _mounted,
        _hours,
        _vpc,
        _domain,
        _region,
        _repository,
    )
    return tuple(finding for check in checks for finding in check(setting))


def _wrong(setting: Setting, code: str, message: str, *, found: str, effect: str, advice: str) -> Finding:
    name = setting.environment.name
    node = name if setting.graph.location(name) is not None else "@workload"
    return problem(
        setting.graph, code, node, f'{message} (environment "{name}")', found=found, effect=effect, advice=advice
    )


def _ways_out(setting: Setting) -> Iterator[Finding]:
    """R0805: no way out for those who need one."""
    environment = setting.environment
    if environment.nat == "none" and has_externals(setting) and setting.rung != "box":
        users = dict.fromkeys(
            edge.source for edge in setting.graph.edges if setting.graph.by_name[edge.target].kind == "external"
        )
        yield _wrong(
            setting, "R0805", "there is no way out, and somebody needs one",
            found=f'nat="none", and hosts outside are used by {", ".join(users)}',
            effect="every call to them would wait until it fails",
            advice='drop nat=, or write nat="single"; or drop the externals',
        )  # fmt: skip
    if environment.nat is not None and (environment.existing_vpc is not None or environment.rung == "box"):
        reason = "existing_vpc brings its own" if environment.existing_vpc else "a box is its own way out"
        yield _wrong(
            setting, "R0805", "nat= has nothing to decide", found=f"nat={environment.nat!r}; {reason}",
            effect="it would be ignored, without a word", advice="drop nat=",
        )  # fmt: skip


def _ways_in(setting: Setting) -> Iterator[Finding]:
    """R0805: a site without a door, a firewall without one."""
    environment = setting.environment
    if environment.rung == "box":
        given = {"distribution": environment.distribution, "firewall": environment.firewall}
        for name, value in given.items():
            if value:
                yield _wrong(
                    setting, "R0805", f"a box has no place for {name}=", found=f"{name}={value!r}, rung='box'",
                    effect="it would be ignored, without a word", advice=f"drop {name}=, or choose rung='host'",
                )  # fmt: skip
    elif (
        setting.rung != "box"
        and not has_distribution(setting)
        and any(site.name in setting.routed for site in setting.sites)
    ):
        names = ", ".join(site.name for site in setting.sites)
        yield _wrong(
            setting, "R0805", "sites have no door without CloudFront",
            found=f"{_no_distribution(setting)}, and the sites {names}",
            effect="their bucket is private: nobody could read them",
            advice="drop distribution=False, or serve the files from a service"
            if environment.distribution is False
            else "name an internal load balancer, behind which CloudFront can stand, or let one be made",
        )  # fmt: skip
    elif environment.firewall and not setting.routed:
        yield _wrong(
            setting, "R0805", "a firewall guards nothing", found="firewall=True, and no route",
            effect="it would cost money and see no request", advice="drop firewall=True, or add a route",
        )  # fmt: skip


def _no_distribution(setting: Setting) -> str:
    return (
        "distribution=False" if setting.environment.distribution is False else "a public load balancer of others"
    )


def _shared(setting: Setting) -> Iterator[Finding]:
    """R0805: a load balancer of others that cannot serve here as it is said to."""
    environment = setting.environment
    there = environment.existing_load_balancer
    if there is None:
        return
    if setting.rung == "box":
        yield _wrong(
            setting, "R0805", "a box has no place for existing_load_balancer=", found="rung='box'",
            effect="it would be ignored, without a word", advice="drop it, or choose rung='host'",
        )  # fmt: skip
        return
    if environment.rung == "serverless":
        yield _wrong(
            setting, "R0805", "functions have no place for existing_load_balancer=", found="rung='serverless'",
            effect="visitors would come by an HTTP API, and the load balancer know nothing of it",
            advice="drop it, or choose rung='fargate'",
        )  # fmt: skip
        return
    if not environment.domain:
        yield _wrong(
            setting, "R0805", "others use the load balancer too, and there is no domain",
            found="existing_load_balancer is set, domain is not",
            effect="our rules would take everybody's requests",
            advice='name the domain of its visitors: domain="..."',
        )  # fmt: skip
    if environment.existing_vpc is None:
        yield _wrong(
            setting, "R0805", "the load balancer is in a VPC that is not named",
            found="existing_load_balancer is set, existing_vpc is not",
            effect="it reaches no target outside of its own VPC",
            advice="name its VPC: existing_vpc=ExistingVpc(...)",
        )  # fmt: skip
    if not there.internal and has_distribution(setting):
        reason = "a site" if environment.distribution is None else "distribution=True"
        yield _wrong(
            setting, "R0805", "CloudFront reaches internal load balancers alone",
            found=f"{reason}, and a load balancer with public addresses",
            effect="AWS refuses the origin",
            advice="name an internal one: ExistingLoadBalancer(..., internal=True)",
        )  # fmt: skip
    if environment.firewall and not has_distribution(setting):
        yield _wrong(
            setting, "R0805", "the firewall of a load balancer is its owner's", found="firewall=True",
            effect="it would take the place of whatever guards everybody's requests", advice="drop firewall=True",
        )  # fmt: skip


def _mounted(setting: Setting) -> Iterator[Finding]:
    """R0805: a file system whose mount targets are in a VPC of others, and a VPC of our own."""
    environment = setting.environment
    if environment.existing_files and environment.existing_vpc is None and setting.rung != "box":
        names = ", ".join(each.id for each in environment.existing_files)
        yield _wrong(
            setting, "R0805", "the file system is in a VPC that is not named",
            found=f"existing= names {names}, existing_vpc is not set",
            effect="its mount targets have no address in a VPC that is made anew",
            advice="name its VPC: existing_vpc=ExistingVpc(...)",
        )  # fmt: skip


def _makes_sense(quiet: QuietHours) -> bool:
    times = _MOMENT.match(quiet.start) and _MOMENT.match(quiet.stop) and quiet.start != quiet.stop
    return bool(times) and 0 <= quiet.share < 1


def _hours(setting: Setting) -> Iterator[Finding]:
    """R0814: hours that nobody can read; R0805: hours where nothing stops."""
    hours, idle = setting.environment.office_hours, setting.environment.stop_when_idle_seconds
    for name, value in (("office_hours", hours), ("stop_when_idle", idle)):
        asleep = setting.rung == "serverless"
        placed = setting.rung in ("host", "fargate", "eks")
        if value is not None and not placed and setting.environment.rung == setting.rung:
            effect = "nothing runs while nobody asks" if asleep else "its machines would run through the night"
            yield _wrong(
                setting, "R0805", f"the rung {setting.rung} has no place for {name}=",
                found=f"{name} is set, rung={setting.rung!r}", effect=effect,
                advice=f"drop {name}=" + ("" if asleep else ", or choose rung='host' or 'fargate': they stop"),
            )  # fmt: skip
    quiet = setting.environment.quiet_hours
    if isinstance(quiet, QuietHours) and not (
        _MOMENT.match(quiet.start)
        and _MOMENT.match(quiet.stop)
        and quiet.start != quiet.stop
        and 0 <= quiet.share < 1
    ):
        yield _wrong(
            setting, "R0814", "the quiet hours are not understood",
            found=f"start={quiet.start!r}, stop={quiet.stop!r}, share={quiet.share:g}",
            effect="AWS refuses the times, or nothing would be saved",
            advice='write QuietHours(start="00:00", stop="07:00", timezone="Europe/Berlin", share=0.25)',
        )  # fmt: skip
    if hours is None:
        return
    wrong = [text for text in (hours.start, hours.stop) if not _MOMENT.match(text)]
    wrong += [] if _DAYS.match(hours.days.upper()) else [hours.days]
    if wrong or hours.start == hours.stop:
        yield _wrong(
            setting, "R0814", "the office hours are not understood",
            found=f"{', '.join(map(repr, wrong)) or 'start and stop are the same'}",
            effect="the environment would never stop, or never start",
            advice='write OfficeHours(start="07:00", stop="20:00", days="MON-FRI", timezone="Europe/Berlin")',
        )  # fmt: skip


def _vpc(setting: Setting) -> Iterator[Finding]:
    """R0807: a VPC without enough subnets."""
    vpc = setting.environment.existing_vpc
    if vpc is None:
        return
    tiers = {"public": vpc.public, "private": vpc.private, "isolated": vpc.isolated or vpc.private}
    strange = [text for text in (vpc.vpc_id,) if not _VPC.match(text)]
    strange += [
        text for each in tiers.values() for text in each if not _SUBNET.match(text) and text not in strange
    ]
    if strange:
        yield _wrong(
            setting, "R0807", "the existing VPC is not named by its ids", found=", ".join(map(repr, strange)),
            effect="AWS finds nothing by these names",
            advice='write ExistingVpc(vpc_id="vpc-0a1b2c3d", private=["subnet-0a1b2c3d", "subnet-0e4f5a6b"])',
        )  # fmt: skip
    for tier, least, reason in _needed_subnets(setting):
        there = dict.fromkeys(tiers[tier])
        if len(there) < least:
            yield _wrong(
                setting, "R0807", f"the existing VPC has not enough {tier} subnets",
                found=f"{len(there)} {tier} ({', '.join(there) or 'none'}); {least} are needed for {reason}",
                effect="AWS refuses to create it",
                advice=f"name {least} {tier} subnets in different zones, or drop existing_vpc= to have a VPC made",
            )  # fmt: skip


def _needed_subnets(setting: Setting) -> Iterator[tuple[str, int, str]]:
    if setting.rung == "box":
        yield "public", 1, "the machine"
        return
    yield "private", LEAST_SUBNETS, "what runs, in two zones"
    yield "isolated", LEAST_SUBNETS, "databases, in two zones"
    if routed_services(setting) and not has_distribution(setting):
        yield "public", LEAST_SUBNETS, "the load balancer, in two zones"


def _domain(setting: Setting) -> Iterator[Finding]:
    """R0808: a domain that nobody can prove to own."""
    domain, zone = setting.environment.domain, setting.environment.zone
    if domain and not zone:
        guess = ".".join(domain.split(".")[-2:])
        yield _wrong(
            setting, "R0808", "the domain has no zone", found=f"domain={domain!r}, zone is not set",
            effect="no record can be written, and no certificate can be proven",
            advice=f"name the hosted zone of Route 53 in which it is, such as zone={guess!r}",
        )  # fmt: skip
    elif domain and zone and domain != zone and not domain.endswith(f".{zone}"):
        yield _wrong(
            setting, "R0808", "the domain is not in the zone", found=f"domain={domain!r}, zone={zone!r}",
            effect="no record can be written, and no certificate can be proven",
            advice=f"name a zone that {domain!r} ends with",
        )  # fmt: skip
    elif zone and not domain:
        yield _wrong(
            setting, "R0808", "the zone has no domain", found=f"zone={zone!r}, domain is not set",
            effect="it would be ignored, without a word", advice="name the domain of its visitors, or drop zone=",
        )  # fmt: skip


def _region(setting: Setting) -> Iterator[Finding]:
    """R0810: a region that is none."""
    if not _REGION.match(setting.region):
        yield _wrong(
            setting, "R0810", "the region is none of AWS's", found=f"region={setting.region!r}",
            effect="nothing can be created there",
            advice="write its code, such as 'eu-west-1' (Ireland), 'eu-central-1' (Frankfurt) or 'us-east-1'",
        )  # fmt: skip


def _repository(setting: Setting) -> Iterator[Finding]:
    """R0811: a repository that cannot be trusted by name."""
    repository = setting.graph.repository
    if repository is not None and not _REPOSITORY.match(repository):
        yield problem(
            setting.graph, "R0811", "@workload", "the repository is not owner/name",
            found=f"repository={repository!r}",
            effect="nobody's pipeline could deploy, or somebody else's",
            advice="write 'owner/name', or 'owner@123/name@456' for repositories whose tokens carry ids",
        )  # fmt: skip
