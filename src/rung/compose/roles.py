"""A role for each process of a box, with the grants that the graph's edges give it: its `rung-roles`."""

from __future__ import annotations

from rung.compose.machine import Machine, is_ours
from rung.compose.secret_steps import database_roles
from rung.parts.compute import Stack


def role_steps(machine: Machine) -> str:
    """Both actions: `passwords` before the migrations, `grants` after them."""
    lines = ['case "${1:-}" in', "  passwords)"]
    for stack in machine.databases:
        container, database, owner = _place(stack)
        roles = [role for role in _roles(machine, stack.name) if role != owner]
        lines.append(f"    passwords {' '.join(roles)} | sql {container} {database} {owner}")
    lines += ["    ;;", "  grants)"]
    for stack in machine.databases:
        container, database, owner = _place(stack)
        calls = _grants(machine, stack.name, owner)
        lines += ["    {", *(f"      {call}" for call in calls), f"    }} | sql {container} {database} {owner}"]
    lines += ["    ;;", "  *) echo 'usage: rung-roles passwords|grants' >&2; exit 2 ;;", "esac"]
    return "\n".join(lines)


def _place(stack: Stack) -> tuple[str, str, str]:
    values = {each.name: str(each.value) for each in stack.container.variables}
    return stack.name, values["POSTGRES_DB"], values["POSTGRES_USER"]


def _roles(machine: Machine, database: str) -> list[str]:
    """The roles of every process that reaches the database, in the order of the file."""
    found = (
        role
        for stack in machine.part.stacks
        if is_ours(stack)
        for host, _, _, role in database_roles(stack)
        if host == database
    )
    return list(dict.fromkeys(found))


def _grants(machine: Machine, database: str, owner: str) -> list[str]:
    rights: dict[tuple[str, str], dict[str, None]] = {}
    for grant in machine.design.database_grants:
        if grant.database == database:
            rights.setdefault((grant.role, grant.schema), {}).update(dict.fromkeys(grant.privileges))
    return [
        f"grants {owner} {role} {schema} '{', '.join(allowed)}'" for (role, schema), allowed in rights.items()
    ] or [":"]
