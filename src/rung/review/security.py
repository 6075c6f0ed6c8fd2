"""Security: who can come in, what can get out, and what is left when somebody did."""

from __future__ import annotations

import math
from collections.abc import Iterator

from rung.model.nodes import External, Secret, Service, Worker
from rung.parts.compute import EcsService, Host, HostGroup
from rung.parts.data import AuroraCluster, PostgresInstance
from rung.parts.edge import Distribution, Firewall, LoadBalancer
from rung.parts.kubernetes import EksCluster
from rung.parts.network import Network
from rung.review.advice import Found, Rule
from rung.review.cures import SetEnvironment, SetField, SizePart
from rung.review.subject import Subject

#: Ports of protocols that send everything in the clear.
PLAIN_PORTS = {21: "FTP", 23: "Telnet", 25: "SMTP", 80: "HTTP", 389: "LDAP", 1883: "MQTT", 5672: "AMQP",
               6379: "Redis", 8080: "HTTP", 11211: "memcached"}  # fmt: skip
ENCRYPTED_TWINS = {21: 990, 23: 22, 25: 465, 389: 636, 1883: 8883, 5672: 5671, 6379: 6380, 11211: 11212}
#: A firewall costs five dollars and one for each rule (the price book has the source): worth it from here on.
WORTH_PROTECTING_USERS, WORTH_PROTECTING_USD = 500, 1_000.0
#: Offices and mobile carriers put many people behind one address.
FEWEST_PEOPLE_BEHIND_AN_ADDRESS = 5
WINDOW_SECONDS = 300.0
FEWEST_FLOW_LOG_DAYS = 30


def not_encrypted(subject: Subject) -> Iterator[Found]:
    """R1411: visitors whose passwords anybody on their way can read."""
    if subject.production and subject.routed and not subject.encrypted:
        names = [part.name for part in subject.design.parts if isinstance(part, LoadBalancer | Host)]
        name = names[0] if names else "the entrance"
        yield Found(
            node=subject.services[0].name if subject.services else min(subject.routed),
            message="visitors arrive without encryption",
            evidence=f'"{name}" has no certificate: production has no domain= and no distribution',
            changes=(
                SetEnvironment(field="domain", value=f"{subject.graph.name}.example.com"),
                SetEnvironment(field="zone", value="example.com"),
            ),
            note="with your own domain and its hosted zone",
        )  # fmt: skip


def no_firewall(subject: Subject) -> Iterator[Found]:
    """R1412: something worth protecting, and nothing that refuses what is known to be hostile."""
    traffic, business = subject.graph.traffic, subject.graph.business
    users = traffic.concurrent_users if traffic else 0
    revenue = (business.monthly_revenue_usd or 0.0) if business else 0.0
    earned = users >= WORTH_PROTECTING_USERS or revenue >= WORTH_PROTECTING_USD
    guarded = subject.design.of(Firewall) or not (subject.balanced() or subject.design.of(Distribution))
    if subject.production and subject.services and earned and not guarded:
        yield Found(
            node=subject.services[0].name, message="no firewall stands before a business that has earned one",
            evidence=f"{users:,} users, ${revenue:,.0f} a month, firewall=False",
            changes=(SetEnvironment(field="firewall", value=True),),
        )  # fmt: skip


def refuses_visitors(subject: Subject) -> Iterator[Found]:
    """R1413: a rate limit that ordinary visitors reach."""
    traffic = subject.graph.traffic
    if traffic is None or not traffic.think_time_seconds:
        return
    for wall in subject.design.of(Firewall):
        one = WINDOW_SECONDS / traffic.think_time_seconds
        people = wall.requests_per_five_minutes / one
        if people < FEWEST_PEOPLE_BEHIND_AN_ADDRESS:
            enough = int(math.ceil(one * 2 * FEWEST_PEOPLE_BEHIND_AN_ADDRESS / 1_000) * 1_000)
            yield Found(
                node="@traffic", message="the firewall refuses ordinary visitors",
                evidence=f"{wall.requests_per_five_minutes:,} requests in five minutes from one address; one "
                f"visitor sends {one:,.0f}, so {people:.1f} of them fit behind it",
                changes=(SizePart(part=wall.name, field="requests_per_five_minutes", value=enough),),
            )  # fmt: skip


def shared_machine(subject: Subject) -> Iterator[Found]:
    """R1414: a secret that a public service may read because it lives on the same machine."""
    for group in subject.design.of(HostGroup):
        here = {stack.node for stack in group.stacks}
        public = [node for node in subject.services if node.name in here]
        readable = {name for node in public for name in subject.uses(node.name, "secret")}
        for secret in subject.graph.of(Secret):
            others = [name for name in subject.users(secret.name) if name in here]
            if public and others and secret.name not in readable:
                yield Found(
                    node=secret.name, message=f'the public service "{public[0].name}" can read "{secret.name}"',
                    evidence=f'only {", ".join(others)} uses it, but "{group.name}" gives every container of a '
                    f"machine the machine's role",
                    changes=(SetEnvironment(field="rung", value="fargate"),),
                )  # fmt: skip


def no_flow_logs(subject: Subject) -> Iterator[Found]:
    """R1415: connections that nobody wrote down."""
    for network in subject.design.of(Network):
        if subject.production and network.existing is None and network.flow_log_days < FEWEST_FLOW_LOG_DAYS:
            yield Found(
                node=network.node, message="nobody writes down who connected to whom",
                evidence=f"flow_log_days={network.flow_log_days}, in production",
                changes=(SizePart(part=network.name, field="flow_log_days", value=90),),
            )  # fmt: skip


