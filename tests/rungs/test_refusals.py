"""What a rung cannot hold is refused at once, all of it, at the line that says it, with what is possible."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from rung import Business, ExistingVpc, Objectives, OfficeHours, Traffic, Workload
from rung.errors import Finding, ModelError, UsageError
from rung.model.graph import Graph
from rung.rungs import place

TWO = ("subnet-0a1b2c3d", "subnet-0e4f5a6b")


def refused(work: Workload, rung: str | None = None, environment: str = "dev") -> tuple[Finding, ...]:
    """The findings of placing a workload that cannot be placed."""
    with pytest.raises(ModelError) as caught:
        place(work.freeze(), environment, rung=rung)
    for finding in caught.value.findings:
        assert finding.location is not None, "the line of the workload file"
        assert finding.found
        assert finding.effect
        assert finding.help
    return caught.value.findings


def codes(findings: tuple[Finding, ...]) -> list[str]:
    return [finding.code for finding in findings]


def small() -> Workload:
    """A service, a database and a queue: every rung holds them."""
    work = Workload("tea")
    db = work.postgres("db")
    mails = work.queue("mails")
    api = work.service("api", app="tea.api:app", health="/health", uses=[db, mails.send])
    work.worker("mailer", handler="tea.mail:send", consumes=mails)
    work.route("/*", api)
    return work


def bus(work: Workload) -> None:
    work.bus("events")


def workflow(work: Workload) -> None:
    work.workflow("onboarding", handler="tea.onboarding:run")


def search(work: Workload) -> None:
    work.search("find", engine="opensearch")


def rabbit(work: Workload) -> None:
    work.queue("hops", broker="rabbitmq")


def sqs(work: Workload) -> None:
    work.queue("hops", broker="sqs")


def job_of_a_service(work: Workload) -> None:
    render = work.job("render", handler="tea.render:run")
    work.service("front", app="tea.front:app", health="/health", uses=[render.run])


def call_from_a_schedule(work: Workload) -> None:
    back = work.service("back", app="tea.back:app", health="/health")
    work.schedule("tidy", every="1 hour", handler="tea.tidy:run", uses=[back.call])


def rule_to_a_service(work: Workload) -> None:
    events = work.bus("events")
    back = work.service("back", app="tea.back:app", health="/health")
    work.rule("new", bus=events, pattern={"detail-type": ["new"]}, target=back)


@pytest.mark.parametrize(
    ("declare", "rung", "node", "able"),
    [
        (sqs, "box", "hops", "host"),
        (job_of_a_service, "box", "front", "host"),
        (call_from_a_schedule, "host", "tidy", "fargate"),
        (workflow, "serverless", "onboarding", "fargate"),
        (workflow, "eks", "onboarding", "fargate"),
        (search, "fargate", "find", None),
        (search, "box", "find", None),
        (rabbit, "eks", "hops", "fargate"),
        (rule_to_a_service, "serverless", "new", "fargate"),
    ],
)
def test_a_node_that_a_rung_cannot_hold(
    declare: Callable[[Workload], None], rung: str, node: str, able: str | None
) -> None:
    work = small()
    declare(work)
    work.environment("dev")
    (finding,) = refused(work, rung)
    assert finding.code == "R0801"
    assert f'"{node}"' in finding.message
    assert (f"rung={able!r}" if able else "no rung can as yet") in finding.help


def test_what_exists_and_is_not_described_is_refused_and_not_made_anew() -> None:
    work = small()
    work.files("old", mount="/mnt/old", existing="fs-0a1b2c3d")
    work.environment("dev")
    (finding,) = refused(work)
    assert finding.code == "R0825"
    assert "ExistingFiles(" in finding.help


def test_every_reason_is_said_at_once() -> None:
    work = small()
    sqs(work)
    work.postgres("archive", storage=2_000)
    work.environment("dev", rung="box", region="Frankfurt", domain="tea.example.com")
    assert sorted(codes(refused(work))) == ["R0801", "R0803", "R0808", "R0810"]


def test_two_terabytes_do_not_fit_into_a_box() -> None:
    work = small()
    work.postgres("archive", storage=2_000)
    work.environment("dev", rung="box")
    (finding,) = refused(work)
    assert finding.code == "R0803"
    assert "2,000 GiB, 500 are the most" in finding.found
    assert "rung='host'" in finding.help


def test_a_sale_does_not_fit_into_a_box(shop: Graph) -> None:
    with pytest.raises(ModelError) as caught:
        place(shop, "prod", rung="box")
    (finding,) = caught.value.findings
    assert finding.code == "R0802"
    assert "10,000 requests/s" in finding.found


def named(environment: dict[str, Any]) -> Workload:
    work = small()
    work.external("api.example.com", port=443)
    work.environment("dev", **environment)
    return work


@pytest.mark.parametrize(
    ("environment", "code"),
    [
        ({"sizes": {"nothing": {"size": 5}}}, "R0804"),
        ({"sizes": {"network": {"zone": 3}}}, "R0804"),
        ({"sizes": {"network": {"zones": "three"}}}, "R0804"),
        ({"sizes": {"api": {"min_tasks": 9}}}, "R0805"),
        ({"rung": "box", "nat": "single"}, "R0805"),
        ({"rung": "box", "firewall": True}, "R0805"),
        ({"rung": "box", "stop_when_idle": "4 hours"}, "R0805"),
        ({"existing_vpc": ExistingVpc(vpc_id="vpc-0a1b2c3d", private=TWO, public=TWO), "nat": "single"}, "R0805"),
        ({"existing_vpc": ExistingVpc(vpc_id="vpc-0a1b2c3d", private=TWO)}, "R0807"),
        ({"existing_vpc": ExistingVpc(vpc_id="vpc-0a1b2c3d", private=TWO, isolated=TWO[:1], public=TWO)}, "R0807"),
        ({"existing_vpc": ExistingVpc(vpc_id="main", private=TWO, public=TWO)}, "R0807"),
        ({"domain": "tea.example.com"}, "R0808"),
        ({"domain": "tea.example.com", "zone": "example.org"}, "R0808"),
        ({"zone": "example.org"}, "R0808"),
        ({"region": "Ireland"}, "R0810"),
        ({"office_hours": OfficeHours(start="7 o'clock")}, "R0814"),
        ({"office_hours": OfficeHours(days="weekdays")}, "R0814"),
    ],
)
def test_an_environment_that_cannot_be(environment: dict[str, Any], code: str) -> None:
    assert codes(refused(named(environment))) == [code]


def test_a_database_too_small_for_its_tasks() -> None:
    work = Workload("tea")
    db = work.postgres("db", max_connections=400)
    work.service("api", app="tea.api:app", health="/health", max_tasks=20, uses=[db])
    work.environment("dev", sizes={db: {"max_acu": 0.5}})
    (finding,) = refused(work)
    assert finding.code == "R0816"
    assert "160 with every one of them" in finding.found
    assert "112" in finding.found


def test_no_way_out_for_those_who_need_one() -> None:
    work = small()
    pay = work.external("api.example.com", port=443)
    work.service("till", app="tea.till:app", health="/health", uses=[pay])
    work.environment("dev", nat="none")
    (finding,) = refused(work)
    assert finding.code == "R0805"
    assert "till" in finding.found


def test_a_site_without_a_door() -> None:
    work = small()
    page = work.site("page", path="page")
    work.route("/page/*", page)
    work.environment("dev", distribution=False)
    assert codes(refused(work)) == ["R0805"]


def test_a_name_that_is_too_long_for_aws() -> None:
    work = small()
    work.cache("the-memory-of-the-whole-tea-house")
    work.environment("dev")
    (finding,) = refused(work)
    assert finding.code == "R0806"
    assert "41 characters; a cache group takes 32" in finding.found
    assert "24 characters or fewer" in finding.help


def test_a_workload_may_have_a_name_of_some_words() -> None:
    work = Workload("customer-portal")
    api = work.service("administration-api", app="portal.api:app", health="/health")
    work.route("/*", api)
    work.environment("production", production=False)
    assert place(work.freeze(), "production").parts


def test_two_parts_of_one_name() -> None:
    work = small()
    work.queue("orders", lanes=("paid", "open"))
    work.queue("orders-paid")
    work.environment("dev")
    findings = refused(work)
    assert "R0815" in codes(findings)


def test_a_repository_that_is_none() -> None:
    work = Workload("tea", repository="https://example.com/acme/tea")
    work.environment("dev")
    assert codes(refused(work)) == ["R0811"]


def test_a_time_that_eventbridge_cannot_keep() -> None:
    work = small()
    work.schedule("report", cron="0 6 1 * MON", handler="tea.report:run")
    work.environment("dev")
    assert codes(refused(work)) == ["R0812"]
    place(work.freeze(), "dev", rung="box")


def test_a_secret_that_exists_by_no_arn() -> None:
    work = small()
    work.secret("token", rotate_days=30, existing="token")
    work.environment("dev")
    assert codes(refused(work)) == ["R0809"]


def test_a_queue_in_postgres_without_one() -> None:
    work = Workload("tea")
    work.queue("mails")
    work.environment("dev", rung="box")
    assert codes(refused(work)) == ["R0813"]


def test_production_whose_alarms_reach_nobody() -> None:
    work = small()
    work.environment("prod")
    assert codes(refused(work, environment="prod")) == ["R0181"]


def test_an_unknown_rung_and_an_unknown_environment() -> None:
    graph = small().freeze()
    with pytest.raises(UsageError, match="no rung 'fargat'"):
        place(graph, "dev", rung="fargat")
    work = small()
    work.environment("dev")
    with pytest.raises(UsageError, match="no environment 'prd'"):
        place(work.freeze(), "prd")


def test_facts_alone_make_no_design_fail() -> None:
    """No division by a traffic of nothing, no objective without a load balancer."""
    work = Workload("tea")
    work.traffic(Traffic(concurrent_users=0, think_time="1s"))
    work.objectives(Objectives(availability="99.99%"))
    work.business(Business(monthly_budget_usd=0))
    work.notify("email:a@example.com")
    work.environment("prod")
    for rung in ("box", "host", "fargate"):
        assert place(work.freeze(), "prod", rung=rung).production


def test_a_queue_on_a_box_without_a_database_is_refused_not_a_crash() -> None:
    work = Workload("tea")
    mails = work.queue("mails")
    intake = work.service("intake", app="tea.intake:app", health="/health", uses=[mails.send])
    work.worker("mailer", handler="tea.mail:send", consumes=mails)
    work.route("/*", intake)
    work.traffic(Traffic(concurrent_users=10))
    assert codes(refused(work, "box")) == ["R0813"]
