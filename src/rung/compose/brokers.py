"""The containers of a machine that carry queues: their services, folders and passwords."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rung.compose.machine import Machine, is_ours
from rung.compose.values import environment_of
from rung.model.nodes import Queue
from rung.parts.compute import SecretFile, Stack

#: Where each broker keeps its messages in its container.
_KEPT_IN = {"redis": "/data", "rabbitmq": "/var/lib/rabbitmq"}
#: RabbitMQ's own check starts a second Erlang, every time: that its port opens says as much.
_CHECKS = {
    "redis": ["valkey-cli", "-e", "ping"],
    "rabbitmq": ["bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/5672"],
}
_RABBITMQ_SETTINGS = "/etc/rabbitmq/conf.d/20-rung.conf"
LOGIN, USERS = "-login", "-users"


def broker_of(machine: Machine, stack: Stack) -> str | None:
    """The broker that the container is; None for every other container."""
    node = machine.graph.by_name.get(stack.node)
    if stack.role != "store" or not isinstance(node, Queue):
        return None
    return node.broker


def brokers(machine: Machine) -> Iterator[tuple[Stack, str]]:
    """Each container that carries queues, and which broker it is."""
    for stack in machine.part.stacks:
        if (broker := broker_of(machine, stack)) is not None:
            yield stack, broker


def broker_service(stack: Stack, broker: str, data: str) -> dict[str, Any]:
    """What compose is told of it beyond what holds for every store. `data`: the machine's data volume."""
    check = {"test": ["CMD", *_CHECKS[broker]], "interval": "10s", "timeout": "5s", "retries": 5}
    files = [secret.name for secret in stack.container.secrets]
    own: dict[str, Any] = {"secrets": files}
    if broker == "rabbitmq":
        own = {
            "hostname": stack.name,
            "environment": dict(environment_of(stack.container)),
            "secrets": [{"source": name, "target": _RABBITMQ_SETTINGS} for name in files],
            "tmpfs": ["/tmp"],  # noqa: S108 - a folder in the container's memory
        }
    return {
        "command": list(stack.container.command),
        "healthcheck": {**check, "start_period": "60s"},
        "volumes": [f"{data}/{stack.name}:{_KEPT_IN[broker]}"],
        **own,
    }


def broker_step(machine: Machine, secret: SecretFile, stack: Stack, user: int) -> str | None:
    """The line of `rung-secrets` that makes the file; None when it is no broker's."""
    for store, broker in brokers(machine):
        if is_ours(stack) and secret.name == f"{store.name}{LOGIN}":
            return f"login {secret.name} {user} {store.name}"
        if stack.name == store.name and secret.name == f"{store.name}{USERS}":
            return f"{broker}_users {secret.name} {user} {store.name}"
    return None
