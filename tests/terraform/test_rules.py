"""A rule on AWS is the rule that runs here: its pattern, input, retries and archive, and the bus's binding."""

from __future__ import annotations

import json

from rung import Transform, Workload
from rung.rungs import place
from rung.terraform import compile as compiled
from rung.transforms.transformer import parse_transformer

TEMPLATE = '{"number": <order>, "cost": "${total} of <order>"}'


def files() -> dict[str, str]:
    work = Workload("shop")
    db = work.postgres("db")
    events = work.bus("events", archive="30 days")
    mails, dead = work.queue("mails"), work.queue("dead")
    dead.drained_by("external")
    work.service("api", app="shop:app", health="/health", uses=[db, events])
    mailer = work.worker("mailer", handler="shop:mail", consumes=mails)
    work.rule(
        "placed", bus=events, pattern={"source": ["shop"]}, target=mailer, dead_letter=dead, max_attempts=20,
        max_age="1h", transform=Transform(paths={"order": "$.detail.order"}, template=TEMPLATE),
    )  # fmt: skip
    work.rule("all", bus=events, pattern={"source": ["shop"]}, target=mails, transform=Transform(path="$.detail"))
    work.rule("fixed", bus=events, pattern={"source": ["shop"]}, target=mails, transform=Transform(constant=[1]))
    work.notify("email:oncall@example.com")
    work.environment("prod", rung="fargate", region="eu-central-1")
    return compiled(place(work.freeze(), "prod"))


def block(text: str, name: str) -> str:
    """The text of one module block."""
    _, _, rest = text.partition(f'module "{name}" {{')
    return rest.partition("\n}\n")[0]


def test_a_rule_says_on_aws_what_it_says_here() -> None:
    text = files()["async.tf"]
    placed = block(text, "placed")
    assert "max_attempts" in placed
    assert "3600" in placed
    assert "$.detail.order" in placed
    assert "$${total}" in placed, "Terraform must not take a value of its own for what the template says"
    assert '"$.detail"' in block(text, "all")
    assert '"[1]"' in block(text, "fixed")
    assert "archive_days = 30" in " ".join(block(text, "events").split())


def test_what_is_written_is_what_was_parsed() -> None:
    """The module's variables are the fields that rung check and the router read."""
    fields = {"InputPathsMap": {"order": "$.detail.order"}, "InputTemplate": TEMPLATE}
    assert parse_transformer(json.dumps(fields)).mistakes == ()


def test_a_producer_is_told_its_bus_and_the_outbox_in_its_database() -> None:
    text = "".join(files().values())
    _, _, after = text.partition("RUNG_BINDING_EVENTS")
    told = after[:900]
    for each in ("eventbridge", "module.events.name", "outbox_url", "credentials_secret"):
        assert each in told
