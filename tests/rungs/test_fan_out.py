"""A worker with compute="lambda": a function beside machines and tasks, and everything that follows from that."""

from __future__ import annotations

from typing import Any

import pytest
from tests.rungs.fanning import tea

from rung import Workload
from rung.errors import ModelError
from rung.parts.compute import EcsService, HostGroup
from rung.parts.design import Design
from rung.parts.functions import LambdaFunction
from rung.parts.messaging import SqsQueue
from rung.parts.operations import Alarm
from rung.parts.values import Document
from rung.price.bill import bill
from rung.price.book import shipped_book
from rung.rungs import place
from rung.terraform import root

BESIDE = ("host", "fargate")


def placed(rung: str, environment: str = "prod") -> Design:
    return place(tea(rung).freeze(), environment)


def function(design: Design, name: str) -> LambdaFunction:
    part = design.part(name)
    assert isinstance(part, LambdaFunction)
    return part


@pytest.mark.parametrize("rung", BESIDE)
def test_it_is_a_function_and_nothing_else(rung: str) -> None:
    design = placed(rung)
    assert {part.name for part in design.of(LambdaFunction)} == {"thumbs", "mailer"}
    assert not {"thumbs", "mailer"} & {part.name for part in design.of(EcsService)}
    assert not {"thumbs", "mailer"} & {stack.name for group in design.of(HostGroup) for stack in group.stacks}
    assert {part.name for part in placed(rung, "dev").of(LambdaFunction)} == {"thumbs"}
    assert design.dangling() == ()


def test_its_queues_start_it_as_often_at_once_as_the_most_tasks_would_take() -> None:
    thumbs = function(placed("host"), "thumbs")
    assert [(each.queue, each.batch_size, each.most_batches) for each in thumbs.sources] == [
        ("uploads-urgent", 10, 50), ("uploads-bulk", 10, 50),
    ]  # fmt: skip
    assert thumbs.command[:3] == ("python", "-m", "rung.runtime.function")
    assert thumbs.timeout_seconds == 35


@pytest.mark.parametrize("rung", BESIDE)
def test_what_lambda_holds_back_is_not_handed_out_twice(rung: str) -> None:
    design = placed(rung)
    hidden = {part.name: part.visibility_timeout_seconds for part in design.of(SqsQueue)}
    assert hidden == {"uploads-urgent": 210, "uploads-bulk": 210, "mails": 180}
    (told,) = [each.value for each in function(design, "mailer").variables if each.name == "RUNG_BINDING_MAILS"]
    assert isinstance(told, Document)
    assert dict(told.fields)["visibility_timeout_seconds"] == 180
    assert {part.name: part.visibility_timeout_seconds for part in placed(rung, "dev").of(SqsQueue)}["mails"] == 30


@pytest.mark.parametrize("rung", BESIDE)
def test_it_has_an_address_where_it_uses_something_inside(rung: str) -> None:
    design = placed(rung)
    assert function(design, "mailer").in_network
    assert not function(design, "thumbs").in_network
    ways = {(each.source, each.target, each.port) for each in design.connections}
    assert ("mailer", "db", 5432) in ways
    assert not [way for way in ways if way[0] == "thumbs"]
    grants = root.compile(design)["grants.tf"]
    assert "mailer        = { db = [5432]" in grants or "mailer = { db = [5432]" in grants
    assert "api.example.com" not in grants  # outside of the network nobody needs to be let out


@pytest.mark.parametrize("rung", BESIDE)
def test_its_rights_are_those_of_its_edges_in_a_role_of_its_own(rung: str) -> None:
    rights = {each.sid: each for each in placed(rung).statements if each.principal == "thumbs"}
    assert {sid for sid in rights if not sid.endswith("Key")} == {
        "ThumbsConsumeUploads", "ThumbsConsumeUploadsDeadLetters", "ThumbsReadPictures",
    }  # fmt: skip


def test_a_function_opens_one_connection_for_each_batch() -> None:
    (told,) = [
        each.value for each in function(placed("host"), "mailer").variables if each.name == "RUNG_BINDING_DB"
    ]
    assert isinstance(told, Document)
    assert dict(told.fields)["pool_size"] == 1


