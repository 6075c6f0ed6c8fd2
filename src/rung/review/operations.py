"""Operational excellence: can it be changed, watched and mended by the people who are there?"""

from __future__ import annotations

from collections.abc import Iterator

from rung.model.nodes import Environment, Objectives
from rung.parts.compute import EcsJob, EcsService, Host, HostGroup
from rung.parts.functions import LambdaFunction
from rung.parts.kubernetes import EksCluster, KubernetesJob, KubernetesService
from rung.parts.operations import DeployIdentity, Notification, UptimeCheck
from rung.review.advice import Found, Rule
from rung.review.cures import AddEnvironment, Notify, SetEnvironment, SetRepository, SizePart, State
from rung.review.subject import Subject

#: From this promise on, whoever is told must be woken: 99.9 % is 44 minutes in a month.
WAKING_AVAILABILITY = 0.999
#: From this promise on, somebody must always be there: 99.95 % is 22 minutes in a month.
ROTA_AVAILABILITY = 0.9995
FEWEST_FOR_A_ROTA = 3
#: Below this revenue a copy of production is a luxury.
WORTH_REHEARSING_USD = 1_000.0
#: What wakes nobody.
SILENT = ("email", "slack")
FEWEST_LOG_DAYS = 30
LOGGING = (EcsService, EcsJob, Host, HostGroup, KubernetesService, KubernetesJob, LambdaFunction)
#: A version of Kubernetes is supported for 14 months: somebody upgrades, every year, everything.
FEWEST_FOR_KUBERNETES = 5


def no_rehearsal(subject: Subject) -> Iterator[Found]:
    """R1401: production is the first place where a change is tried."""
    others = [each for each in subject.declared.of(Environment) if not each.production]
    if subject.production and not others and _at_stake(subject):
        yield Found(
            node=_here(subject), message="there is no environment before production",
            evidence=f'environments that are not production: none; "{subject.design.environment}" is the only one',
            changes=(AddEnvironment(name="staging", rung=subject.environment.rung, scale=0.25),),
        )  # fmt: skip


def _at_stake(subject: Subject) -> bool:
    """Whether a bad hour costs more than a copy does."""
    business = subject.graph.business
    earns = business is not None and (business.monthly_revenue_usd or 0.0) >= WORTH_REHEARSING_USD
    return earns or subject.availability >= WAKING_AVAILABILITY


def nothing_like_it(subject: Subject) -> Iterator[Found]:
    """R1402: what is tried before production is something else."""
    others = [each for each in subject.declared.of(Environment) if not each.production]
    rungs = {each.name: each.rung or "fargate" for each in others}
    own = subject.design.rung
    if subject.production and others and own not in rungs.values():
        there = ", ".join(f"{name} on {rung}" for name, rung in rungs.items())
        nearest = next((each.name for each in others if each.name == "staging"), others[-1].name)
        yield Found(
            node=_here(subject), message="no environment before production is built like production",
            evidence=f"production on {own}; {there}",
            changes=(SetEnvironment(name=nearest, field="rung", value=own),),
        )  # fmt: skip


def nobody_is_woken(subject: Subject) -> Iterator[Found]:
    """R1403: pages that are read in the morning."""
    topics = subject.design.of(Notification)
    addresses = [each.address for topic in topics for each in topic.recipients]
    kinds = {address.partition(":")[0] for address in addresses}
    if subject.availability >= WAKING_AVAILABILITY and addresses and kinds <= set(SILENT):
        yield Found(
            node=topics[0].recipients[0].node, message="alarms wake nobody",
            evidence=f"{', '.join(addresses)}; {subject.availability * 100:g} % leave "
            f"{subject.budget_minutes:.0f} minutes a month",
            changes=(Notify(address="pagerduty:integration-key"),),
            note="sms: and pushover: wake people too",
        )  # fmt: skip


def no_pipeline(subject: Subject) -> Iterator[Found]:
    """R1404: production is changed from somebody's laptop."""
    if subject.production and not subject.design.of(DeployIdentity):
        yield Found(
            node="@workload", message="no pipeline may deploy it",
            evidence="Workload(...) has no repository=, so the design has no deploy identity",
            changes=(SetRepository(repository=f"example/{subject.graph.name}"),),
            note="with your own owner/name",
        )  # fmt: skip


def no_promise(subject: Subject) -> Iterator[Found]:
    """R1405: nothing says when it is bad."""
    objectives = subject.graph.objectives
    if subject.production and subject.services and (objectives is None or objectives.availability is None):
        p99 = objectives.p99_seconds if objectives and objectives.p99_seconds else 0.3
        routes = {each.path: each.p99_seconds for each in objectives.routes} if objectives else {}
        yield Found(
            node=subject.services[0].name, message="no availability is promised",
            evidence="objectives(...) names no availability, so no alarm watches the error budget",
            changes=(
                State(fact=Objectives(availability="99.5%", p99=p99, routes=routes),
                      text='Objectives(availability="99.5%", p99="300ms")'),
            ),
        )  # fmt: skip


def nobody_looks_from_outside(subject: Subject) -> Iterator[Found]:
    """R1406: an outage that only customers can see."""
    if subject.production and subject.routed and subject.encrypted and not subject.design.of(UptimeCheck):
        yield Found(
            node=_here(subject), message="nobody looks at it from outside",
            evidence="production has routes and no domain=, so there is no uptime check",
            changes=(
                SetEnvironment(field="domain", value=f"{subject.graph.name}.example.com"),
                SetEnvironment(field="zone", value="example.com"),
            ),
            note="with your own domain and its hosted zone",
        )  # fmt: skip


