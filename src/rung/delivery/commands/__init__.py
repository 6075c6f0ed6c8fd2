"""Commands that a person on call can paste: real names, reads first, nothing that prints a secret.

A command set is a function of one design and the names of the parts in question (none: all of their kind). It
returns lines; a set that does not apply to a design returns none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from types import MappingProxyType

from rung.delivery.commands import account, compute, data, front, queues
from rung.parts.design import Design

Commands = Callable[[Design, tuple[str, ...]], list[str]]

#: By the name that a runbook's template uses.
COMMANDS: MappingProxyType[str, Commands] = MappingProxyType(
    {
        "backup": data.backup,
        "budget": account.spending,
        "broker": data.broker,
        "cache": data.cache,
        "certificate": front.certificate,
        "database": data.database,
        "database_activity": data.activity,
        "dead_letters": queues.dead_letters,
        "deployments": compute.deployments,
        "egress": account.egress,
        "events": queues.events,
        "failover": data.failover,
        "file_system": data.file_system,
        "firewall": front.firewall,
        "load_balancer": front.load_balancer,
        "logs": compute.logs,
        "machines": compute.machines,
        "more_tasks": compute.more_tasks,
        "on_machine": compute.on_machine,
        "outside": front.outside,
        "queues": queues.queues,
        "restart": compute.restart,
        "restore": data.restore,
        "rollback": compute.rollback,
        "runs": queues.runs,
        "schedules": queues.schedules,
        "secrets": account.secrets,
        "state": account.state,
        "stopped_tasks": compute.stopped_tasks,
        "table": data.table,
        "tasks": compute.tasks,
        "traces": compute.traces,
        "zone": account.zone,
    }
)


def blocks(name: str, designs: Iterable[tuple[Design, tuple[str, ...]]]) -> str:
    """A command set for several environments, each as a block of its own where there is more than one."""
    found = [(design, COMMANDS[name](design, parts)) for design, parts in designs]
    kept = [(design, lines) for design, lines in found if lines]
    texts = []
    for design, lines in kept:
        head = f"In `{design.environment}` ({design.rung}):\n\n" if len(kept) > 1 else ""
        texts.append(head + "```sh\n" + "\n".join(lines) + "\n```\n")
    return "\n".join(texts).rstrip("\n")
