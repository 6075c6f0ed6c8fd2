"""The brokers of a box: containers with a volume, a password and a limit of their own. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from rung.parts.compute import Container, SecretFile, Stack, Variable
from rung.rungs.brokers import (
    AMQP_PORT,
    REDIS_PORT,
    SECRETS_FOLDER,
    Broker,
    broker_part,
    queues_on,
)
from rung.rungs.setting import Setting

REDIS_IMAGE = "valkey/valkey:8"
#: The version that Amazon MQ offers, so that a workload that climbs finds the same server.
RABBITMQ_IMAGE, RABBITMQ_MIB = "rabbitmq:4.2", 768
#: Two schedulers that do not spin while they wait: the machine is small, and shared.
ERLANG = "+S 2:2 +sbwt none +sbwtdcpu none +sbwtdio none"
#: MiB for messages. Beside them: the copy that rewriting the append-only file takes, and the server itself.
REDIS_DATA_MIB, REDIS_SPARE_MIB = 256, 160
#: Writing its memory to disk in order takes time.
STOP_SECONDS = 60


def broker_stacks(setting: Setting) -> Iterator[Stack]:
    """A container for each broker that a queue names."""
    if queues_on(setting, "redis"):
        yield _redis(setting)
    if queues_on(setting, "rabbitmq"):
        yield _rabbitmq(setting)


def users_file(setting: Setting, broker: Broker) -> SecretFile:
    """The file from which a broker learns who may sign in, made on the machine."""
    name = f"{broker_part(setting, broker)}-users"
    return SecretFile(name=name, path=f"{SECRETS_FOLDER}/{name}")


def _redis(setting: Setting) -> Stack:
    """Valkey that writes each message to its disk before it answers, and refuses what it has no room for."""
    name, users = broker_part(setting, "redis"), users_file(setting, "redis")
    command = (
        "valkey-server", "--aclfile", users.path, "--maxmemory", f"{REDIS_DATA_MIB}mb",
        "--maxmemory-policy", "noeviction", "--appendonly", "yes", "--appendfsync", "always", "--save", "",
    )  # fmt: skip
    container = Container(
        command=command, image=REDIS_IMAGE, memory_mib=REDIS_DATA_MIB + REDIS_SPARE_MIB, port=REDIS_PORT,
        stop_seconds=STOP_SECONDS, secrets=(users,),
    )  # fmt: skip
    return Stack(name=name, role="store", node=queues_on(setting, "redis")[0].name, container=container)


def _rabbitmq(setting: Setting) -> Stack:
    """RabbitMQ without its management. It keeps its messages below its own name, which must therefore stay."""
    name, users = broker_part(setting, "rabbitmq"), users_file(setting, "rabbitmq")
    container = Container(
        command=("rabbitmq-server",), image=RABBITMQ_IMAGE, memory_mib=RABBITMQ_MIB, port=AMQP_PORT,
        stop_seconds=STOP_SECONDS, secrets=(users,),
        variables=(Variable(name="RABBITMQ_NODENAME", value=f"rabbit@{name}"),
                   Variable(name="RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS", value=ERLANG)),
    )  # fmt: skip
    return Stack(name=name, role="store", node=queues_on(setting, "rabbitmq")[0].name, container=container)
