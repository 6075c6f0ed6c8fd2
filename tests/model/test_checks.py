"""Every finding appears in a workload that deserves it, and not in one that was mended as the finding advises."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path
from textwrap import dedent

import pytest

import rung.model.checks
from rung.errors import Finding, Location, UsageError
from rung.model.checks import check
from rung.model.graph import Graph, TenantColumn
from rung.model.nodes import Environment, Override, Queue, Rule
from rung.model.read import load_workload

HEAD = (
    "from rung import Business, Objectives, Traffic, Transform, Workload, rls, single_tenant\n"
    'w = Workload("shop")\n'
    'api = w.service("api", app="shop.api:app", health="/health")\n'
    'w.route("/*", api)\n'
)


@dataclass(frozen=True)
class Case:
    """A few lines that deserve the finding, words of it, and the same lines mended."""

    code: str
    bad: str
    words: str
    good: str


def case(code: str, bad: str, words: str, good: str) -> Case:
    return Case(code, dedent(bad), words, dedent(good))


WORKER = (
    'q = w.queue("orders"{queue})\nw.use(api, q.send)\nw.worker("fulfil", handler="a:b", consumes=q{worker})\n'
)


def queue(queue: str = "", worker: str = "") -> str:
    """A queue with a sender and a worker, and what is special about them."""
    return WORKER.format(queue=queue and f", {queue}", worker=worker and f", {worker}")


def slow(worker: str, traffic: str) -> str:
    fact = f"w.traffic(Traffic(concurrent_users=1000, think_time='10s', peak=10, {traffic}))\n"
    return queue("", f'processing_time="1s", acceptable_latency="30s", {worker}') + fact


PRODUCTION = 'w.environment("production"{})\n'
TOLD = 'w.notify("email:oncall@example.com")\n'
PROMISE = 'w.objectives(Objectives(availability="99.95%"))\n'
EVENTS = 'bus = w.bus("bus")\nq = w.queue("work")\nw.worker("wk", handler="a:b", consumes=q)\n'
CALL = EVENTS + 'x = w.external("b.org")\nw.rule("r", bus=bus, pattern={"a": ["b"]}, target=x, '
TWO = 'first, second = w.postgres("first"), w.postgres("second")\n'
RULE = EVENTS + 'w.rule("r", bus=bus, pattern={"a": ["b"]}, target=q, '

CASES = (
    case("R0101", 'w.cache("api")', 'name "api" is used twice', 'w.cache("cache")'),
    case("R0102", 'w.queue("order")\nw.bucket("orders")', '"order" and "orders"',
         'w.queue("order")\nw.bucket("scans")'),
    case("R0103", 'w.cache("My_Cache")', "lower-case letters", 'w.cache("my-cache")'),
    case("R0103", f'w.cache("{"a" * 41}")', "41 characters", f'w.cache("{"a" * 40}")'),
    case("R0104", 'w.queue("database")', "DATABASE_URL", 'w.postgres("database")'),
    case("R0105", 'w.service("x", app="shop/api.py")', "package.module:object",
         'w.service("x", app="shop.api:app")'),
    case("R0106", 'w.service("x", health="/h")', "neither", 'w.service("x", app="a:b")'),
    case("R0106", 'w.service("x", app="a:b", command="run")', "both", 'w.service("x", command="run", port=1)'),
    case("R0106", 'w.schedule("x", every="1m")', "neither", 'w.schedule("x", every="1m", handler="a:b")'),
    case("R0111", 'w.service("x", app="a:b")', "nobody calls", 'x = w.service("x", app="a:b")\nw.use(api, x)'),
    case("R0112", 'd = w.postgres("d")\nw.site("s", path="p", uses=[d])', "reachable",
         'w.site("s", path="p", uses=[api])'),
    case("R0112", 'd = w.postgres("d")\nw.route("/d", d)', "leads to postgres", 'w.route("/d", api)'),
    case("R0113", 's = w.secret("key", rotate_days=30)', "nobody reads",
         's = w.secret("key", rotate_days=30)\nw.use(api, s)'),
    case("R0114", 'c = w.cache("c")', "nobody uses", 'c = w.cache("c")\nw.use(api, c.read)'),
    case("R0115", 'j = w.job("j", handler="a:b")', "nobody runs",
         'j = w.job("j", handler="a:b")\nw.use(api, j.run)'),
    case("R0115", 'f = w.workflow("f", handler="a:b")', "nobody starts",
         'f = w.workflow("f", handler="a:b")\nw.use(api, f)'),
    case("R0116", 'b = w.bus("b")\nw.use(api, b)', "no rule",
         EVENTS + 'w.use(api, bus)\nw.rule("r", bus=bus, pattern={"a": ["b"]}, target=q)'),
    case("R0117", EVENTS + 'w.rule("r", bus=bus, pattern={"a": ["b"]}, target=q)', "nobody publishes",
         EVENTS + 'w.use(api, bus)\nw.rule("r", bus=bus, pattern={"a": ["b"]}, target=q)'),
    case("R0118", 's = w.site("s", path="p")', "no route", 's = w.site("s", path="p")\nw.route("/s/*", s)'),
    case("R0120", 'x = w.service("x", app="a:b")\nw.start_after(x, api)\nw.start_after(api, x)',
         "wait for each other",
         'x = w.service("x", app="a:b")\nw.start_after(x, api)'),
    case("R0121", 'w.route("/*/", api)', "is shadowed by", 'w.route("/x/*", api)'),
    case("R0121", 'w.route("/*", api)', "is shadowed by", 'w.route("/*", api, host="www.example.com")'),
    case("R0122", queue() + 'x = w.worker("x", handler="a:b", consumes=q)\nw.route("/x", x)',
         'leads to worker "x"',
         queue() + 'w.route("/x", api)'),
    case("R0123", 'w.route("api/*", api)', "does not begin", 'w.route("/api/*", api)'),
    case("R0123", 'w.route("/a/*/b", api)', "wildcard before its end", 'w.route("/a/b", api)'),
    case("R0123", 'w.route("/a*", api)', "whole segment", 'w.route("/a/*", api)'),
    case("R0125", 'w.service("x", app="a:b")', "no health path", 'w.service("x", app="a:b", health="/h")'),
    case("R0126", 'w.service("x", app="a:b", health="h")', "is not a path",
         'w.service("x", app="a:b", health="/h")'),
    case("R0127", 'w.service("x", command="run")', "unknown port", 'w.service("x", command="run", port=80)'),
    case("R0131", 'w.external("*", name="all", port=443)', "any host", 'w.external("api.example.com", port=443)'),
    case("R0131", 'w.external("10.0.0.0/8", name="all", port=443)', "any host", 'w.external("api.example.com")'),
    case("R0132", 'w.external("api.example.com")', "no port", 'w.external("api.example.com", port=443)'),
    case("R0133", 'w.secret("key")', "never", 'w.secret("key", rotate_days=90)'),
    case("R0133", 'w.secret("key", rotate_days=400)', "every 400 days", 'w.secret("key", rotate_days=30)'),
    case("R0134", 'w.job("j", handler="a:b", variables={"API_KEY": "12345"})', '"API_KEY"',
         'w.job("j", handler="a:b", variables={"MONKEYS": "12345"})'),
    case("R0134", 'w.job("j", handler="a:b", variables={"BROKER": "amqp://me:pass@host"})', '"BROKER"',
         'w.job("j", handler="a:b", variables={"BROKER": "amqp://host"})'),
    case("R0135", 'w.job("j", handler="a:b", variables={"DATABASE_URL": "x"})', "belongs to rung",
         'w.job("j", handler="a:b", variables={"OTHER_URL": "x"})'),
    case("R0136", 'w.external("169.254.169.254", name="m", port=80)', "not outside",
         'w.external("1.1.1.1", name="m")'),
    case("R0136", 'w.external("10.1.2.3", name="m", port=80)', "not outside",
         'w.external("example.com", port=80)'),
    case("R0139", 'w.postgres("d", public=True)', "open to the internet", 'w.postgres("d")'),
    case("R0139", 'w.bucket("b", public=True)', "open to the internet", 'w.bucket("b")'),
    case("R0141", 'w.queue("q")', "neither sender nor consumer", queue()),
    case("R0142", 'q = w.queue("q")\nw.use(api, q.send)', "has a sender and no consumer", queue()),
    case("R0142", 'q = w.queue("q")\nw.use(api, q.send)', "no consumer",
         'q = w.queue("q")\nw.use(api, q.send)\nq.drained_by("external")'),
    case("R0143", 'q = w.queue("q")\nw.worker("x", handler="a:b", consumes=q)', "a consumer and no sender",
         queue()),
    case("R0143", 'q = w.queue("q")\nw.worker("x", handler="a:b", consumes=q)', "no sender",
         'q = w.queue("q")\nw.worker("x", handler="a:b", consumes=q)\nq.filled_by("external")'),
    case("R0144", queue("max_receive_count=None"), "no dead-letter queue", queue("max_receive_count=5")),
    case("R0187", queue('broker="rabbitmq", fair=True'), "cannot take turns", queue('broker="redis", fair=True')),
    case("R0145", queue('visibility_timeout="10s"'), "shorter than the deadline",
         queue('visibility_timeout="40s"')),
    case("R0146", queue('lanes={"a", "b"}'), "no order", queue('lanes=("a", "b")')),
    case("R0147", queue('lanes=("payment",)', 'lanes=("payments",)'), '"payments"',
         queue('lanes=("payment",)', 'lanes=("payment",)')),
    case("R0148", queue('lanes=("a", "b")', 'lanes=("a",)'), 'lane "b"', queue('lanes=("a", "b")')),
    case("R0149", queue('broker="sqs", delay="20 minutes"'), "beyond sqs",
         queue('broker="sqs", delay="15 minutes"')),
    case("R0149", queue('broker="sqs", retention="15 days"'), "beyond sqs",
         queue('broker="postgres", retention="15 d"')),
    case("R0150", queue('retention="1 minute"'), "before their last retry", queue('retention="1 hour"')),
    case("R0151", queue("max_receive_count=1"), "1 attempt", queue("max_receive_count=3")),
    case("R0152", slow("max_tasks=2", "messages={q: 10}"), "cannot keep up",
         slow("max_tasks=10", "messages={q: 10}")),
    case("R0152", slow("max_tasks=2", "reads=0.5"), "one for each request", slow("max_tasks=2", "reads=1.0")),
    case("R0153", queue("", 'processing_time="1m", acceptable_latency="1s"'), "takes longer",
         queue("", 'processing_time="1s", acceptable_latency="1m"')),
    case("R0154", queue("", 'deadline="10m"'), "longer than a deployment", queue("", 'deadline="2m"')),
    case("R0155", EVENTS + 'w.rule("r", bus=bus, pattern={"type": "paid"}, target=q)', "not valid",
         EVENTS + 'w.rule("r", bus=bus, pattern={"type": ["paid"], "a": {"b": [1]}}, target=q)'),
    case("R0156", EVENTS + 'w.rule("r", bus=bus, pattern={"a": ["b"]}, target=q)', "no dead-letter queue",
         EVENTS + 'd = w.queue("dead")\nw.rule("r", bus=bus, pattern={"a": ["b"]}, target=q, dead_letter=d)'),
    case("R0157", RULE + "transform=Transform(template='order <no> is paid'))", "<no> is not in paths",
         RULE + "transform=Transform(template='\"<no>\"', paths={'no': '$.detail.no'}))"),
    case("R0157", RULE + "transform=Transform(constant={}, path='$.detail'))", "2 ways to make the input",
         RULE + "transform=Transform(path='$.detail'))"),
    case("R0158", RULE + "max_attempts=186)", "0 to 185 tries", RULE + "max_attempts=185)"),
    case("R0158", RULE + "max_age='30s')", "a minute to 24 hours", RULE + "max_age='1m')"),
    case("R0158", RULE + "path='/paid')", "a path is for a service", RULE + "path='/')"),
    case("R0158", CALL + 'deadline="6s")', "at most 5 s", CALL + 'path="/paid")'),
    case("R0158", 'w.bus("b", archive=0)', "archive of 0 days", 'w.bus("b", archive="30 days")'),
    case("R0159", RULE + "dead_letter=q)", "both 'work'", EVENTS + "d = w.queue('d')\n" + RULE.removeprefix(EVENTS)
         + "dead_letter=d)"),
    case("R0161", 'w.schedule("s", handler="a:b", cron="0 9 * * mno")', 'did you mean "MON"',
         'w.schedule("s", handler="a:b", cron="0 9 * * mon")'),
    case("R0161", 'w.schedule("s", handler="a:b")', "neither every nor cron",
         'w.schedule("s", handler="a:b", every="1h")'),
    case("R0161", 'w.schedule("s", handler="a:b", cron="0 0 9 * * mon")', "6 fields",
         'w.schedule("s", handler="a:b", cron="0 9 * * mon")'),
    case("R0162", 'w.schedule("s", handler="a:b", every="1m", deadline="2m")', "can overlap itself",
         'w.schedule("s", handler="a:b", every="2m", deadline="2m")'),
    case("R0162", 'w.schedule("s", handler="a:b", cron="0,10 * * * *", deadline="15m")', "every 10 minutes",
         'w.schedule("s", handler="a:b", cron="0 * * * *", deadline="15m")'),
    case("R0163", 'w.schedule("s", handler="a:b", every="10s", deadline="5s")', "finer than a minute",
         'w.schedule("s", handler="a:b", every="1m")'),
    case("R0164", 'w.schedule("s", handler="a:b", cron="0 9 * * *", timezone="Europe/Berlim")', "Europe/Berlin",
         'w.schedule("s", handler="a:b", cron="0 9 * * *", timezone="Europe/Berlin")'),
    case("R0165", 'w.schedule("s", handler="a:b", cron="0 0 30 2 *")', "never runs",
         'w.schedule("s", handler="a:b", cron="0 0 29 2 *")'),
    case("R0166", 'w.schedule("s", handler="a:b", cron="30 2 * * *", timezone="Europe/Berlin")', "skips",
         'w.schedule("s", handler="a:b", cron="30 4 * * *", timezone="Europe/Berlin")'),
    case("R0166", 'w.schedule("s", handler="a:b", cron="30 1 * * *", timezone="America/New_York")', "repeats",
         'w.schedule("s", handler="a:b", cron="30 1 * * *")'),
    case("R0167", 'f = w.workflow("f", handler="a:b")\nw.use(api, f)', "no database that keeps its runs",
         'd = w.postgres("d")\nf = w.workflow("f", handler="a:b", uses=[d])\nw.use(api, f)'),
    case("R0168", TWO + 'w.workflow("f", handler="a:b", uses=[second])', 'runs in "first", uses "second"',
         TWO + 'w.workflow("f", handler="a:b", uses=[first, second])'),
    case("R0168", TWO + 'w.workflow("f", handler="a:b", uses=[second])', "two databases",
         TWO + 'w.workflow("f", handler="a:b")'),
    case("R0171", 'w.service("x", app="a:b", min_tasks=5)', "minimum above",
         'w.service("x", app="a:b", min_tasks=4)'),
    case("R0172", 'w.service("x", command="run", port=70000)', "impossible",
         'w.service("x", command="run", port=7000)'),
    case("R0172", queue("", "concurrency=0"), "impossible", queue("", "concurrency=1")),
    case("R0173", 'd = w.postgres("d")\nw.service("x", app="a:b", max_tasks=11, uses=[d])',
         "larger than the server",
         'd = w.postgres("d")\nw.service("x", app="a:b", max_tasks=10, uses=[d])'),
    case("R0174",
         'e = w.external("x.com", port=1, p99="1s")\nw.use(api, e)\nw.objectives(Objectives(p99="200ms"))',
         "shorter than", 'e = w.external("x.com", port=1, p99="1s")\nw.objectives(Objectives(p99="200ms"))'),
    case("R0176", "w.business(Business(monthly_budget_usd=500, monthly_revenue_usd=1000))",
         "large for the revenue",
         "w.business(Business(monthly_budget_usd=300, monthly_revenue_usd=1000))"),
    case("R0178", 'x = w.service("x", app="a:b", deadline="60s")\nw.use(api, x)', "after its caller",
         'x = w.service("x", app="a:b", deadline="10s")\nw.use(api, x)'),
    case("R0180", PROMISE + TOLD + PRODUCTION.format(""), "single task",
         PROMISE + TOLD + PRODUCTION.format(', overrides={api: {"min_tasks": 2}}')),
    case("R0181", PRODUCTION.format(""), "nobody receives", PRODUCTION.format("") + TOLD),
    case("R0182", 'w.environment("qa", overrides={api: {"max_task": 2}})', 'did you mean "max_tasks"',
         'w.environment("qa", overrides={api: {"max_tasks": 2}})'),
    case("R0182", 'w.environment("qa", overrides={api: {"max_tasks": "2"}})', "expected a whole number",
         'w.environment("qa", overrides={api: {"deadline": "10s"}})'),
    case("R0183", TOLD + 'w.postgres("d", backup_days=0)\n' + PRODUCTION.format(""), "no backups",
         TOLD + 'd = w.postgres("d", backup_days=0)\n' + PRODUCTION.format(", overrides={d: {'backup_days': 7}}")),
    case("R0184", 'w.notify("mail:me@example.com")', "'mail' is not a kind", 'w.notify("slack:#alarms")'),
    case("R0184", 'w.notify("email:me")', "'me' after email", TOLD),
    case("R0185", 'w.environment("qa")\nw.notify("slack:a", environments=["qaa"])', 'did you mean "qa"',
         'w.environment("qa")\nw.notify("slack:a", environments=["qa"])'),
    case("R0186", TOLD + PRODUCTION.format(', stop_when_idle="4h"'), "stops when idle",
         'w.environment("qa", stop_when_idle="4h")'),
)  # fmt: skip


def findings_of(folder: Path, text: str, code: str) -> list[Finding]:
    file = folder / "workload.py"
    file.write_text(HEAD + text)
    return [finding for finding in check(load_workload(file)) if finding.code == code]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.code)
def test_a_workload_that_deserves_it_gets_it(tmp_path: Path, case: Case) -> None:
    found = findings_of(tmp_path, case.bad, case.code)
    assert found
    text = "\n".join(str(finding) for finding in found)
    assert case.words in text
    for finding in found:
        assert finding.location is not None
        assert finding.location.text
        assert finding.effect
        assert finding.help
        assert not finding.message.endswith(".")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.code)
def test_a_mended_workload_does_not(tmp_path: Path, case: Case) -> None:
    assert findings_of(tmp_path, case.good, case.code) == []


def test_every_code_of_the_checks_has_a_case() -> None:
    folder = Path(rung.model.checks.__file__).parent
    codes = {code for file in folder.glob("*.py") for code in re.findall(r'"(R\d{4})"', file.read_text())}
    tested = {case.code for case in CASES} | {"R0137", "R0138", "R0175"}
    assert codes == tested
    assert len(codes) >= 30


def test_a_promise_for_an_unserved_path(tmp_path: Path) -> None:
    text = HEAD.replace('w.route("/*", api)', 'w.route("/api/*", api)')
    file = tmp_path / "workload.py"
    file.write_text(text + 'w.objectives(Objectives(routes={"/apis/pay": "1s"}))\n')
    assert [finding.code for finding in check(load_workload(file))] == ["R0175"]
    file.write_text(text + 'w.objectives(Objectives(routes={"/api/pay": "1s"}))\n')
    assert check(load_workload(file)) == ()


def with_tenants(tmp_path: Path, tenancy: str, sql: str) -> list[str]:
    (tmp_path / "migrations").mkdir(exist_ok=True)
    (tmp_path / "migrations" / "0001_first.sql").write_text(sql)
    file = tmp_path / "workload.py"
    file.write_text(HEAD + f'd = w.postgres("d", migrations="migrations"{tenancy})\nw.use(api, d)\n')
    return [finding.code for finding in check(load_workload(file))]


def test_tables_of_tenants_need_a_tenancy(tmp_path: Path) -> None:
    sql = "create table invoice (id int, tenant_id uuid);"
    assert with_tenants(tmp_path, "", sql) == ["R0137"]
    assert with_tenants(tmp_path, ', tenancy=rls("tenant_id")', sql) == []
    assert with_tenants(tmp_path, ", tenancy=single_tenant()", sql) == []
    assert with_tenants(tmp_path, "", "create table invoice (id int);") == []


def test_a_tenancy_needs_tables_of_tenants(tmp_path: Path) -> None:
    sql = "create table invoice (id int, shop_id uuid);"
    assert with_tenants(tmp_path, ', tenancy=rls("tenant_id")', sql) == ["R0138"]
    assert with_tenants(tmp_path, ', tenancy=rls("shop_id")', sql) == []


def test_the_example_of_the_design_is_clean(design_example: Graph) -> None:
    assert check(design_example) == ()


def test_the_name_of_the_workload_is_checked_too(tmp_path: Path) -> None:
    file = tmp_path / "workload.py"
    file.write_text(HEAD.replace('Workload("shop")', 'Workload("My Shop")'))
    (finding,) = check(load_workload(file))
    assert finding.code == "R0103"
    assert finding.location is not None
    assert finding.location.line == 2
    assert '"my-shop"' in finding.help


def test_the_value_of_a_secret_is_never_shown(tmp_path: Path) -> None:
    text = 'w.job("j", handler="a:b", variables={"STRIPE": "sk_live_4242"})'
    (finding,) = findings_of(tmp_path, text, "R0134")
    assert "sk_live_4242" not in finding.message + finding.found + finding.effect + finding.help


def test_findings_come_in_the_order_of_the_file(tmp_path: Path) -> None:
    file = tmp_path / "workload.py"
    file.write_text(HEAD + 'w.queue("one")\nw.secret("two")\nw.cache("three")\n')
    lines = [finding.location.line for finding in check(load_workload(file)) if finding.location]
    assert lines == sorted(lines)
    assert len(lines) == 4


def test_what_an_override_causes_names_its_environment(tmp_path: Path) -> None:
    file = tmp_path / "workload.py"
    file.write_text(HEAD + 'w.environment("qa", overrides={api: {"min_tasks": 9}})\n')
    (finding,) = check(load_workload(file))
    assert finding.code == "R0171"
    assert finding.message.endswith('(in environment "qa")')
    (alone,) = check(load_workload(file), environment="qa")
    assert alone.code == "R0171"


def test_an_unknown_environment_is_the_command_lines_fault() -> None:
    graph = Graph(name="shop", nodes=(Environment(name="production"),))
    with pytest.raises(UsageError, match='did you mean "production"'):
        check(graph, environment="prodction")


def test_checks_bear_graphs_that_no_builder_makes() -> None:
    graph = Graph(
        name="odd",
        nodes=(
            Queue(name="q", lanes=(), max_receive_count=0, retention_seconds=0.0),
            Rule(name="r", bus="nowhere", pattern="[", target="nobody"),
            Environment(name="e", overrides=(Override(node="nobody", field="x", value=1),)),
        ),
        locations={"q": Location(file="graph.json", line=1)},
        tenant_columns=(TenantColumn(database="gone", table="t", column="tenant_id"),),
    )
    codes = {finding.code for finding in check(graph)}
    assert {"R0155", "R0172", "R0182"} <= codes
    assert check(replace(graph, nodes=())) == ()