def too_few_for_the_promise(subject: Subject) -> Iterator[Found]:
    """R1407: a promise that needs somebody awake, and too few people to take turns."""
    business = subject.graph.business
    if business is None or business.engineers is None or subject.availability < ROTA_AVAILABILITY:
        return
    if business.engineers < FEWEST_FOR_A_ROTA:
        objectives = subject.graph.objectives
        assert objectives is not None, "a promise comes from objectives"
        lower = Objectives(
            availability="99.9%", p99=objectives.p99_seconds, critical=objectives.critical,
            routes={each.path: each.p99_seconds for each in objectives.routes},
        )  # fmt: skip
        people = f"{business.engineers} engineer{'' if business.engineers == 1 else 's'}"
        yield Found(
            node="@objectives", message="the promise is more than its engineers can keep awake for",
            evidence=f"{people} for {subject.availability * 100:g} %, "
            f"which leaves {subject.budget_minutes:.0f} minutes a month; nobody takes turns with fewer than "
            f"{FEWEST_FOR_A_ROTA}",
            changes=(State(fact=lower, text='Objectives(availability="99.9%", ...)'),),
            note=f"or engineers={FEWEST_FOR_A_ROTA} once they are there",
        )  # fmt: skip


def logs_gone_too_soon(subject: Subject) -> Iterator[Found]:
    """R1408: logs that end before somebody asks."""
    for part in subject.design.parts:
        if not isinstance(part, LOGGING) or not subject.production:
            continue
        if part.log_days < FEWEST_LOG_DAYS:
            yield Found(
                node=part.node, message=f'the log of "{part.name}" is gone after {part.log_days} days',
                evidence=f"log_days={part.log_days}, in production",
                changes=(SizePart(part=part.name, field="log_days", value=90),),
            )  # fmt: skip


def kubernetes_for_few(subject: Subject) -> Iterator[Found]:
    """R1409: a cluster that more people look after than there are."""
    business = subject.graph.business
    if business is None or business.engineers is None or business.platform == "kubernetes":
        return
    if subject.design.of(EksCluster) and business.engineers < FEWEST_FOR_KUBERNETES:
        processes = sum(isinstance(part, KubernetesService | KubernetesJob) for part in subject.design.parts)
        yield Found(
            node="@business", message="too few engineers look after a Kubernetes cluster",
            evidence=f"{business.engineers} engineer{'' if business.engineers == 1 else 's'} for {processes} "
            f"processes; {FEWEST_FOR_KUBERNETES} can take turns with upgrades, nodes and add-ons",
            changes=(SetEnvironment(field="rung", value="fargate"),),
            note='or Business(platform="kubernetes") where other teams run the cluster',
        )  # fmt: skip


def _here(subject: Subject) -> str:
    """The environment, where the file declares it."""
    name = subject.design.environment
    return name if name in subject.graph.by_name else "@workload"


RULES = (
    Rule(
        code="R1401", pillar="operations", title="there is no environment before production",
        likelihood="sometimes", harm="serious", find=no_rehearsal, taxonomy="Friday deploy",
        effect="every change is tried on customers first, and the first to notice a bad one is a customer",
    ),
    Rule(
        code="R1402", pillar="operations", title="no environment before production is built like production",
        likelihood="sometimes", harm="serious", find=nothing_like_it, taxonomy="Friday deploy",
        effect="roles, networks, queues and scaling are first tried where customers are",
    ),
    Rule(
        code="R1403", pillar="operations", title="alarms wake nobody", likelihood="sometimes", harm="serious",
        find=nobody_is_woken, taxonomy="silent alarm",
        effect="an outage at three in the morning lasts until somebody reads mail: it costs the promise of "
        "several months",
    ),
    Rule(
        code="R1404", pillar="operations", title="no pipeline may deploy it", likelihood="sometimes",
        harm="slight", find=no_pipeline, taxonomy="Friday deploy",
        effect="people deploy with keys of their own, from a state that nobody else has seen",
    ),
    Rule(
        code="R1405", pillar="operations", title="no availability is promised", likelihood="often",
        harm="slight", find=no_promise,
        effect="nobody can say whether an hour of errors is too much, so either every error is or none",
    ),
    Rule(
        code="R1406", pillar="operations", title="nobody looks at it from outside", likelihood="sometimes",
        harm="serious", find=nobody_looks_from_outside, taxonomy="expired certificate",
        effect="when names, certificates or the edge fail, everything inside looks well while nobody can come in",
    ),
    Rule(
        code="R1407", pillar="operations", title="too few engineers for the promise", likelihood="sometimes",
        harm="serious", find=too_few_for_the_promise,
        effect="the first outage in a night or a holiday breaks the promise, and the second loses an engineer",
    ),
    Rule(
        code="R1408", pillar="operations", title="logs are gone before somebody asks", likelihood="sometimes",
        harm="slight", find=logs_gone_too_soon,
        effect="an intrusion or a wrong invoice is found after weeks, and nothing says any more what happened",
    ),
    Rule(
        code="R1409", pillar="operations", title="too few engineers look after a Kubernetes cluster",
        likelihood="often", harm="serious", find=kubernetes_for_few,
        effect="upgrades wait until support ends, and the one who knows the cluster is on holiday when it fails",
    ),
)  # fmt: skip
