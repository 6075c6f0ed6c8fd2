"""Who may talk to whom, and who may do what: two tables about the same parts.

Statements of one role that differ in their resources alone are one statement here, and what another statement
of the role allows already is left out. The right to use a key by way of a service stands in the row of what that
service keeps. Sets of actions that several statements share, and such rights, are written once as locals.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from rung.parts.access import Condition, Statement
from rung.parts.design import Design
from rung.parts.values import Reference
from rung.terraform.hcl import Block, Expression, Noted, Raw, Row, Text
from rung.terraform.homes import Home, listed
from rung.terraform.names import environment_name, of_resource, output, workload_line
from rung.terraform.reach import parties_of, reach
from rung.terraform.setting import Setting

BLOCK = "grants"
VIA_SERVICE = "kms:ViaService"
#: Actions on a key that change nothing.
READING = ("kms:Decrypt",)
Actions = tuple[str, ...]
Conditions = tuple[Condition, ...]
KeyUse = tuple[Actions, Reference | str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """One row: a statement, why it is there, and what its role may do with the key of what it is about."""

    statement: Statement
    reasons: tuple[Statement, ...]
    key: KeyUse | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Shared:
    """What is written once, by the name of its local: sets of actions, and ways to use a key."""

    actions: dict[Actions, str]
    keys: dict[KeyUse, str]


def grants(setting: Setting) -> Iterator[Block]:
    """The locals, then the tables: who may talk to whom, and who may do what."""
    rows, connected = rows_of(setting.design), reach(setting)
    if not rows and not connected:
        return
    shared = Shared(actions=_shared_actions(rows), keys=_shared_keys(rows))
    yield from _locals(shared)
    principals = [row.statement.principal for row in rows]
    arguments: dict[str, Expression] = {
        "name": environment_name(setting.design),
        "parties": [output(name, "party") for name in dict.fromkeys([*parties_of(setting), *principals])],
        **({"allowed": {}} | connected),
        "statements": _table(setting, rows, shared),
    }
    note = "Who may talk to whom, and who may do what, with what of the workload asks for it; the rest is refused"
    yield setting.call(BLOCK, "grants", note, arguments)


def rows_of(design: Design) -> list[Grant]:
    """The rows of the table, role by role."""
    by_principal: dict[str, list[Statement]] = {}
    for each in design.statements:
        by_principal.setdefault(each.principal, []).append(each)
    return [row for statements in by_principal.values() for row in _with_keys(_narrowed(_merged(statements)))]


def _merged(statements: Iterable[Statement]) -> list[Grant]:
    """Those with the same actions and conditions are one."""
    found: dict[object, list[Statement]] = {}
    for each in statements:
        found.setdefault((each.actions, each.conditions), []).append(each)
    return [Grant(statement=_one(group), reasons=tuple(group)) for group in found.values()]


def _one(group: list[Statement]) -> Statement:
    first, *others = group
    resources = tuple(dict.fromkeys(resource for each in group for resource in each.resources))
    targets = dict.fromkeys(each.edge.target for each in others if each.edge)
    suffix = "".join(_words(target) for target in targets if first.edge and target != first.edge.target)
    return replace(first, sid=first.sid + suffix, resources=resources)


def _narrowed(rows: list[Grant]) -> Iterator[Grant]:
    """Without the resources for which another statement of the role allows the same and more."""
    for row in rows:
        resources = tuple(
            each for each in row.statement.resources if not any(_covers(other, row, each) for other in rows)
        )
        if resources:
            yield replace(row, statement=replace(row.statement, resources=resources))


def _covers(other: Grant, row: Grant, resource: Reference | str) -> bool:
    wide, narrow = other.statement, row.statement
    return (
        wide.conditions == narrow.conditions
        and set(wide.actions) > set(narrow.actions)
        and resource in wide.resources
    )


def _with_keys(narrowed: Iterable[Grant]) -> list[Grant]:
    """The use of a key moves into the first row about its service; where there is none it keeps its own."""
    rows = list(narrowed)
    for row in list(rows):
        use = _key_use(row.statement)
        about = use and next((each for each in rows if each.key is None and _service_of(each) == use[2]), None)
        if use and about:
            rows[rows.index(about)] = replace(about, key=use, reasons=(*about.reasons, *row.reasons))
            rows.remove(row)
    return rows


def _key_use(statement: Statement) -> KeyUse | None:
    """What the statement allows on one key by way of one service, if that is what it is about."""
    match statement:
        case Statement(conditions=(Condition(key=condition, values=(str() as service,)),), resources=(key,)) if (
            condition == VIA_SERVICE
        ):
            return statement.actions, key, service.partition(".")[0]
        case _:
            return None


def _service_of(row: Grant) -> str:
    return row.statement.actions[0].partition(":")[0]


def _table(setting: Setting, rows: list[Grant], shared: Shared) -> dict[str, Expression]:
    """A row for each statement; a comment before each that others ask for than asked for the one before it."""
    found: dict[str, Expression] = {}
    subjects = [_subject(row) for row in rows]
    for index, row in enumerate(rows):
        sid = row.statement.sid
        line = Row(_statement(row, shared, setting.homes))
        if index and subjects[index] == subjects[index - 1]:
            note = ""
        else:
            alike = [each for each, subject in zip(rows, subjects, strict=True) if subject == subjects[index]]
            note = _note(setting.design, [reason for each in alike for reason in each.reasons])
        name = sid if sid not in found else f"{sid}Of{_words(row.statement.principal)}"
        found[name] = Noted(note, line) if note else line
    return found


def _subject(row: Grant) -> object:
    """Who asks: the same role, the same nodes of the workload; each reason of the platform's is one of its own."""
    sources = frozenset(each.edge.source for each in row.reasons if each.edge)
    return (row.statement.principal, sources or row.statement.why)


