"""Whether a queue is on the server, asked without making it: any other connection declares what it needs."""

from __future__ import annotations

import asyncio

import aiormq
from aiormq.abc import AbstractConnection
from aiormq.exceptions import ChannelNotFoundEntity

from rung.runtime.bindings import QueueBinding
from rung.runtime.queue.rabbitmq.link import CONNECT_SECONDS, FAILURES, unavailable
from rung.runtime.queue.rabbitmq.topology import Topology


async def missing_queues(name: str, binding: QueueBinding) -> list[str]:
    """Of the queues of all lanes and of their dead letters, those that are not there. Raises UnavailableError."""
    topology = Topology(name, binding.lanes, binding.retention_seconds, workload=binding.workload)
    names = [queue for lane in topology.lanes for queue in (topology.queue(lane), topology.dead(lane))]
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            connection = await aiormq.connect(binding.url)
        try:
            return [queue for queue in names if not await _is_there(connection, queue)]
        finally:
            await connection.close()
    except FAILURES as error:
        raise unavailable("looking for the queue", error) from error


async def _is_there(connection: AbstractConnection, queue: str) -> bool:
    channel = await connection.channel()  # each answer "not found" closes one
    try:
        await channel.queue_declare(queue, passive=True)
    except ChannelNotFoundEntity:
        return False
    await channel.close()
    return True
