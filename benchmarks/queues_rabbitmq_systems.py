"""The systems of benchmarks/queues_rabbitmq.py, each as `send` or `work`: its own API, durable, confirmed.

python queues_rabbitmq_systems.py SYSTEM send URL TALLY SECONDS
python queues_rabbitmq_systems.py SYSTEM work URL TALLY COUNT
"""

from __future__ import annotations

import asyncio
import json
import mmap
import multiprocessing
import os
import struct
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

CONCURRENCY = 10
BATCH = 100
MESSAGES_MAX = 2_000_000
_TIMES = struct.Struct("=dd")


class Tally:
    """One byte per message and the times of the first and last handler call, in a file that processes share."""

    def __init__(self, path: Path) -> None:
        self.path = path
        if not path.exists():
            with path.open("wb") as file:
                file.truncate(_TIMES.size + MESSAGES_MAX)
        with path.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), 0)
        self._lock = multiprocessing.get_context("fork").Lock()

    def note(self, body: str) -> None:
        """A handler was called."""
        now, place = time.monotonic(), _TIMES.size + int(body[:12])
        with self._lock:
            first, _ = _TIMES.unpack_from(self._map)
            _TIMES.pack_into(self._map, 0, first or now, now)
            self._map[place] += 1

    def wait(self, count: int, *, timeout_seconds: float) -> dict[str, float]:
        """Until all were handled, or the time is up; and a little longer, to see doubles."""
        deadline = time.monotonic() + timeout_seconds
        while time.monotonic() < deadline and self._map.find(b"\0", _TIMES.size) < _TIMES.size + count:
            time.sleep(0.2)
        time.sleep(0.3)
        marks = self._map[_TIMES.size : _TIMES.size + count]
        first, last = _TIMES.unpack_from(self._map)
        done = count - marks.count(0)
        return {"drain/s": (done - 1) / max(last - first, 1e-9), "lost": count - done, "double": sum(marks) - done}


def body_of(number: int) -> str:
    """100 characters that begin with the number."""
    return f"{number:012d} ".ljust(100, "x")


def send_for(seconds: float, send: Callable[[str], object]) -> None:
    """Send one by one for so long; print the rate."""
    count, begun = 0, time.perf_counter()
    while time.perf_counter() - begun < seconds:
        send(body_of(count))
        count += 1
    print(json.dumps({"count": count, "send": count / (time.perf_counter() - begun)}))


async def send_async(
    seconds: float,
    send: Callable[[str], Awaitable[object]],
    send_batch: Callable[[Sequence[str]], Awaitable[object]] | None = None,
) -> None:
    """As `send_for`; then in batches for a third of the time, where there are any."""
    count, begun = 0, time.perf_counter()
    while time.perf_counter() - begun < seconds:
        await send(body_of(count))
        count += 1
    found = {"send": count / (time.perf_counter() - begun)}
    if send_batch is not None:
        single, begun = count, time.perf_counter()
        while time.perf_counter() - begun < seconds / 3:
            await send_batch([body_of(count + offset) for offset in range(BATCH)])
            count += BATCH
        found["batch"] = (count - single) / (time.perf_counter() - begun)
    print(json.dumps({"count": count, **found}))


def rung(action: str, url: str, tally: Path, amount: float) -> None:
    """rung at its defaults."""
    import uvloop

    from rung.runtime.bindings import QueueBinding
    from rung.runtime.queue import Entry, Message, open_queue
    from rung.runtime.worker import Worker, WorkerSettings

    binding = QueueBinding(adapter="rabbitmq", url=url)

    async def sender() -> None:
        queue = open_queue("bench", binding)
        await queue.statistics()
        await send_async(
            amount, queue.send, lambda bodies: queue.send_batch([Entry(body=body) for body in bodies])
        )
        await queue.close()

    async def work() -> None:
        notes = Tally(tally)

        async def handle(message: Message) -> None:
            notes.note(message.body.decode())

        settings = WorkerSettings(name="bench", concurrency=CONCURRENCY)
        worker = Worker(lambda: open_queue("bench", binding), handle, settings)
        asyncio.get_running_loop().add_signal_handler(15, worker.stop)
        await worker.run()

    uvloop.run(sender() if action == "send" else work())


def celery(action: str, url: str, tally: Path, amount: float) -> None:
    """celery with quorum queues, confirms, late acknowledgement; one process with threads."""
    import celery as library
    from kombu import Queue

    app = library.Celery("bench", broker=url)
    app.conf.update(
        task_ignore_result=True,
        task_acks_late=True,
        task_default_queue="celery",
        task_queues=[Queue("celery", queue_arguments={"x-queue-type": "quorum"})],
        broker_transport_options={"confirm_publish": True},
        worker_detect_quorum_queues=True,
        worker_prefetch_multiplier=10,
        worker_hijack_root_logger=False,
        broker_connection_retry_on_startup=True,
    )
    notes = Tally(tally)

    @app.task(name="note", acks_late=True)
    def note(body: str) -> None:
        notes.note(body)

    if action == "send":
        with app.producer_pool.acquire() as producer:
            send_for(amount, lambda body: note.apply_async((body,), producer=producer))
    else:
        flags = ["--loglevel=error", "--without-gossip", "--without-mingle"]
        app.worker_main(["worker", "--pool=threads", f"--concurrency={CONCURRENCY}", *flags])


def dramatiq(action: str, url: str, tally: Path, amount: float) -> None:
    """dramatiq with quorum queues and confirms, in one process."""
    import dramatiq as library
    from dramatiq.brokers.rabbitmq import RabbitmqBroker

    class Quorum(RabbitmqBroker):  # type: ignore[misc]
        def _build_queue_arguments(self, queue_name: str) -> dict[str, object]:
            return {**super()._build_queue_arguments(queue_name), "x-queue-type": "quorum"}

    broker = Quorum(url=url, confirm_delivery=True, middleware=[])
    library.set_broker(broker)
    notes = Tally(tally)

    @library.actor(queue_name="bench")
    def note(body: str) -> None:
        notes.note(body)

    if action == "send":
        send_for(amount, note.send)
        return
    worker = library.Worker(broker, worker_threads=CONCURRENCY)
    worker.start()
    while True:
        time.sleep(3600)


def faststream(action: str, url: str, tally: Path, amount: float) -> None:
    """FastStream with a quorum queue, confirms and acknowledgement after the handler."""
    import uvloop
    from faststream import AckPolicy
    from faststream.rabbit import Channel, QueueType, RabbitBroker, RabbitQueue

    broker = RabbitBroker(url, logger=None, default_channel=Channel(prefetch_count=100))
    queue = RabbitQueue("bench", durable=True, queue_type=QueueType.QUORUM)

    async def sender() -> None:
        async with broker:
            await broker.declare_queue(queue)
            await send_async(amount, lambda body: broker.publish(body, queue, persist=True, mandatory=True))

    async def work() -> None:
        notes = Tally(tally)

        @broker.subscriber(queue, ack_policy=AckPolicy.REJECT_ON_ERROR)
        async def note(body: str) -> None:
            notes.note(body)

        await broker.start()
        await asyncio.Event().wait()

    uvloop.run(sender() if action == "send" else work())


SYSTEMS: dict[str, Callable[[str, str, Path, float], None]] = {
    "rung": rung,
    "celery": celery,
    "dramatiq": dramatiq,
    "faststream": faststream,
}

if __name__ == "__main__":
    os.environ.setdefault("RUNG_LOG_LEVEL", "error")
    SYSTEMS[sys.argv[1]](sys.argv[2], sys.argv[3], Path(sys.argv[4]), float(sys.argv[5]))
