"""The queue on Redis against taskiq, streaq, saq, dramatiq and celery, on one server with one durability.

    python benchmarks/queues_redis.py [--seconds 10] [--runs 5] [--fsync everysec|always] [--only rung] [--json]

Every system sends 100-byte bodies one by one on one connection for so many seconds, asyncio's on uvloop; then its
own worker program, one process (celery's default pool: two), drains them with a no-op handler, timed from the
first handler call to the last through shared memory. Every message is counted: lost and double must be 0. No
results, no logs. The order alternates; medians and the spread.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import redis
import uvloop
from queue_kit import Results, System, alternate, program, send_apart, send_for, send_for_sync, table, work_off
from queues import machine

from rung.local.redis import QUEUE_SETTINGS, start_redis

HERE = Path(__file__).parent
MEASURES = ("send/s", "send batch/s", "drain/s", "lost", "double")
BODY = "x" * 100


def systems() -> list[System]:
    """All that are compared: each at its default, and where its documentation names a faster way, by that."""
    module = "queue_rivals_redis"
    worker = (
        sys.executable, "-m", "rung.runtime.worker", "--name", "bench", "--queue", "bench",
        "--handler", "queue_counter:handle",
    )  # fmt: skip
    dramatiq = (program("dramatiq"), module, "--queues", "default")
    celery = (program("celery"), "-A", f"{module}:celery_app", "worker", "-l", "ERROR", "--without-gossip",
              "--without-mingle", "--without-heartbeat")  # fmt: skip
    taskiq = (program("taskiq"), "worker", f"{module}:taskiq_broker", "--workers", "1", "--log-level", "ERROR")
    return [
        System(name="rung", rival="rung", sender="rung", worker=worker),
        System(
            name="rung, 100 tenants in turn", rival="rung", sender="rung_in_turn",
            environment=(("QUEUE_FAIR", "1"),), worker=worker,
        ),
        System(
            name="taskiq, 10 at once", rival="taskiq", sender="taskiq", worker=(*taskiq, "--max-async-tasks", "10")
        ),
        System(name="taskiq (default)", rival="taskiq", sender="taskiq", worker=taskiq),
        System(
            name="streaq, 100 at once", rival="streaq", sender="streaq",
            environment=(("QUEUE_CONCURRENCY", "100"),),
            worker=(program("streaq"), "run", f"{module}:streaq_worker"),
        ),
        System(
            name="saq (default)", rival="saq", sender="saq",
            worker=(program("saq"), f"{module}.saq_settings", "--quiet"),
        ),
        System(
            name="dramatiq, 8 threads (default)", rival="dramatiq", sender="dramatiq",
            worker=(*dramatiq, "-p", "1", "-t", "8"),
        ),
        System(
            name="celery, prefork 2 (default)", rival="celery", sender="celery",
            worker=(*celery, "--pool", "prefork", "-c", "2"),
        ),
        System(
            name="celery, 10 threads", rival="celery", sender="celery",
            worker=(*celery, "--pool", "threads", "-c", "10"),
        ),
    ]  # fmt: skip


async def send_rung(url: str, seconds: float, *, tenants: int = 0) -> dict[str, Any]:
    """One by one; then in batches of 100. With `tenants` for each of them in turn, to a queue that is fair."""
    from rung.runtime.bindings import QueueBinding
    from rung.runtime.context import TENANT_HEADER
    from rung.runtime.queue import Entry, open_queue

    queue = open_queue("bench", QueueBinding(adapter="redis", url=url, fair=tenants > 0))
    await queue.statistics()
    whose = itertools.cycle([{TENANT_HEADER: f"tenant{number}"} for number in range(tenants)] or [{}])
    count, rate = await send_for(seconds, lambda: queue.send(BODY, headers=next(whose)))
    entries = [Entry(body=BODY, headers=next(whose)) for _ in range(100)]
    batches, batch_rate = await send_for(min(1.0, seconds / 4), lambda: queue.send_batch(entries))
    await queue.close()
    return {"sent": count + 100 * batches, "send/s": rate, "send batch/s": batch_rate * 100}


async def send_rung_in_turn(url: str, seconds: float) -> dict[str, Any]:
    """See `send_rung`."""
    return await send_rung(url, seconds, tenants=100)


async def send_taskiq(url: str, seconds: float) -> dict[str, Any]:
    """`kiq`."""
    del url
    from queue_rivals_redis import taskiq_broker, taskiq_handle

    await taskiq_broker.startup()
    count, rate = await send_for(seconds, lambda: taskiq_handle.kiq(BODY))
    await taskiq_broker.shutdown()
    return {"sent": count, "send/s": rate}


async def send_saq(url: str, seconds: float) -> dict[str, Any]:
    """`enqueue`."""
    del url
    from queue_rivals_redis import saq_queue

    count, rate = await send_for(seconds, lambda: saq_queue.enqueue("bench", body=BODY))
    await saq_queue.disconnect()
    return {"sent": count, "send/s": rate}


async def send_streaq(url: str, seconds: float) -> dict[str, Any]:
    """`enqueue`, and `enqueue_many` of 100."""
    del url
    from queue_rivals_redis import streaq_handle, streaq_worker

    async def one() -> None:
        await streaq_handle.enqueue(BODY)

    async def many() -> None:
        await streaq_worker.enqueue_many([streaq_handle.enqueue(BODY) for _ in range(100)])

    async with streaq_worker:
        count, rate = await send_for(seconds, one)
        batches, batch_rate = await send_for(min(1.0, seconds / 4), many)
    return {"sent": count + 100 * batches, "send/s": rate, "send batch/s": batch_rate * 100}


async def send_dramatiq(url: str, seconds: float) -> dict[str, Any]:
    """`send`."""
    del url
    from queue_rivals_redis import dramatiq_handle

    count, rate = send_for_sync(seconds, lambda: dramatiq_handle.send(BODY))
    return {"sent": count, "send/s": rate}


async def send_celery(url: str, seconds: float) -> dict[str, Any]:
    """`delay`."""
    del url
    from queue_rivals_redis import celery_handle

    count, rate = send_for_sync(seconds, lambda: celery_handle.delay(BODY))
    return {"sent": count, "send/s": rate}


SENDERS = {
    "rung": send_rung, "rung_in_turn": send_rung_in_turn, "taskiq": send_taskiq, "saq": send_saq,
    "streaq": send_streaq, "dramatiq": send_dramatiq, "celery": send_celery,
}  # fmt: skip


def measure(system: System, url: str, options: argparse.Namespace) -> dict[str, Any]:
    """One run of one system on an empty server."""
    redis.Redis.from_url(url).flushall()
    from rung.runtime.bindings import QueueBinding, encode

    with tempfile.TemporaryDirectory() as folder:
        environment = {
            **os.environ, **dict(system.environment), "PYTHONPATH": str(HERE), "QUEUE_REDIS": url,
            "QUEUE_RIVAL": system.rival, "QUEUE_COUNTER": folder, "RUNG_LOG_LEVEL": "error",
            "RUNG_BINDING_BENCH": encode(
                QueueBinding(adapter="redis", url=url, fair="QUEUE_FAIR" in dict(system.environment))
            ),
        }  # fmt: skip
        result = send_apart(__file__, system, environment, Path(folder), options.seconds)
        return {**result, **work_off(system, environment, Path(folder), result["sent"])}


def run(options: argparse.Namespace) -> Results:
    """All systems, in alternating order, on one server."""
    chosen = [system for system in systems() if options.only in system.name]
    results: Results = {system.name: [] for system in chosen}
    with tempfile.TemporaryDirectory() as folder:
        settings = {**QUEUE_SETTINGS, "appendfsync": options.fsync, "maxmemory": "1gb"}
        server = start_redis(Path(folder) / "redis", settings=settings)
        try:
            alternate(chosen, results, options.runs, lambda system: measure(system, server.url, options))
        finally:
            server.stop()
    return results


def main() -> None:
    """Measure and print, or be the sender of a measurement."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=10.0, help="of sending one by one, for each run")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--fsync", choices=("everysec", "always"), default="everysec")
    parser.add_argument("--only", default="", help="only systems with this in their name")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--sender", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.sender:
        print(json.dumps(uvloop.run(SENDERS[options.sender](os.environ["QUEUE_REDIS"], options.seconds))))
        return
    results = run(options)
    if options.json:
        print(json.dumps({"machine": machine(), "results": results}, indent=2))
    else:
        how = f"{options.runs} run(s) of {options.seconds:g} s, appendfsync {options.fsync}"
        print(table(results, MEASURES, how))


if __name__ == "__main__":
    main()
