"""The rules of a bus as its router is told them: JSON, written by `rung dev` or Terraform, and what is made of it.

[{"name": "paid", "pattern": "{...}", "target": {"kind": "queue", "name": "mails"}, "transform": null,
  "max_attempts": 185, "max_age_seconds": 86400.0, "dead_letter": "undelivered"}]
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from rung.patterns.matcher import Matcher
from rung.patterns.parse import parse
from rung.runtime.errors import BindingError
from rung.transforms.rendering import Facts, render
from rung.transforms.transformer import Transformer, parse_transformer

#: Longer than a target may take: what the router holds comes back then, when the router has died.
MARGIN_SECONDS = 25.0


class QueueTarget(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="queue"):
    """A queue of the workload, by its node's name; its binding says where it is."""

    name: str


class ServiceTarget(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="service"):
    """A service of the workload: POST to `path`, answered within `deadline_seconds`."""

    name: str
    path: str = "/"
    deadline_seconds: float = 5.0


class WebhookTarget(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="webhook"):
    """A host outside: POST over HTTPS to `path`, answered within `deadline_seconds`."""

    name: str
    path: str = "/"
    deadline_seconds: float = 5.0


class WorkflowTarget(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="workflow"):
    """A workflow: one run for each event, whose input it is; started within `deadline_seconds`."""

    name: str
    deadline_seconds: float = 10.0


Target = QueueTarget | ServiceTarget | WebhookTarget | WorkflowTarget


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """One filter, one target, its retries and its dead-letter queue. `max_attempts`: tries after the first."""

    name: str
    pattern: str
    target: Target
    transform: str | None = None
    max_attempts: int = 185
    max_age_seconds: float = 86_400.0
    dead_letter: str | None = None
    #: The ARN of the rule on EventBridge, where it is one: a transformed input may say it, and its name.
    arn: str | None = None


def encode_rules(rules: Sequence[Rule]) -> str:
    """The rules as JSON."""
    return msgspec.json.encode(rules).decode()


def decode_rules(text: str | bytes) -> tuple[Rule, ...]:
    """The rules of their JSON. Raises BindingError."""
    try:
        return msgspec.json.decode(text, type=tuple[Rule, ...])
    except msgspec.MsgspecError as error:
        raise BindingError(f"the rules of the bus cannot be read: {error}") from error


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a bus is, as ARNs in a transformed input say it."""

    bus: str
    account: str
    region: str

    def arn_of(self, rule: str) -> str:
        """The ARN of a rule."""
        return f"arn:aws:events:{self.region}:{self.account}:rule/{self.bus}/{rule}"


class RuleBook:
    """All rules of one bus: which take an event, and what the target of each gets."""

    def __init__(self, rules: Sequence[Rule], place: Place) -> None:
        self._place = place
        self._rules: dict[str, Rule] = {}
        self._transformers: dict[str, Transformer | None] = {}
        self._matcher = Matcher()
        for each in rules:
            self.add(each)

    def __getitem__(self, name: str) -> Rule:
        return self._rules[name]

    def get(self, name: str) -> Rule | None:
        """The rule of this name, if there is one."""
        return self._rules.get(name)

    def __len__(self) -> int:
        return len(self._rules)

    @property
    def rules(self) -> tuple[Rule, ...]:
        """All of them, in order."""
        return tuple(self._rules.values())

    def add(self, rule: Rule) -> None:
        """One more rule. Raises BindingError when `rung check` would have refused it."""
        parsed = parse(rule.pattern)
        if parsed.pattern is None:
            raise BindingError(f"the pattern of rule {rule.name!r}: {parsed.mistakes[0].found}")
        self._transformers[rule.name] = _transformer_of(rule)
        self._rules[rule.name] = rule
        self._matcher.add(rule.name, parsed.pattern)

    def taking(self, event: Mapping[str, Any]) -> list[Rule]:
        """The rules that take an event (as `json.loads` gives it), in their order."""
        return [self._rules[name] for name in self._matcher.match(event)]

    def input_of(self, rule: Rule, event: Mapping[str, Any], body: bytes, ingestion_time: str) -> bytes:
        """What the rule's target gets of `event`, whose JSON is `body`. Raises TransformError."""
        transformer = self._transformers[rule.name]
        if transformer is None:
            return body
        arn = rule.arn or self._place.arn_of(rule.name)
        facts = Facts(rule_name=arn.rpartition("/")[2], rule_arn=arn, ingestion_time=ingestion_time)
        return render(transformer, event, facts)


def _transformer_of(rule: Rule) -> Transformer | None:
    if rule.transform is None:
        return None
    parsed = parse_transformer(rule.transform)
    if parsed.transformer is None:
        raise BindingError(f"the transform of rule {rule.name!r}: {parsed.mistakes[0].found}")
    return parsed.transformer


def event_of(body: bytes) -> dict[str, Any]:
    """An event of its JSON. Raises ValueError when it is none."""
    found = json.loads(body)
    if not isinstance(found, dict):
        raise ValueError(f"an event is an object, not a {type(found).__name__}")
    return found
