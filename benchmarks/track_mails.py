"""track under load: how long a poll of many pending mails takes, how late it is, how many mails a second are sent.

    python benchmarks/track_mails.py [--mails 100000] [--send 20000] [--organisations 100] [--json]

Everything is real and on this machine: Postgres, Redis, the worker process that sends, the mail server that it
sends to. The mails belong to many organisations and go to many domains. Sending is measured from the first mail
that arrives to the last; the sender's memory is its resident set at its largest.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import secrets
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import asyncpg
import psutil

WORKLOAD = Path(__file__).resolve().parent.parent / "workloads" / "track"
sys.path.insert(0, str(WORKLOAD))

from rung.local.postgres import start_postgres  # noqa: E402
from rung.local.redis import start_redis  # noqa: E402
from rung.runtime import bindings, install_queue, lifespan  # noqa: E402
from rung.runtime.database.tenancy import create_serving_role  # noqa: E402
from rung.runtime.migrations import migrate  # noqa: E402
from rung.runtime.webhooks import install_webhooks  # noqa: E402

PATIENCE_SECONDS = 110.0
LANES = ("system", "transactional", "campaign")

FILL = """
with o as (
    insert into organisations (tenant_id, name)
    select 'bench' || lpad(n::text, 15, '0'), 'Organisation ' || n from generate_series(1, $1::integer) n
    returning tenant_id
), d as (
    insert into directory (tenant, mails_per_minute) select tenant_id, 10000000 from o
)
insert into letters (tenant_id, id, kind, campaign, subject, html, created_by)
select tenant_id, gen_random_uuid(), 'campaign', 'May', 'Hello {{ name }}',
       '<h1>Hello {{ name }}</h1><p>' || repeat('Spring is here. ', 60) || '</p>', 'benchmark' from o
"""
PENDING = """
with m as (
    insert into mails (tenant_id, id, letter_id, recipient, variables, send_at)
    select l.tenant_id, gen_random_uuid(), l.id, 'reader' || n || '@domain' || n % 200 || '.example',
           jsonb_build_object('name', 'Reader ' || n), now()
      from letters l, generate_series(1, $1::integer) n
    returning id, tenant_id, send_at
)
insert into dispatch (mail_id, tenant, lane, due_at) select id, tenant_id, 'campaign', send_at from m
"""


def main() -> int:
    """Measure, print one table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mails", type=int, default=100_000, help="pending when the poll begins")
    parser.add_argument("--send", type=int, default=20_000, help="to be sent")
    parser.add_argument("--organisations", type=int, default=100)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        Path(directory).chmod(0o755)
        postgres = start_postgres(Path(directory) / "postgres", settings={"shared_buffers": "256MB"})
        redis = start_redis(Path(directory) / "redis")
        try:
            found = asyncio.run(_measure(options, Path(directory), postgres.url, redis.url))
        finally:
            redis.stop()
            postgres.stop()
    if options.json:
        print(json.dumps(found, indent=2))
    else:
        for name, value in found.items():
            print(f"{name:<42} {value}")
    return 0


async def _measure(options: argparse.Namespace, directory: Path, url: str, redis: str) -> dict[str, Any]:
    os.environ.update(_bindings(directory, url, redis))
    connection = await asyncpg.connect(url)
    await migrate(url, WORKLOAD / "migrations")
    await create_serving_role(connection, "track_app")
    await install_queue(connection, roles=["track_app"])
    await install_webhooks(connection, roles=["track_app"])
    await connection.execute("set row_security = off")
    await connection.fetch(FILL, options.organisations)
    polled = await _poll(connection, options)
    sent = await _send(connection, options)
    await connection.close()
    return {
        "machine": f"{os.cpu_count()} processors, Python {sys.version.split()[0]}",
        "organisations": options.organisations, **polled, **sent,
    }  # fmt: skip


def _bindings(directory: Path, url: str, redis: str) -> dict[str, str]:
    found: dict[str, Any] = {
        "db": bindings.PostgresBinding(url=url, serving_role="track_app", tenant_scoped=True),
        "cache": bindings.CacheBinding(url=redis),
        "mails": bindings.QueueBinding(url=url, lanes=LANES, max_receive_count=8),
        "stripe-events": bindings.QueueBinding(url=url),
        "deliveries": bindings.QueueBinding(url=url),
    }
    for name in ("session-key", "data-key"):
        path = directory / name
        path.write_text(secrets.token_urlsafe(32))
        found[name] = bindings.SecretBinding(path=str(path))
    return {bindings.variable_name(name): bindings.encode(one) for name, one in found.items()}


