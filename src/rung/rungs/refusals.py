"""What a rung cannot hold, and who must be told: findings before anything is placed. Pure.

Each says what is possible, and which rung could hold the node.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from rung.errors import Finding
from rung.model.checks.environments import nobody_is_told
from rung.model.checks.report import label, problem
from rung.model.existing import Existing
from rung.model.measured import BOX_SERVING_SHARE, FULL
from rung.model.nodes import (
    Bus,
    Cache,
    Files,
    Job,
    Node,
    Postgres,
    Queue,
    Rule,
    Schedule,
    Search,
    Service,
    Workflow,
)
from rung.rungs.brokers import PLACED, broker_of
from rung.rungs.clock import has_both_days
from rung.rungs.function_refusals import function_refusals
from rung.rungs.machines import (
    INSTANCES,
    instance_for,
    memory_of,
    serving_vcpu,
)
from rung.rungs.routers import KINDS
from rung.rungs.setting import Setting
from rung.rungs.sizes import REQUESTS_PER_VCPU_SECOND, peak_requests

#: GiB of data that a rung's database holds: a box's disk must be dumped and restored within hours; the limits of
#: RDS and Aurora are AWS's (user guides, "Quotas and constraints").
MOST_GIB = {"box": 500, "host": 65_536, "fargate": 131_072, "eks": 131_072, "serverless": 131_072}
#: Codes after which no design can be made, so that nothing more is said.
BLOCKING = frozenset({
    "R0801", "R0812", "R0813", "R0814", "R0817", "R0818", "R0819", "R0820", "R0821", "R0822", "R0825", "R0826",
})  # fmt: skip
Refusal = Callable[[Setting], Iterator[Finding]]


def refusals_of(setting: Setting) -> tuple[Finding, ...]:
    """Every reason why the workload cannot be placed here."""
    checks: tuple[Refusal, ...] = (_nodes, _edges, _traffic, _storage, _schedules, _queues, _listeners,
                                   function_refusals)  # fmt: skip
    return tuple(finding for check in checks for finding in check(setting))


def _listeners(setting: Setting) -> Iterator[Finding]:
    yield from nobody_is_told(setting.graph, setting.environment)


def _refused(setting: Setting, node: Node, reason: str, advice: str, rung: str = "") -> Finding:
    where = f"the rung {rung} can: rung={rung!r}" if rung else "no rung can as yet"
    return problem(
        setting.graph, "R0801", node.name, f"the rung {setting.rung} cannot hold {label(node)}",
        found=f'{reason}, in the environment "{setting.environment.name}"', effect="it would be missing there",
        advice=f"{advice}; {where}", related=(setting.environment.name,),
    )  # fmt: skip


def _nodes(setting: Setting) -> Iterator[Finding]:
    box = setting.rung == "box"
    for node in setting.graph.nodes:
        match node:
            case Postgres() | Cache() | Queue() | Files() if box and _is_there(setting, node):
                advice = "drop existing= there: a box keeps everything on its own disk"
                yield _refused(setting, node, "one that exists already", advice, "host")
            case Workflow() if setting.rung in ("eks", "serverless"):
                yield _refused(setting, node, "durable workflows", "split it into queues and workers", "fargate")
            case Search():
                advice = "search in a database that you declare, or connect to one outside with external(...)"
                yield _refused(setting, node, f"a search index ({node.engine})", advice)
            case Bus() if box and node.existing is not None:
                advice = "drop existing= there: a box keeps events in its Postgres"
                yield _refused(setting, node, "a bus that exists already", advice, "host")
            case Rule():
                yield from _rule(setting, node)
            case Queue() if broker_of(node) and setting.rung not in PLACED[str(node.broker)]:
                advice = 'drop broker=, or write broker="postgres" or "sqs"'
                yield _refused(setting, node, f"a queue on {node.broker}", advice, _placed(str(node.broker)))
            case Queue() if node.broker == "sqs" and box:
                advice = "drop broker=: a box keeps queues in its Postgres"
                yield _refused(setting, node, "a queue on SQS", advice, "host")
            case _:
                continue


def _placed(broker: str) -> str:
    return PLACED[broker][-1] if PLACED[broker] else ""


def _is_there(setting: Setting, node: Postgres | Cache | Queue | Files) -> bool:
    environment = setting.environment
    described: tuple[Existing, ...] = (
        *environment.existing_databases,
        *environment.existing_caches,
        *environment.existing_queues,
        *environment.existing_files,
    )
    return node.existing is not None or any(each.node == node.name for each in described)


def _rule(setting: Setting, rule: Rule) -> Iterator[Finding]:
    target = setting.graph.by_name.get(rule.target)
    if setting.rung == "box":
        if type(target) not in KINDS or (isinstance(target, Queue) and broker_of(target)):
            found = f"a rule that delivers to {label(target)}" if target is not None else "a rule without a target"
            advice = "let it deliver to a queue, a service, a workflow or a host outside"
            yield _refused(setting, rule, found, advice)
    elif setting.rung in ("host", "fargate") and setting.is_relayed(rule):
        return
    elif not isinstance(target, Queue) or not setting.uses_sqs(target):
        found = f"a rule that delivers to {label(target)}" if target is not None else "a rule without a target"
        advice, rung = "let it deliver to a queue on SQS, whose worker does the rest", ""
        if type(target) in KINDS:
            rung = "fargate"
        yield _refused(setting, rule, found, advice, rung)
    elif setting.existing_lanes(target):
        advice = "let it deliver to a queue of your own: whoever owns that one decides who may send to it"
        yield _refused(setting, rule, f"a rule that delivers to {label(target)}, which exists already", advice)


def _edges(setting: Setting) -> Iterator[Finding]:
    for edge in setting.graph.edges:
        source, target = setting.graph.by_name.get(edge.source), setting.graph.by_name.get(edge.target)
        if setting.rung == "box" and edge.verb == "run" and isinstance(target, Job) and source is not None:
            advice = "let a worker do it, through a queue"
            yield _refused(setting, source, f"that one container starts another ({target.name})", advice, "host")
        if setting.rung == "host" and isinstance(source, Schedule | Job) and isinstance(target, Service):
            advice = "let it send to a queue, whose worker calls the service"
            reason = f"a task on Fargate that calls {label(target)} inside the machines"
            yield _refused(setting, source, reason, advice, "fargate")


def _traffic(setting: Setting) -> Iterator[Finding]:
    """R0802: more than one machine can do."""
    kept: tuple[Queue | Bus, ...] = (*setting.graph.of(Queue), *setting.graph.of(Bus))
    uncarried = setting.carrier() is None and any(setting.is_carried(each) for each in kept)
    if setting.rung != "box" or uncarried or any(_nodes(setting)):
        return  # without a database to keep its queues in there is no box to measure: R0813 says so
    from rung.rungs.box import stacks_of

    needed, memory = serving_vcpu(setting) / BOX_SERVING_SHARE, memory_of(stacks_of(setting))
    if instance_for(needed, memory) is None:
        name, vcpu, mib = INSTANCES[-1]
        most = vcpu * BOX_SERVING_SHARE * REQUESTS_PER_VCPU_SECOND * FULL
        yield problem(
            setting.graph, "R0802", "@traffic" if needed > vcpu else "@workload",
            f'the environment "{setting.environment.name}" is more than one machine can do',
            found=f"{peak_requests(setting):,.0f} requests/s at the peak and {memory:,} MiB; the largest box "
            f"({name}) answers about {most:,.0f} a second and has {mib:,} MiB",
            effect="it would answer late or not at all, and a larger machine is not for sale here",
            advice="choose rung='host' or rung='fargate', which add machines; or a smaller scale=",
            related=(setting.environment.name,),
        )  # fmt: skip


def _storage(setting: Setting) -> Iterator[Finding]:
    """R0803: more data than the rung's database holds."""
    most = MOST_GIB[setting.rung]
    for node in setting.graph.of(Postgres):
        if node.storage_gib is not None and node.storage_gib > most:
            fitting = next((rung for rung, limit in MOST_GIB.items() if limit >= node.storage_gib), None)
            where = f"choose rung={fitting!r}" if fitting else "no rung can: keep what is old in a bucket"
            yield problem(
                setting.graph, "R0803", node.name, f"{label(node)} is too large for the rung {setting.rung}",
                found=f"storage={node.storage_gib:,} GiB, {most:,} are the most there",
                effect="its disk would fill up, or a restore would take longer than anybody can wait",
                advice=where, related=(setting.environment.name,),
            )  # fmt: skip


