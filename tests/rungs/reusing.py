"""A workload that finds everything already there, for tests of designs and of what is written for them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rung import (
    ExistingCache,
    ExistingDatabase,
    ExistingFiles,
    ExistingLoadBalancer,
    ExistingQueue,
    ExistingVpc,
    Workload,
)

OWNER = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:rds!db-owner-AbCdEf"
LOGIN = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:valkey-login-AbCdEf"
KEY = "arn:aws:kms:eu-west-1:123456789012:key/0a1b2c3d-0000-4000-8000-0a1b2c3d4e5f"
QUEUES = "arn:aws:sqs:eu-west-1:123456789012:"
LISTENER = (
    "arn:aws:elasticloadbalancing:eu-west-1:123456789012:listener/app/shared/50dc6c495c0c9188/f2f7dc8efc522ab2"
)
DATABASE = ExistingDatabase(
    host="crm.abcdefghijkl.eu-west-1.rds.amazonaws.com", credentials=OWNER, key_arn=KEY, port=5433,
    security_group="sg-0a1b2c3d4e5f60718", database="crm",
)  # fmt: skip
CACHE = ExistingCache(
    host="master.crm.abcdef.euw1.cache.amazonaws.com", security_group="sg-0a1b2c3d4e5f60719", credentials=LOGIN
)
LANES = (
    ExistingQueue(arn=f"{QUEUES}mail-urgent", lane="urgent", dead_letter_arn=f"{QUEUES}mail-dead", key_arn=KEY),
    ExistingQueue(arn=f"{QUEUES}mail-bulk", lane="bulk"),
)
FILES = ExistingFiles(id="fs-0a1b2c3d4e5f60718", security_group="sg-0a1b2c3d4e5f6071a")
BUS = "arn:aws:events:eu-west-1:123456789012:event-bus/company"


def reusing(places: Mapping[str, Any] | None = None, **environment: Any) -> Workload:
    """`tea` in production, with a VPC, a load balancer, a database, a cache, a queue, a bus and files of others.

    `places` says where the database, the cache, the queue and the files are, by name, in place of those above.
    """
    there = {"db": DATABASE, "cache": CACHE, "mails": LANES, "scans": FILES, **(places or {})}
    work = Workload("tea")
    db = work.postgres("db", migrations="migrations")
    cache = work.cache("cache")
    mails = work.queue("mails", lanes=("urgent", "bulk"))
    scans = work.files("scans", mount="/mnt/scans")
    company = work.bus("company", existing=BUS)
    api = work.service("api", app="tea.api:app", health="/health",
                       uses=[db, cache, mails.send, company.publish, scans])  # fmt: skip
    work.worker("mailer", handler="tea.mail:send", consumes=mails, uses=[db.read], min_tasks=0, compute="lambda")
    work.route("/*", api)
    work.notify("email:oncall@example.com")
    vpc = ExistingVpc(
        vpc_id="vpc-0a1b2c3d", public=("subnet-0a1b2c3a", "subnet-0a1b2c3b"),
        private=("subnet-0a1b2c3c", "subnet-0a1b2c3d"),
    )  # fmt: skip
    work.environment("prod", **{
        "domain": "tea.example.com", "zone": "example.com", "existing_vpc": vpc,
        "existing": {each: there[each.name] for each in (db, cache, mails, scans) if there[each.name] is not None},
        "existing_load_balancer": ExistingLoadBalancer(listener_arn=LISTENER), **environment,
    })  # fmt: skip
    return work
