"""A cure's text and its change are the same thing: what it says to write, written by hand, is what was applied."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from tests.review.conftest import reviewed

from rung.model.graph import Graph
from rung.model.nodes import Environment, Objectives, Queue
from rung.price.book import PriceBook
from rung.review import apply
from rung.review.cures import (
    AddEnvironment,
    Change,
    Notify,
    OverrideField,
    SetEnvironment,
    SetField,
    SetRepository,
    SizePart,
    State,
    merged,
    text_of,
)
from rung.rungs import place

Written = Callable[..., Graph]
MAILS = 'q = w.queue("mails"{})\nw.use(api, q.send)\nw.worker("mailer", handler="a:b", consumes=q)'
PROMISE = Objectives(availability="99.5%", p99="300ms")

#: A change, what its text says, and the line of the file that a person writes for it.
SAYINGS: tuple[tuple[Change, str, dict[str, str]], ...] = (
    (SetField(node="mails", field="retention_seconds", value=604_800.0),
     'queue("mails", ..., retention="7 days")', {"more": MAILS.format(', retention="7 days"')}),
    (SetField(node="mails", field="lanes", value=("interactive", "bulk")),
     'queue("mails", ..., lanes=("interactive", "bulk"))',
     {"more": MAILS.format(', lanes=("interactive", "bulk")')}),
    (OverrideField(node="api", field="deadline_seconds", value=5.0),
     'environment("prod", ..., overrides={api: {"deadline": "5 seconds"}})',
     {"in_prod": 'overrides={api: {"deadline": "5 seconds"}}'}),
    (OverrideField(node="api", field="memory_mib", value=2_048),
     'environment("prod", ..., overrides={api: {"memory": 2048}})',
     {"in_prod": 'overrides={api: {"memory": 2048}}'}),
    (SizePart(part="db", field="max_acu", value=16.0),
     'environment("prod", ..., sizes={db: {"max_acu": 16}})', {"in_prod": 'sizes={db: {"max_acu": 16}}'}),
    (SizePart(part="network", field="interface_endpoints", value=()),
     'environment("prod", ..., sizes={"network": {"interface_endpoints": ()}})',
     {"in_prod": 'sizes={"network": {"interface_endpoints": ()}}'}),
    (SetEnvironment(field="nat", value="per_zone"),
     'environment("prod", ..., nat="per_zone")', {"in_prod": 'nat="per_zone"'}),
    (AddEnvironment(name="test", rung="host", scale=0.25), 'environment("test", rung="host", scale=0.25)',
     {"notify": 'w.notify("pagerduty:integration-key")\nw.environment("test", rung="host", scale=0.25)'}),
    (State(fact=PROMISE, text='Objectives(availability="99.5%", p99="300ms")'),
     'objectives(Objectives(availability="99.5%", p99="300ms"))',
     {"objectives": 'w.objectives(Objectives(availability="99.5%", p99="300ms"))'}),
    (Notify(address="sms:+4915112345678"), 'notify("sms:+4915112345678")',
     {"notify": 'w.notify("pagerduty:integration-key")\nw.notify("sms:+4915112345678")'}),
    (SetRepository(repository="example/other"), 'Workload("atlas", repository="example/other")',
     {"workload": 'w = Workload("atlas", repository="example/other")'}),
)  # fmt: skip


@pytest.mark.parametrize(("change", "text", "lines"), SAYINGS, ids=[text for _, text, _ in SAYINGS])
def test_the_text_is_the_change(change: Change, text: str, lines: dict[str, str], written: Written) -> None:
    before = {"more": MAILS.format("")} if "more" in lines else {}
    graph = written(**before)
    assert text_of((change,), graph, "prod") == text
    applied, by_hand = apply(graph, "prod", (change,)), written(**lines)
    assert set(map(_plain, applied.nodes)) == set(map(_plain, by_hand.nodes))
    assert place(applied, "prod").parts == place(by_hand, "prod").parts


def _plain(node: object) -> str:
    """Two nodes are the same when they say the same; a whole number is a fraction too."""
    return repr(node).replace(".0,", ",").replace(".0)", ")")


def test_a_cure_wins_over_an_earlier_override_of_the_same_field(written: Written) -> None:
    graph = written(in_prod='overrides={api: {"min_tasks": 3}}, sizes={db: {"max_acu": 4}}')
    changes = (
        OverrideField(node="api", field="min_tasks", value=6),
        SizePart(part="db", field="max_acu", value=8.0),
    )
    prod = next(each for each in apply(graph, "prod", changes).of(Environment) if each.name == "prod")
    assert [(each.field, each.value) for each in prod.overrides] == [("min_tasks", 6)]
    assert [(each.field, each.value) for each in prod.sizes] == [("max_acu", 8.0)]


def test_a_changed_declaration_wins_over_an_override(written: Written) -> None:
    graph = written(more=MAILS.format(""), in_prod='overrides={q: {"max_receive_count": 3}}')
    mended = apply(graph, "prod", (SetField(node="mails", field="max_receive_count", value=9),))
    assert next(iter(mended.of(Queue))).max_receive_count == 9
    assert not any(each.overrides for each in mended.of(Environment))


def test_a_workload_without_environments_gets_the_one_it_is_placed_in(written: Written) -> None:
    graph = written(staging="", prod="")
    mended = apply(graph, "production", (SizePart(part="db", field="readers", value=1),))
    assert [(each.name, each.production) for each in mended.of(Environment)] == [("production", True)]
    assert place(mended, "production").part("db").readers == 1  # type: ignore[union-attr]


def test_many_findings_of_one_kind_are_one(written: Written, book: PriceBook) -> None:
    names = ("red", "green", "blue")
    more = "\n".join(f'{name} = w.bucket("{name}")' for name in names)
    uses = ", ".join(("db", *names))
    api = f'api = w.service("api", app="atlas.api:app", health="/health", uses=[{uses}], min_tasks=2)'
    found = [each for each in reviewed(written(extra=more, api=api), "prod", book) if each.code == "R1477"]
    assert len(found) == 1
    assert found[0].found.endswith(", and 2 more")
    assert found[0].evidence.endswith("; the same of green, blue")
    assert all(f'bucket("{name}", ..., archive_days=90)' in found[0].cure for name in names)


def test_of_two_numbers_for_one_override_the_larger_has_room_for_both() -> None:
    small, large = (OverrideField(node="db", field="max_connections", value=value) for value in (200, 450))
    other = Notify(address="sms:+4915112345678")
    assert merged((large, other, small, other)) == (large, other)


def test_a_size_is_priced_from_its_part_alone(written: Written, book: PriceBook) -> None:
    graph = written(
        objectives='w.objectives(Objectives(availability="99.95%"))', in_prod='sizes={db: {"readers": 0}}'
    )
    advice = next(each for each in reviewed(graph, "prod", book) if each.code == "R1431")
    assert advice.cure_dollars_monthly is not None
    assert advice.cure_dollars_monthly > 10