def _note(design: Design, reasons: list[Statement]) -> str:
    """`api: read db, session-key; send orders (workload.py:13)`, or the platform's own reason."""
    verbs: dict[str, dict[str, dict[str, None]]] = {}
    for each in reasons:
        if each.edge is not None:
            verbs.setdefault(each.edge.source, {}).setdefault(each.edge.verb, {})[each.edge.target] = None
    said = [
        f"{source}: " + "; ".join(f"{verb} {', '.join(targets)}" for verb, targets in found.items())
        + workload_line(design, source)
        for source, found in verbs.items()
    ]  # fmt: skip
    return ". ".join([*said, *dict.fromkeys(each.why for each in reasons if each.edge is None)])


def _words(name: str) -> str:
    return "".join(word.capitalize() for word in name.split("-"))


def _shared_actions(rows: list[Grant]) -> dict[Actions, str]:
    """Sets of two actions or more that two statements or more have, by service and verb of the first."""
    counts: Counter[Actions] = Counter(each.statement.actions for each in rows if len(each.statement.actions) > 1)
    names: dict[str, Actions] = {}
    for each in rows:
        actions, edge = each.statement.actions, each.statement.edge
        if counts[actions] > 1 and edge is not None and actions not in names.values():
            names.setdefault(f"{_service_of(each)}_{edge.verb}", actions)
    return {actions: name for name, actions in names.items()}


def _shared_keys(rows: list[Grant]) -> dict[KeyUse, str]:
    """Ways to use a key: `local.sqs_read_key`, and `local.sqs_write_key` where something is encrypted too."""
    names: dict[KeyUse, str] = {}
    for use in dict.fromkeys(row.key for row in rows if row.key):
        name = f"{use[2]}_{'read' if use[0] == READING else 'write'}_key"
        count = sum(each.startswith(name) for each in names.values())
        names[use] = f"{name}_{count + 1}" if count else name
    return names


def _locals(shared: Shared) -> Iterator[Block]:
    attributes: dict[str, Expression] = {name: list(actions) for actions, name in shared.actions.items()}
    for (actions, key, service), name in shared.keys.items():
        through = Text((f"{service}.", Raw("local.region"), ".amazonaws.com"))
        attributes[name] = Row({"arn": of_resource(key), "actions": list(actions), "through": through})
    if attributes:
        note = (
            "Several may do these alike; a key is used by way of the service whose data it encrypts, and no other"
        )
        yield Block(kind="locals", attributes=attributes, note=note)


def _statement(row: Grant, shared: Shared, homes: Mapping[str, Home]) -> Expression:
    statement = row.statement
    actions = shared.actions.get(statement.actions)
    entry: dict[str, Expression] = {
        "role": statement.principal,
        "actions": Raw(f"local.{actions}") if actions else list(statement.actions),
        "resources": listed(statement.resources, homes),
    }
    if row.key:
        entry["key"] = Raw(f"local.{shared.keys[row.key]}")
    return entry | ({"when": _when(statement.conditions)} if statement.conditions else {})


def _when(conditions: Conditions) -> Expression:
    """Conditions as IAM nests them: operator, key, values."""
    found: dict[str, dict[str, Expression]] = {}
    for each in conditions:
        values: list[Expression] = [of_resource(value) for value in each.values]
        found.setdefault(each.operator, {})[each.key] = values
    return found
