"""Every finding is raised by a workload that deserves it, and is gone once its own cure is in the file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from tests.review.conftest import priced, reviewed

from rung.model.graph import Graph
from rung.price.book import PriceBook
from rung.review import apply, review, rules
from rung.rungs import place

Written = Callable[..., Graph]


@dataclass(frozen=True)
class Case:
    """The lines that deserve the finding, where it stands, words of it, and what the cure says to write."""

    code: str
    node: str
    words: str
    cure: str
    environment: str = "prod"
    lines: dict[str, str] = field(default_factory=dict)


def case(code: str, node: str, words: str, cure: str, environment: str = "prod", **lines: str) -> Case:
    return Case(code, node, words, cure, environment, lines)


def traffic(text: str) -> str:
    return f"w.traffic(Traffic({text}))"


def promised(availability: str, p99: str = "300ms") -> str:
    return f'w.objectives(Objectives(availability="{availability}", p99="{p99}"))'


def service(text: str, uses: str = "db") -> str:
    return f'api = w.service("api", app="atlas.api:app", health="/health", uses=[{uses}], {text})'


def queue(text: str = "", worker: str = "", uses: str = "db") -> str:
    """A queue that the API fills, and its worker."""
    queue = f'q = w.queue("mails"{text and f", {text}"})\n'
    return (
        f'{queue}w.use(api, q.send)\nw.worker("mailer", handler="atlas.mail:send", consumes=q, uses=[{uses}]'
        f"{worker and f', {worker}'})"
    )


PATIENT = "max_receive_count=10, lanes=('interactive', 'bulk')"
STRIPE = 'pay = w.external("api.stripe.com", port=443)'
CROWD = "concurrent_users=10_000, think_time='10s', reads=0.9"
RICH = "w.business(Business(monthly_budget_usd=20_000, monthly_revenue_usd=200_000, engineers=4))"

CASES = (
    case("R1401", "prod", "none", 'environment("staging", rung="fargate", scale=0.25)', staging=""),
    case("R1402", "prod", "staging on box", 'environment("staging", ..., rung="fargate")',
         staging='w.environment("staging", rung="box")'),
    case("R1403", "email:a@example.com", "44 minutes", 'notify("pagerduty:',
         notify='w.notify("email:a@example.com")'),
    case("R1404", "@workload", "no repository=", 'repository="example/atlas"', workload='w = Workload("atlas")'),
    case("R1405", "api", "no availability", 'objectives(Objectives(availability="99.5%"', objectives=""),
    case("R1406", "prod", "no domain=", 'domain="atlas.example.com", zone="example.com"',
         prod='w.environment("prod", rung={rung!r})'),
    case("R1407", "@objectives", "2 engineers", 'availability="99.9%"', objectives=promised("99.95%"),
         business="w.business(Business(monthly_budget_usd=2_000, monthly_revenue_usd=20_000, engineers=2))"),
    case("R1408", "api", "log_days=7", 'sizes={api: {"log_days": 90}}', in_prod='sizes={api: {"log_days": 7}}'),
    case("R1409", "@business", "2 engineers for 2 processes", 'rung="fargate"', rung="eks",
         business="w.business(Business(monthly_budget_usd=1_000, monthly_revenue_usd=20_000, engineers=2))"),
    case("R1411", "api", '"load-balancer" has no certificate', 'domain="atlas.example.com"',
         prod='w.environment("prod", rung={rung!r}, distribution=False)'),
    case("R1412", "api", "firewall=False", "firewall=True", in_prod="firewall=False"),
    case("R1413", "@traffic", "0.7 of them", '"requests_per_five_minutes": 30000',
         traffic=traffic("concurrent_users=20, think_time='100ms'")),
    case("R1414", "key", "only mailer uses it", 'rung="fargate"', rung="host",
         extra='key = w.secret("key", rotate_days=90)',
         more=queue(PATIENT, uses="db, key")),
    case("R1415", "@workload", "flow_log_days=1", '"flow_log_days": 90',
         in_prod='sizes={"network": {"flow_log_days": 1}}'),
    case("R1416", "smtp-example-com", "SMTP", 'external("smtp-example-com", ..., port=465)',
         extra='pay = w.external("smtp.example.com", port=25)', api=service("min_tasks=2, deadline='5s'",
         "db, pay")),
    case("R1417", "prod", "0 external hosts", 'nat="none"', in_prod='nat="single"'),
    case("R1418", "db", "protected=False", '"protected": True', in_prod='sizes={db: {"protected": False}}'),
    case("R1419", "old", "masks key", 'app="atlas.old:app"', extra='key = w.secret("key", rotate_days=90)',
         more='old = w.service("old", command="gunicorn old", port=8000, health="/", uses=[key], min_tasks=2)\n'
         'w.route("/old/*", old)'),
    case("R1421", "api", "80% is refused", '"min_tasks": 24', traffic=traffic(
        "concurrent_users=5_000, think_time='10s', peak=10, reads=0.9"), business=RICH,
        in_prod='sizes={db: {"max_acu": 64}}',
        api=service("min_tasks=2, max_tasks=60, cpu=1"),
         db='db = w.postgres("db", max_connections=800, pool_size=4)'),
    case("R1422", "api", "cannot serve the peak", '"max_tasks": 24', traffic=traffic(
        "concurrent_users=5_000, think_time='10s', peak=10, reads=0.9"), business=RICH,
        api=service("min_tasks=20, max_tasks=20, cpu=1"),
         db='db = w.postgres("db", max_connections=800, pool_size=4)'),
    case("R1423", "api", "2 zones", '"min_tasks"', traffic=traffic("concurrent_users=20_000, think_time='10s'"),
         api=service("min_tasks=14, max_tasks=40, cpu=1"), business=RICH, in_prod='sizes={db: {"max_acu": 64}}'),
    case("R1424", "db", "all of 3,000", '"max_acu": 16', traffic=traffic(f"{CROWD}, peak=3"), business=RICH,
         in_prod='sizes={db: {"max_acu": 8}}', api=service("min_tasks=20, max_tasks=40, cpu=1")),
    case("R1424", "db", "db.t4g", '"instance_class": "db.m7g.xlarge"', traffic=traffic(f"{CROWD}, peak=3"),
         in_prod='sizes={db: {"instance_class": "db.t4g.large"}}', business=RICH, rung="host"),
    case("R1425", "db", "answers none", '"max_acu": 8', traffic=traffic(f"{CROWD}, peak=1"), business=RICH,
         extra='cache = w.cache("cache")', api=service("min_tasks=10, cpu=1, max_tasks=20", "db, cache"),
         in_prod='sizes={db: {"max_acu": 4}}'),
    case("R1426", "db", "2 x 30 x 8 (api)", '"max_connections": 500', api=service("min_tasks=2, max_tasks=30"),
         db='db = w.postgres("db", max_connections=300)'),
    case("R1427", "mailer", "1 task handles 10", '"min_tasks": 4', business=RICH,
         traffic="w.traffic(Traffic(concurrent_users=200, think_time='10s', peak=3, messages={q: 10}))",
         more=queue(PATIENT, "acceptable_latency='30s', processing_time='1s'")),
    case("R1428", "@traffic", "refuses 50% of the peak", '"requests_per_second": 800', business=RICH,
         rung="serverless",
         traffic=traffic("concurrent_users=200, think_time='1s', peak=3"),
         in_prod='sizes={"http-api": {"requests_per_second": 300}}'),
    case("R1431", "db", "back after about 10 minutes", '"readers": 1', objectives=promised("99.95%"),
         in_prod='sizes={db: {"readers": 0}}'),
    case("R1431", "db", "multi_zone=False", '"multi_zone": True', rung="host",
         in_prod='sizes={db: {"multi_zone": False}}'),
    case("R1432", "prod", "api.stripe.com is reached", 'nat="per_zone"', extra=STRIPE, in_prod='nat="single"',
         api=service("min_tasks=2, deadline='5s'", "db, pay"), objectives=promised("99.95%")),
    case("R1433", "@objectives", "35 minutes", 'rung="host"', rung="box"),
    case("R1434", "db", "backup_hours=24, $658", '"backup_hours": 1', rung="box", objectives=promised("95%"),
         in_prod='sizes={"box": {"backup_hours": 24}}'),
    case("R1435", "mails", "a failover of db", "max_receive_count=7", more=queue("lanes=('a', 'b')")),
    case("R1435", "mails", "an outage of api-stripe-com", "max_receive_count=9", extra=STRIPE,
         more=queue("lanes=('a', 'b')", uses="pay")),
    case("R1436", "mails", "retention 1 day", 'retention="7 days"', more=queue(PATIENT + ", retention='1 day'")),
    case("R1437", "api", "promised is a p99 of 300 ms", 'deadline="3 seconds"', extra=STRIPE,
         api=service("min_tasks=8, max_tasks=8, cpu=1", "db, pay"), business=RICH,
         traffic=traffic("concurrent_users=10_000, think_time='10s', reads=0.9"),
         in_prod='sizes={db: {"max_acu": 64}}'),
    case("R1438", "api", "origin_seconds=30, deadline 1 minute", 'deadline="30 seconds"',
         api=service("min_tasks=2, deadline='1 minute'")),
    case("R1439", "cache", "noeviction", 'eviction="allkeys-lru"', api=service("min_tasks=2", "db, cache"),
         extra='cache = w.cache("cache", eviction="noeviction")'),
    case("R1440", "db", "max_storage_gib=20", '"max_storage_gib": 100', rung="host",
         in_prod='sizes={db: {"max_storage_gib": 20}}'),
    case("R1440", "db", "storage=60 GiB", '"data_gib": 112', rung="box", db='db = w.postgres("db", storage=60)',
         in_prod='sizes={"box": {"data_gib": 60}}'),
    case("R1441", "@workload", "disk_alarm_percent=95", '"disk_alarm_percent": 70', rung="host",
         in_prod='sizes={"hosts": {"disk_alarm_percent": 95}}'),
    case("R1442", "db", "of db", '"restore_test": True', in_prod='sizes={"backup": {"restore_test": False}}'),
    case("R1443", "files", "written by api", "versioned=True", api=service("min_tasks=2", "db, files"),
         extra='files = w.bucket("files", versioned=False, expire_days=30)'),
    case("R1444", "back", "called by api", '"min_tasks": 2', api=service("min_tasks=2", "db, back.call"),
         extra='back = w.service("back", app="atlas.back:app", health="/health")'),
    case("R1445", "@objectives", "99.97 % one after", 'availability="99.95%"', objectives=promised("99.99%")),
    case("R1446", "cache", "nodes=1", '"nodes": 2', api=service("min_tasks=2", "db, cache"),
         extra='cache = w.cache("cache")', in_prod='sizes={cache: {"nodes": 1}}'),
    case("R1447", "api", "min_hosts=1", '"min_hosts": 2', rung="host",
         in_prod='sizes={"hosts": {"min_hosts": 1}}'),
    case("R1448", "mails", "1 lane for every tenant", 'lanes=("interactive", "bulk")',
         more=queue("max_receive_count=10"),
         db='db = w.postgres("db", max_connections=400, tenancy=rls("tenant_id"))'),
    case("R1451", "api", "no traffic(...)", "traffic(Traffic(", traffic=""),
    case("R1452", "api", "90% of 3,000", 'cache("cache"), in the uses of api', traffic=traffic(f"{CROWD}, peak=3"),
         api=service("min_tasks=20, max_tasks=40, cpu=1"), business=RICH),
    case("R1453", "prod", "10,000 users", "distribution=True", in_prod="distribution=False",
         traffic=traffic(CROWD), business=RICH),
    case("R1454", "api", "t4g.", '"instance_type": "m7g.xlarge"', rung="host",
         traffic=traffic("concurrent_users=3_000, think_time='10s'"), business=RICH,
         in_prod='sizes={"hosts": {"instance_type": "t4g.medium"}}'),
    case("R1454", "db", "db.t4g.micro", '"instance_class": "db.m7g.large"', rung="host", business=RICH,
         db='db = w.postgres("db", pool_size=2)',
         traffic=traffic("concurrent_users=3_000, think_time='10s'"),
         in_prod='sizes={db: {"instance_class": "db.t4g.micro"}, "hosts": {"instance_type": "m7g.xlarge"}}'),
    case("R1455", "db", "min_acu=0", '"min_acu": 0.5', in_prod='sizes={db: {"min_acu": 0}}'),
    case("R1456", "mailer", "concurrency=20, pool_size=8, 2 s each; the last waits 4 s", "concurrency=8",
         more=queue(PATIENT, "concurrency=20, processing_time='2s'")),
    case("R1457", "db", "statement_timeout 1 minute", 'statement_timeout="30 seconds"',
         db='db = w.postgres("db", max_connections=400, statement_timeout="1 minute")'),
    case("R1458", "mails", "900 messages/s", 'queue("mails", ..., broker=None)', business=RICH,
         traffic="w.traffic(Traffic(concurrent_users=200, think_time='10s', peak=3, messages={q: 300}))",
         more=queue(PATIENT + ", broker='postgres'")),
    case("R1459", "tidy", "tidy, bill, mail at cron 0 3", 'cron="10 3 * * *"', more="\n".join(
        f'w.schedule("{name}", cron="0 3 * * *", handler="atlas.{name}:run", uses=[db])' for name in ("tidy",
         "bill", "mail"))),
    case("R1460", "tidy", "87,600 starts", 'every="5 minutes"', more="\n".join(
        f'w.schedule("{name}", every="1 minute", deadline="30s", handler="atlas.{name}:run", uses=[db])'
        for name in ("tidy", "bill"))),
    case("R1461", "api", "30 environments at the peak", '"provisioned_concurrency": 30', rung="serverless",
         traffic=traffic("concurrent_users=2_000, think_time='10s', peak=3"), business=RICH),
    case("R1471", "@business", "a budget of $50", "monthly_budget_usd=",
         business="w.business(Business(monthly_budget_usd=50, monthly_revenue_usd=20_000, engineers=4))"),
    case("R1472", "@workload", "no monthly_budget_usd", "monthly_budget_usd=", business=""),
    case("R1473", "db", "with everything at its most", '"max_acu"',
         in_prod='sizes={db: {"max_acu": 128}}'),
    case("R1474", "staging", "168 hours", "office_hours=OfficeHours()", "staging",
         staging='w.environment("staging", rung="fargate")'),
    case("R1475", "staging", 'nat="single": 1 gateway', 'nat="instance"', "staging", in_staging='nat="single"'),
    case("R1476", "@workload", "5 endpoints in 2 zones", '"interface_endpoints": ()', extra=STRIPE,
         api=service("min_tasks=2, deadline='5s'", "db, pay"), more=queue(PATIENT)),
    case("R1477", "files", "every version of every object", "archive_days=90", extra='files = w.bucket("files")',
         api=service("min_tasks=2", "db, files")),
    case("R1481", "api", 'architecture="x86_64": api', '"architecture": "arm64"',
         in_prod='sizes={api: {"architecture": "x86_64"}}'),
    case("R1482", "api", "12 tasks at least", '"min_tasks": 2', api=service("min_tasks=12, max_tasks=12")),
    case("R1483", "mailer", "36.0 messages an hour", '"min_tasks": 0',
         traffic="w.traffic(Traffic(concurrent_users=200, think_time='10s', peak=3, messages={q: 0.01}))",
         more=queue(PATIENT, "processing_time='1s', acceptable_latency='10 minutes'")),
    case("R1484", "api", "api 365 days", '"log_days": 30', "staging", in_staging='sizes={api: {"log_days": 365}}'),
)  # fmt: skip


@pytest.mark.parametrize("given", CASES, ids=lambda given: f"{given.code}-{given.lines.get('rung', 'fargate')}")
def test_a_finding_and_its_cure(given: Case, written: Written, book: PriceBook) -> None:
    graph = written(**given.lines)
    found = {advice.code: advice for advice in reviewed(graph, given.environment, book)}
    assert given.code in found, [f"{each.code} {each.found}" for each in found.values()]
    advice = found[given.code]
    assert advice.node == given.node
    assert given.words in f"{advice.found}; {advice.evidence}"
    assert given.cure in advice.cure
    assert advice.location is not None
    assert advice.changes

    mended = apply(graph, given.environment, advice.changes)
    design = place(mended, given.environment)
    after = review(mended, design, monthly_dollars=priced(design, mended, book))
    assert given.code not in {each.code for each in after}, [each.evidence for each in after]


def test_every_finding_has_a_case() -> None:
    assert {given.code for given in CASES} == {rule.code for rule in rules()}


@pytest.mark.parametrize("rung", ["fargate", "host", "eks", "serverless"])
def test_there_is_nothing_to_say_about_a_sensible_workload(rung: str, written: Written, book: PriceBook) -> None:
    team = "w.business(Business(monthly_budget_usd=1_000, monthly_revenue_usd=20_000, engineers=6))"
    graph = written(rung=rung, business=team)
    assert reviewed(graph, "prod", book) == ()
    assert reviewed(graph, "staging", book) == ()
