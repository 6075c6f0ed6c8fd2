"""Which secrets a machine makes or fetches at its start, as lines of its `rung-secrets`."""

from __future__ import annotations

import re
from collections.abc import Iterator

from rung.compose.brokers import broker_step, brokers
from rung.compose.machine import Machine, is_ours
from rung.compose.stack import OUR_USER, STORE_USER
from rung.compose.values import environment_of
from rung.parts.compute import SecretFile, Stack
from rung.templates import render

_URL = re.compile(r"postgresql://(?P<role>[\w-]+)@(?P<host>[\w.-]+):(?P<port>\d+)/(?P<database>\w+)")


def secret_steps(machine: Machine) -> str:
    """One line for each file."""
    lines = [_step(machine, secret, stack) for secret, stack in machine.secret_files().values()]
    if any(brokers(machine)):
        lines.insert(0, render("rung.compose", "broker-secrets"))
    if machine.part.management == "tailscale":
        lines.append('fetch tailscale-key 0 "$TAILSCALE_KEY_ARN"')
    return "\n".join(line for line in lines if line) or "# Nothing on this machine reads a secret from a file."


def database_roles(stack: Stack) -> Iterator[tuple[str, str, str, str]]:
    """Host, port, database and role of every database that a process reaches by name."""
    seen: dict[tuple[str, str, str, str], None] = {}
    for text in environment_of(stack.container).values():
        for found in _URL.finditer(text):
            seen[(found["host"], found["port"], found["database"], found["role"])] = None
    yield from seen


def _step(machine: Machine, secret: SecretFile, stack: Stack) -> str:
    user = OUR_USER if is_ours(stack) else STORE_USER
    if (line := broker_step(machine, secret, stack, user)) is not None:
        return line
    if secret.part is not None:
        variable = f"{secret.part}_arn".upper().replace("-", "_")
        return f'fetch {secret.name} {user} "${variable}"'
    if not is_ours(stack):
        owner = next(str(each.value) for each in stack.container.variables if each.name == "POSTGRES_USER")
        return f"password {owner} | place {secret.name} {user}"
    entries = " ".join(":".join(each) for each in database_roles(stack))
    return f"passwords {secret.name} {user} {entries}" if entries else ""
