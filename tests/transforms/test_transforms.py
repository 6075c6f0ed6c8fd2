"""Input transformers give what EventBridge's documentation shows, and refuse what it refuses.

The examples of the guide "Amazon EventBridge input transformation" (page eb-transform-target-input, read on
2026-11-21) are the first table; what the page leaves open was seen in recorded answers of AWS
(localstack/localstack, tests/aws/services/events/test_events_inputs.snapshot.json, recorded in 2024).
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from rung.transforms.paths import MISSING, parse_path
from rung.transforms.rendering import Facts, TransformError, render
from rung.transforms.transformer import parse_transformer

EVENT: dict[str, Any] = {
    "version": "0",
    "id": "7bf73129-1428-4cd3-a780-95db273d1602",
    "detail-type": "EC2 Instance State-change Notification",
    "source": "aws.ec2",
    "account": "123456789012",
    "time": "2015-11-11T21:29:54Z",
    "region": "us-east-1",
    "resources": ["arn:aws:ec2:us-east-1:123456789012:instance/i-abcd1111"],
    "detail": {
        "instance-id": "i-0123456789",
        "state": "RUNNING",
        "disks": [{"size": 8}, {"size": 20}],
        "quote": 'a "b"',
    },
}
FACTS = Facts(
    rule_name="example",
    rule_arn="arn:aws:events:us-east-2:123456789012:rule/example",
    ingestion_time="2015-11-11T21:29:55Z",
)
PATHS = {
    "instance": "$.detail.instance-id",
    "state": "$.detail.state",
    "disks": "$.detail.disks",
    "no": "$.detail.no",
}


def transformed(template: str, **paths: str) -> Any:
    parsed = parse_transformer(json.dumps({"InputPathsMap": {**PATHS, **paths}, "InputTemplate": template}))
    assert parsed.transformer is not None, parsed.mistakes
    return json.loads(render(parsed.transformer, EVENT, FACTS))


def mistakes(**fields: Any) -> list[str]:
    return [f"{each.path}: {each.found}" for each in parse_transformer(json.dumps(fields)).mistakes]


@pytest.mark.parametrize(
    ("template", "wanted"),
    [
        ('"instance <instance> is in <state>"', "instance i-0123456789 is in RUNNING"),
        ('"instance \\"<instance>\\" is in <state>"', 'instance "i-0123456789" is in RUNNING'),
        ('{"instance" : <instance>, "state": <state>}', {"instance": "i-0123456789", "state": "RUNNING"}),
        (
            '{"instance": <instance>, "state": "<state>", "status": "instance \\"<instance>\\" is in <state>"}',
            {"instance": "i-0123456789", "state": "RUNNING", "status": 'instance "i-0123456789" is in RUNNING'},
        ),
        (
            '{"state": [ 9, <state>, true ], "Transformed" : "Yes"}',
            {"state": [9, "RUNNING", True], "Transformed": "Yes"},
        ),
        (
            '{"ruleArn": <aws.events.rule-arn>, "name" : <aws.events.rule-name>, "all": <aws.events.event.json>}',
            {"ruleArn": FACTS.rule_arn, "name": "example", "all": EVENT},
        ),
        ('"<aws.events.rule-name> triggered"', "example triggered"),
        ('{"at": "<aws.events.event.ingestion-time>"}', {"at": FACTS.ingestion_time}),
    ],
)
def test_the_examples_of_the_guide(template: str, wanted: Any) -> None:
    assert transformed(template) == wanted


def test_the_event_without_its_detail() -> None:
    assert transformed("<aws.events.event>") == {key: EVENT[key] for key in EVENT if key != "detail"}


def test_what_is_not_there_is_nothing_in_a_text_and_empty_as_a_value() -> None:
    assert transformed('"state <no>."') == "state ."
    assert transformed('{"state": <no>}') == {"state": ""}


def test_an_object_inside_of_a_text_loses_its_quotes() -> None:
    assert transformed('"disks <disks>"') == "disks [{size:8},{size:20}]"


def test_values_are_not_escaped_so_a_quote_in_one_ends_the_text() -> None:
    assert transformed('{"said": <said>}', said="$.detail.quote") == {"said": 'a "b"'}
    with pytest.raises(TransformError, match="not JSON"):
        transformed('"said <said>"', said="$.detail.quote")


def test_a_constant_and_a_part_of_the_event() -> None:
    constant = parse_transformer('{"Input": "{\\"go\\": true}"}').transformer
    part = parse_transformer('{"InputPath": "$.detail.state"}').transformer
    assert constant is not None
    assert part is not None
    assert render(constant, EVENT, FACTS) == b'{"go":true}'
    assert render(part, EVENT, FACTS) == b'"RUNNING"'


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        ("$", EVENT),
        ("$.detail-type", EVENT["detail-type"]),
        ("$.detail.disks[1].size", 20),
        ("$.detail.disks[*].size", [8, 20]),
        ("$.detail.disks[2]", MISSING),
        ("$.detail.state.more", MISSING),
        ("$.detail.no.*", MISSING),
    ],
)
def test_a_path_leads_to_its_value(path: str, wanted: Any) -> None:
    found = parse_path(path)
    assert found is not None
    assert found.find(EVENT) == wanted


@pytest.mark.parametrize("text", ["detail", "$detail", "$['detail']", "$..state", "$.detail[-1]", "$.a b", "$."])
def test_a_path_that_eventbridge_does_not_know_is_refused(text: str) -> None:
    assert parse_path(text) is None
    assert mistakes(InputPath=text) == [f"path: {text!r} is no path that EventBridge knows"]


def test_every_mistake_of_a_transformer_is_named() -> None:
    assert mistakes() == ["$: 0 ways to make the input"]
    assert mistakes(Input="{}", InputPath="$") == ["$: 2 ways to make the input"]
    assert mistakes(Input="{go}") == ["constant: it is not JSON"]
    assert mistakes(InputTemplate="order <order> is paid", InputPathsMap={"order": "$.detail.order"}) == [
        "template: with its values it is not JSON"
    ]
    assert mistakes(InputTemplate='{"a": <ordr>}', InputPathsMap={"order": "$.id"}) == [
        'template: <ordr> is not in paths (did you mean "order"?)'
    ]
    assert mistakes(InputTemplate='"all of <aws.events.event.json>"') == [
        "template: <aws.events.event.json> inside of a text"
    ]
    for template in ("{<key>: 1}", '{"<key>": 1}'):
        assert mistakes(InputTemplate=template, InputPathsMap={"key": "$.id"}) == [
            "template: with its values it is not JSON"
        ]
    assert mistakes(InputTemplate='"<a>"', InputPathsMap={"a b": "$.id", "a": "$.id"}) == [
        "paths['a b']: it is not a name"
    ]
    assert mistakes(InputTemplate='"' + "x" * 8_192 + '"') == ["template: 8,194 characters"]