async def _fill(connection: asyncpg.Connection, mails: int, organisations: int) -> None:
    await connection.execute(PENDING, -(-mails // organisations), timeout=100)
    await connection.execute("analyze mails; analyze dispatch")


async def _poll(connection: asyncpg.Connection, options: argparse.Namespace) -> dict[str, Any]:
    from track.mails import poll
    from track.resources import outgoing

    await _fill(connection, options.mails, options.organisations)
    began, first, rounds = time.perf_counter(), 0.0, 0
    claim = poll.claim

    async def timed(*arguments: Any) -> Any:
        nonlocal first, rounds
        rows = await claim(*arguments)
        first = first or time.perf_counter() - began
        rounds += 1
        return rows

    poll.claim = timed
    await poll.run()
    seconds = time.perf_counter() - began
    left = await connection.fetchval("select count(*) from dispatch")
    messages = (await outgoing.statistics()).ready
    await connection.execute("truncate dispatch, mails cascade")
    while taken := await outgoing.receive(max_messages=100):
        await outgoing.acknowledge(taken)
    await outgoing.close()
    await lifespan.close_all()
    return {
        "poll: pending mails": options.mails, "poll: left": left, "poll: messages": messages,
        "poll: seconds in all": round(seconds, 2), "poll: first batch queued after seconds": round(first, 3),
        "poll: mails per second": round(options.mails / seconds),
    }  # fmt: skip


async def _send(connection: asyncpg.Connection, options: argparse.Namespace) -> dict[str, Any]:
    from track.mails import poll
    from track.resources import outgoing

    await _fill(connection, options.send, options.organisations)
    wanted = await connection.fetchval("select count(*) from dispatch")
    await poll.run()
    await outgoing.close()
    await lifespan.close_all()
    inbox = subprocess.Popen(  # noqa: ASYNC220 - nothing else runs in this loop
        [sys.executable, "-m", "rung.runtime.serve", "--app", "track.inbox.app:app", "--host", "127.0.0.1",
         "--port", "18725", "--workers", "1", "--name", "inbox"],
        cwd=WORKLOAD, stdout=subprocess.DEVNULL, env={**os.environ, "PYTHONPATH": str(WORKLOAD)},
    )  # fmt: skip
    variables = {
        **os.environ, "PYTHONPATH": str(WORKLOAD), "TRACK_DOMAIN_PER_SECOND": "1000000",
        bindings.variable_name("inbox"): bindings.encode(bindings.ServiceBinding(url="http://127.0.0.1:18725")),
    }  # fmt: skip
    try:
        await _until_answered("http://127.0.0.1:18725/api/inbox/smtp")
        sender = subprocess.Popen(  # noqa: ASYNC220 - as above
            [sys.executable, "-m", "rung.runtime.worker", "--name", "sender", "--queue", "mails", "--handler",
             "track.mails.sender:handle", "--concurrency", "8"],
            cwd=WORKLOAD, stdout=subprocess.DEVNULL, env=variables,
        )  # fmt: skip
        try:
            return await _watch(connection, sender.pid, inbox.pid, wanted)
        finally:
            sender.terminate()
            sender.wait(30)
    finally:
        inbox.terminate()
        inbox.wait(30)


async def _watch(connection: asyncpg.Connection, sender: int, inbox: int, wanted: int) -> dict[str, Any]:
    largest, process, deadline = 0, psutil.Process(sender), time.monotonic() + PATIENCE_SECONDS
    while await connection.fetchval("select count(*) from mails where state = 'sent'") < wanted:
        largest = max(largest, process.memory_info().rss)
        if time.monotonic() > deadline:
            break
        await asyncio.sleep(0.25)
    row = await connection.fetchrow(
        """select count(*) as sent, min(sent_at) as first, max(sent_at) as last, count(distinct provider_id) as ids
             from mails where state = 'sent'"""
    )
    cpu = process.cpu_times()
    seconds = (row["last"] - row["first"]).total_seconds()
    per_second = await connection.fetch(
        """select count(*) as mails from mails where state = 'sent' group by date_trunc('second', sent_at)"""
    )
    return {
        "send: mails": row["sent"], "send: mails in the inbox": row["ids"], "send: seconds": round(seconds, 2),
        "send: mails per second": round(row["sent"] / seconds),
        "send: median second": statistics.median(each["mails"] for each in per_second),
        "send: largest memory of the sender, MB": round(largest / 1e6),
        "send: sender's processor, ms per mail": round((cpu.user + cpu.system) * 1000 / row["sent"], 3),
    }  # fmt: skip


async def _until_answered(url: str) -> None:
    import urllib.request

    for _ in range(200):
        try:
            await asyncio.to_thread(urllib.request.urlopen, url, None, 1)
        except OSError:
            await asyncio.sleep(0.1)
        else:
            return
    raise SystemExit("the inbox does not answer")


if __name__ == "__main__":
    sys.exit(main())