def leaves_in_the_clear(subject: Subject) -> Iterator[Found]:
    """R1416: what goes out unencrypted."""
    externals = {node.name: node for node in subject.graph.of(External)}
    for name, node in externals.items():
        users = subject.users(name)
        if node.port in PLAIN_PORTS and users:
            twin = ENCRYPTED_TWINS.get(node.port, 443)
            yield Found(
                node=name, message=f'what is sent to "{node.host}" can be read on its way',
                evidence=f"port {node.port} is {PLAIN_PORTS[node.port]} without TLS, used by {', '.join(users)}",
                changes=(SetField(node=name, field="port", value=twin),),
            )  # fmt: skip


def way_out_without_need(subject: Subject) -> Iterator[Found]:
    """R1417: a way to the internet that nothing of the workload needs."""
    network = subject.network
    if network is None or not subject.production or network.nat == "none" or subject.design.egress:
        return
    if subject.design.of(EksCluster):
        return  # its machines join through it
    yield Found(
        node=_environment(subject), message="there is a way out that nothing needs",
        evidence=f'nat="{network.nat}", and 0 external hosts are used',
        changes=(SetEnvironment(field="nat", value="none"),),
        note="AWS itself is reached by endpoints",
    )  # fmt: skip


def deleted_in_one_step(subject: Subject) -> Iterator[Found]:
    """R1418: data that one wrong apply removes."""
    for part in subject.design.parts:
        if isinstance(part, AuroraCluster | PostgresInstance) and subject.production and not part.protected:
            yield Found(
                node=part.node, message=f'"{part.name}" can be deleted in one step',
                evidence="protected=False, in production",
                changes=(SizePart(part=part.name, field="protected", value=True),),
            )  # fmt: skip


def unmasked_log(subject: Subject) -> Iterator[Found]:
    """R1419: a program that writes its own log and holds secrets."""
    parts = {part.node: part for part in subject.design.of(EcsService)}
    for node in subject.graph.nodes:
        if not isinstance(node, Service | Worker) or node.command is None or not subject.production:
            continue
        secrets, part = subject.uses(node.name, "secret"), parts.get(node.name)
        if secrets and part is not None:
            object_name = "app" if isinstance(node, Service) else "handler"
            code = f"{subject.graph.name}.{node.name}:{object_name}"
            yield Found(
                node=node.name, message=f'the log of "{node.name}" is not masked, and it holds secrets',
                evidence=f"it is a command, not {object_name}=, so nothing masks {', '.join(secrets)} in its log, "
                f"which is kept for {part.log_days} days",
                changes=(
                    SetField(node=node.name, field="command", value=None),
                    SetField(node=node.name, field=object_name, value=code),
                ),
                note=f"{object_name}= is an ASGI application or a handler, whose log is masked; for a command, "
                "mask in its own logger",
            )  # fmt: skip


def _environment(subject: Subject) -> str:
    name = subject.design.environment
    return name if name in subject.graph.by_name else "@workload"


RULES = (
    Rule(
        code="R1411", pillar="security", title="visitors arrive without encryption", likelihood="often",
        harm="severe", find=not_encrypted,
        effect="whoever shares a network with a visitor reads passwords and takes over sessions; browsers warn",
    ),
    Rule(
        code="R1412", pillar="security", title="no firewall stands before a business that has earned one",
        likelihood="often", harm="serious", find=no_firewall, taxonomy="runaway cost",
        effect="scanners and password lists try every form, and each attempt costs processor and database time",
    ),
    Rule(
        code="R1413", pillar="security", title="the firewall refuses ordinary visitors", likelihood="often",
        harm="serious", find=refuses_visitors,
        effect="an office, a school or a mobile carrier shares one address: its people are turned away with 403",
    ),
    Rule(
        code="R1414", pillar="security", title="a public service can read a secret that is not its own",
        likelihood="seldom", harm="severe", find=shared_machine, taxonomy="blast radius",
        effect="a hole in what visitors reach opens everything that the other containers of the machine may do",
    ),
    Rule(
        code="R1415", pillar="security", title="nobody writes down who connected to whom", likelihood="seldom",
        harm="severe", find=no_flow_logs, taxonomy="unexpected egress",
        effect="after an intrusion nobody can say what was reached or taken, so all of it counts as lost",
    ),
    Rule(
        code="R1416", pillar="security", title="something leaves in the clear", likelihood="sometimes",
        harm="serious", find=leaves_in_the_clear, taxonomy="unexpected egress",
        effect="whoever is on the way reads it and can change the answer",
    ),
    Rule(
        code="R1417", pillar="security", title="there is a way out that nothing needs", likelihood="seldom",
        harm="severe", find=way_out_without_need, taxonomy="unexpected egress",
        effect="a process that was broken into sends data out, or attacks others in your name, at your expense",
    ),
    Rule(
        code="R1418", pillar="security", title="a database can be deleted in one step", likelihood="seldom",
        harm="severe", find=deleted_in_one_step, taxonomy="untested restore",
        effect="a renamed resource, a wrong workspace or a stolen role deletes it, with nothing in between",
    ),
    Rule(
        code="R1419", pillar="security", title="a log is not masked", likelihood="sometimes", harm="slight",
        find=unmasked_log, taxonomy="secrets in logs",
        effect="one logged header or exception puts a key into the log, where everybody who reads logs finds it",
    ),
)  # fmt: skip