@pytest.mark.parametrize("rung", BESIDE)
def test_it_is_watched_and_has_a_price(rung: str) -> None:
    design = placed(rung)
    alarms = {alarm.name for alarm in design.of(Alarm) if alarm.part == "thumbs"}
    assert alarms == {"thumbs-errors", "thumbs-throttled", "thumbs-slow", "thumbs-concurrency-high"}
    priced = bill(design, tea(rung).freeze(), shipped_book())
    lines = {line.item: line for line in priced.lines if line.part == "thumbs"}
    assert {"runs", "memory", "starts"} <= set(lines)
    assert lines["memory"].usd > 0


@pytest.mark.parametrize("rung", BESIDE)
def test_its_block_is_what_a_reviewer_reads(rung: str) -> None:
    files = root.compile(placed(rung))
    block = files["services.tf"].partition('module "thumbs" {')[2].partition("\n}\n")[0]
    assert 'source   = "../modules/lambda_worker"' in block
    assert 'uploads-bulk   = { arn = module.uploads.arns["bulk"], batch_size = 10, most_batches = 50 }' in block
    assert "timeout_seconds = 35" in block
    assert "functions = true" in files["services.tf"]
    row = next(line for line in files["observability.tf"].splitlines() if line.strip().startswith("thumbs "))
    assert "module.thumbs.name" in row
    assert "kinds = {" not in files["observability.tf"]


@pytest.mark.parametrize("rung", ["box", "eks"])
def test_elsewhere_it_runs_as_before(rung: str) -> None:
    assert not place(tea(rung).freeze(), "dev").of(LambdaFunction)


@pytest.mark.parametrize(
    ("worker", "code"),
    [
        ({"deadline": "15m"}, "R0817"),
        ({"handler": None, "command": "celery worker"}, "R0819"),
        ({"memory": 20_000}, "R0821"),
    ],
)
@pytest.mark.parametrize("rung", BESIDE)
def test_what_cannot_be_a_function_is_refused(rung: str, worker: dict[str, Any], code: str) -> None:
    work = Workload("tea")
    api = work.service("api", app="tea.api:app", health="/health")
    mails = work.queue("mails")
    given = {"handler": "tea.mail:send", "compute": "lambda", **worker}
    work.worker("mailer", consumes=mails, **given)
    work.use(api, mails.send)
    work.route("/*", api)
    work.environment("dev", rung=rung)
    with pytest.raises(ModelError) as caught:
        place(work.freeze(), "dev")
    (finding,) = caught.value.findings
    assert finding.code == code
    assert 'drop compute="lambda"' in finding.help


def test_a_queue_in_a_table_starts_nothing() -> None:
    work = Workload("tea")
    db, mails = work.postgres("db"), work.queue("mails", broker="postgres")
    api = work.service("api", app="tea.api:app", health="/health", uses=[db, mails.send])
    work.worker("mailer", handler="tea.mail:send", consumes=mails, compute="lambda")
    work.route("/*", api)
    work.environment("dev", rung="host")
    with pytest.raises(ModelError) as caught:
        place(work.freeze(), "dev")
    assert [finding.code for finding in caught.value.findings] == ["R0819"]


def test_a_function_calls_no_service_inside_of_machines() -> None:
    work = Workload("tea")
    mails = work.queue("mails")
    api = work.service("api", app="tea.api:app", health="/health", uses=[mails.send])
    work.worker("mailer", handler="tea.mail:send", consumes=mails, uses=[api], compute="lambda")
    work.route("/*", api)
    for rung in BESIDE:
        work.environment(rung, rung=rung)
    with pytest.raises(ModelError) as caught:
        place(work.freeze(), "host")
    assert [finding.code for finding in caught.value.findings] == ["R0820"]
    assert function(place(work.freeze(), "fargate"), "mailer").in_network


def test_a_compute_that_nobody_knows_is_refused() -> None:
    work = Workload("tea")
    work.worker("mailer", handler="tea.mail:send", consumes=work.queue("mails"), compute="moon")
    with pytest.raises(ModelError) as caught:
        work.freeze()
    assert any("compute" in finding.message + finding.found for finding in caught.value.findings)
