"""The rivals of benchmarks/queues_redis.py: each one's application, as its documentation has it, without results.

Imported by their own worker programs; `QUEUE_REDIS` is the server, `QUEUE_RIVAL` the one that is wanted.
"""

from __future__ import annotations

import os
from typing import Any

from queue_counter import note

URL = os.environ.get("QUEUE_REDIS", "redis://localhost")
RIVAL = os.environ.get("QUEUE_RIVAL", "")

if RIVAL == "taskiq":
    from taskiq_redis import RedisStreamBroker

    taskiq_broker = RedisStreamBroker(url=URL)

    @taskiq_broker.task(task_name="bench")
    async def taskiq_handle(body: str) -> None:
        """A no-op."""
        del body
        note()


if RIVAL == "saq":
    from saq import Queue

    saq_queue = Queue.from_url(URL, name="bench")

    async def saq_handle(_context: Any, *, body: str) -> None:
        """A no-op."""
        del body
        note()

    saq_settings = {
        "queue": saq_queue,
        "functions": [("bench", saq_handle)],
        "concurrency": int(os.environ.get("QUEUE_CONCURRENCY", "10")),
    }


if RIVAL == "streaq":
    from streaq import Worker

    streaq_worker: Any = Worker(redis_url=URL, concurrency=int(os.environ.get("QUEUE_CONCURRENCY", "16")))

    @streaq_worker.task(name="bench", ttl=0)
    async def streaq_handle(body: str) -> None:
        """A no-op, whose result nobody keeps."""
        del body
        note()


if RIVAL == "dramatiq":
    import dramatiq
    from dramatiq.brokers.redis import RedisBroker

    dramatiq_broker = RedisBroker(url=URL)
    dramatiq.set_broker(dramatiq_broker)

    @dramatiq.actor(actor_name="bench", max_retries=0)
    def dramatiq_handle(body: str) -> None:
        """A no-op."""
        del body
        note()


if RIVAL == "celery":
    from celery import Celery

    celery_app = Celery("bench", broker=URL)
    celery_app.conf.update(task_acks_late=True, task_ignore_result=True, worker_prefetch_multiplier=4)

    @celery_app.task(name="bench")
    def celery_handle(body: str) -> None:
        """A no-op."""
        del body
        note()
