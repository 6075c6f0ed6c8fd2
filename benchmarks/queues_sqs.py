"""The queue on SQS against celery, on moto's server, which keeps everything in memory and serves both alike.

    make benchmark NAME=queues_sqs [ARGUMENTS="--seconds 10 --runs 5 --only rung --json"]

Every system sends 100-byte bodies one by one on one connection for so many seconds; then its own worker program,
one process (celery's default pool: two), works them off with a no-op handler, timed from the first handler call
to the last through shared memory. Every message is counted: lost and double must be 0. No results, no logs. A
server of its own for each run; the order alternates; medians and the spread.

moto is slower than SQS on the same machine, and much nearer: rates compare the two libraries, and say nothing of
SQS itself. `requests/message` is what working off costs in calls, which AWS bills: a single send is one more.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import botocore.session
import uvloop
from queue_kit import Results, System, alternate, program, send_apart, send_for, send_for_sync, table, work_off
from queues import machine

HERE = Path(__file__).parent
EMULATOR = HERE.parent / "tests" / "aws" / "emulator_process.py"
REGION = "eu-central-1"
MEASURES = ("send/s", "send batch/s", "drain/s", "requests/message", "lost", "double")
BODY = "x" * 100


def systems() -> list[System]:
    """celery at its default, and with threads."""
    celery = (program("celery"), "-A", "queue_rivals_sqs:celery_app", "worker", "-l", "ERROR", "--without-gossip",
              "--without-mingle", "--without-heartbeat")  # fmt: skip
    return [
        System(
            name="rung", rival="rung", sender="rung",
            worker=(
                sys.executable, "-m", "rung.runtime.worker", "--name", "bench", "--queue", "bench",
                "--handler", "queue_counter:handle",
            ),
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


async def send_rung(seconds: float) -> dict[str, Any]:
    """One by one; then in batches of 100."""
    from rung.runtime.bindings import QueueBinding, binding
    from rung.runtime.queue import Entry, open_queue

    bench = open_queue("bench", binding("bench", QueueBinding))
    await bench.statistics()
    count, rate = await send_for(seconds, lambda: bench.send(BODY))
    entries = [Entry(body=BODY) for _ in range(100)]
    batches, batch_rate = await send_for(min(1.0, seconds / 4), lambda: bench.send_batch(entries), warm_up=1)
    await bench.close()
    return {"sent": count + 100 * batches, "send/s": rate, "send batch/s": batch_rate * 100}


async def send_celery(seconds: float) -> dict[str, Any]:
    """`delay`."""
    from queue_rivals_sqs import celery_handle

    count, rate = send_for_sync(seconds, lambda: celery_handle.delay(BODY))
    return {"sent": count, "send/s": rate}


SENDERS = {"rung": send_rung, "celery": send_celery}


class Server:
    """moto's server as the tests start it: receipts one at a time, since moto itself may give a message twice."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, str(EMULATOR)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        assert self._process.stdout is not None
        self.place = f"127.0.0.1:{int(self._process.stdout.readline())}"

    def requests(self) -> int:
        """How many calls of AWS it has answered."""
        with urllib.request.urlopen(f"http://{self.place}/test/calls") as answer:
            return len(json.load(answer))

    def stop(self) -> None:
        """End it."""
        self._process.kill()
        self._process.wait()


@contextmanager
def serving() -> Iterator[Server]:
    """An empty server."""
    server = Server()
    try:
        yield server
    finally:
        server.stop()


def _binding(environment: Mapping[str, str]) -> str:
    """A queue and its dead letters, for rung; celery makes its own."""
    from rung.runtime.bindings import QueueBinding, encode

    sqs = botocore.session.get_session().create_client(
        "sqs",
        region_name=REGION,
        endpoint_url=environment["AWS_ENDPOINT_URL"],
        aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
    )
    url, dead = (sqs.create_queue(QueueName=name)["QueueUrl"] for name in ("bench", "bench-dead"))
    places = {"urls": {"default": url}, "dead_letter_urls": {"default": dead}}
    return encode(QueueBinding(adapter="sqs", region=REGION, **places))


def measure(system: System, seconds: float) -> dict[str, Any]:
    """One run of one system."""
    with serving() as server, tempfile.TemporaryDirectory() as folder:
        environment = {
            **os.environ, **dict(system.environment), "PYTHONPATH": str(HERE), "QUEUE_SQS": server.place,
            "QUEUE_COUNTER": folder, "RUNG_LOG_LEVEL": "error", "AWS_ENDPOINT_URL": f"http://{server.place}",
            "AWS_ACCESS_KEY_ID": "benchmark", "AWS_SECRET_ACCESS_KEY": "unused", "AWS_DEFAULT_REGION": REGION,
            "AWS_EC2_METADATA_DISABLED": "true",
        }  # fmt: skip
        environment["RUNG_BINDING_BENCH"] = _binding(environment)
        result = send_apart(__file__, system, environment, Path(folder), seconds)
        before = server.requests()
        result |= work_off(system, environment, Path(folder), result["sent"])
        result["requests/message"] = (server.requests() - before) / result["sent"]
        return result


def main() -> None:
    """Measure and print, or be the sender of a measurement."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=10.0, help="of sending one by one, for each run")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--only", default="", help="only systems with this in their name")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--sender", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.sender:
        print(json.dumps(uvloop.run(SENDERS[options.sender](options.seconds))))
        return
    chosen = [system for system in systems() if options.only in system.name]
    results: Results = {system.name: [] for system in chosen}
    alternate(chosen, results, options.runs, lambda system: measure(system, options.seconds))
    if options.json:
        print(json.dumps({"machine": machine(), "results": results}, indent=2))
    else:
        print(table(results, MEASURES, f"{options.runs} run(s) of {options.seconds:g} s"))


if __name__ == "__main__":
    main()