def _schedules(setting: Setting) -> Iterator[Finding]:
    """R0812: times that EventBridge cannot keep."""
    for node in setting.graph.of(Schedule):
        if setting.rung not in ("box", "eks") and has_both_days(node):
            yield problem(
                setting.graph, "R0812", node.name, f"EventBridge cannot keep the time of {label(node)}",
                found=f"cron={node.cron!r} names days of the month and days of the week",
                effect="cron runs on either, EventBridge takes only one of the two",
                advice="make it two schedules, one for each; the rungs box and eks keep it as it is",
            )  # fmt: skip


def _queues(setting: Setting) -> Iterator[Finding]:
    """R0813: a queue, or a bus, in Postgres, and no Postgres."""
    for bus in setting.graph.of(Bus):
        if setting.is_carried(bus) and setting.carrier() is None:
            yield problem(
                setting.graph, "R0813", bus.name, f"{label(bus)} is kept in Postgres, and there is none",
                found=f"a bus on the rung {setting.rung}, 0 databases",
                effect="there is no table to keep its events in",
                advice='declare one: postgres("db"); or choose a rung with EventBridge: host or fargate',
            )  # fmt: skip
    for node in setting.graph.of(Queue):
        if setting.in_postgres(node) and setting.carrier() is None:
            yield problem(
                setting.graph, "R0813", node.name, f"{label(node)} is kept in Postgres, and there is none",
                found=f"broker={node.broker!r} on the rung {setting.rung}, 0 databases",
                effect="there is no table to keep its messages in",
                advice='declare one: postgres("db"); or choose a rung with SQS: host or fargate',
            )  # fmt: skip
