"""Who may do what: the statements of the design's edges, one table.

Statements of one role that differ in their resources alone are one statement here. Sets of actions that several
statements share, and the condition that a key is used through one service, are written once as locals.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace

from rung.parts.access import Condition, Statement
from rung.parts.compute import Host, HostGroup
from rung.parts.design import Design
from rung.terraform.hcl import Block, Expression, Noted, Raw, Row
from rung.terraform.names import of_resource, output, workload_line
from rung.terraform.setting import Setting

BLOCK = "access"
Conditions = tuple[Condition, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shared:
    """What is written once: actions and conditions by the name of their local."""

    actions: dict[tuple[str, ...], str]
    conditions: dict[Conditions, str]


def grants(setting: Setting) -> Iterator[Block]:
    """The locals, then one table of statements; each is a row."""
    design = setting.design
    by_principal = merged(design)
    if not by_principal:
        return
    statements = [statement for found in by_principal.values() for statement in found]
    shared = Shared(actions=_shared_actions(statements), conditions=_shared_conditions(statements))
    yield from _locals(shared)
    arguments: dict[str, Expression] = {
        "name": f"{design.workload}-{design.environment}",
        "roles": {name: output(name, _role_output(design, name)) for name in by_principal},
        "statements": _rows(statements, shared),
    }
    yield setting.call(
        BLOCK, "access", "Who may do what, with the edge of the workload that asks for it", arguments
    )


def _rows(statements: list[Statement], shared: Shared) -> dict[str, Expression]:
    """A row for each statement; a comment before each that has another reason than the one before it."""
    rows: dict[str, Expression] = {}
    last = ""
    for each in statements:
        row = Row(_statement(each, shared))
        sid = each.sid if each.sid not in rows else f"{each.sid}Of{_words(each.principal)}"
        rows[sid] = row if each.why == last else Noted(each.why, row)
        last = each.why
    return rows


def merged(design: Design) -> dict[str, list[Statement]]:
    """The statements by role; those with the same actions and conditions are one."""
    found: dict[str, dict[object, list[Statement]]] = {}
    for each in design.statements:
        key = (each.actions, each.conditions)
        found.setdefault(each.principal, {}).setdefault(key, []).append(each)
    return {name: [_one(design, group) for group in groups.values()] for name, groups in found.items()}


def _one(design: Design, group: list[Statement]) -> Statement:
    first, *others = group
    resources = tuple(dict.fromkeys(resource for each in group for resource in each.resources))
    targets = dict.fromkeys(each.edge.target for each in others if each.edge)
    suffix = "".join(_words(target) for target in targets if first.edge and target != first.edge.target)
    reasons = dict.fromkeys(_reason(each) for each in group)
    line = workload_line(design, first.edge.source) if first.edge else ""
    return replace(first, sid=first.sid + suffix, resources=resources, why=f"{', '.join(reasons)}{line}")


def _reason(statement: Statement) -> str:
    edge = statement.edge
    return statement.why if edge is None else f"{edge.source} {edge.verb} {edge.target}"


def _words(name: str) -> str:
    return "".join(word.capitalize() for word in name.split("-"))


def _shared_actions(statements: list[Statement]) -> dict[tuple[str, ...], str]:
    """Sets of two actions or more that two statements or more have, by service and verb of the first."""
    counts: Counter[tuple[str, ...]] = Counter(each.actions for each in statements if len(each.actions) > 1)
    names: dict[str, tuple[str, ...]] = {}
    for each in statements:
        if counts[each.actions] > 1 and each.edge is not None and each.actions not in names.values():
            names.setdefault(f"{each.actions[0].partition(':')[0]}_{each.edge.verb}", each.actions)
    return {actions: name for name, actions in names.items()}


def _shared_conditions(statements: list[Statement]) -> dict[Conditions, str]:
    """`kms:ViaService` of one service: `local.through_sqs`."""
    counts = Counter(each.conditions for each in statements)
    return {
        conditions: f"through_{str(conditions[0].values[0]).partition('.')[0]}"
        for conditions, count in counts.items()
        if count > 1 and len(conditions) == 1 and conditions[0].key == "kms:ViaService"
    }


def _locals(shared: Shared) -> Iterator[Block]:
    attributes: dict[str, Expression] = {name: list(actions) for actions, name in shared.actions.items()}
    for conditions, name in shared.conditions.items():
        attributes[name] = Row(_when(conditions))
    if attributes:
        note = (
            "Several may do these alike; a key is used by way of the service whose data it encrypts, and no other"
        )
        yield Block(kind="locals", attributes=attributes, note=note)


def _statement(statement: Statement, shared: Shared) -> Expression:
    actions = shared.actions.get(statement.actions)
    conditions = shared.conditions.get(statement.conditions)
    entry: dict[str, Expression] = {
        "role": statement.principal,
        "actions": Raw(f"local.{actions}") if actions else list(statement.actions),
        "resources": [of_resource(each) for each in statement.resources],
    }
    if statement.conditions:
        entry["when"] = Raw(f"local.{conditions}") if conditions else _when(statement.conditions)
    return entry


def _when(conditions: Conditions) -> Expression:
    """Conditions as IAM nests them: operator, key, values."""
    found: dict[str, dict[str, Expression]] = {}
    for each in conditions:
        values: list[Expression] = [of_resource(value) for value in each.values]
        found.setdefault(each.operator, {})[each.key] = values
    return found


def _role_output(design: Design, principal: str) -> str:
    return "role_name" if isinstance(design.part(principal), Host | HostGroup) else "task_role_name"
