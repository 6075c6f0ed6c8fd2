"""What a workload file says of a rule: what it delivers to, and what of an event its target gets."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from rung.model.handles import (
    ExternalHandle,
    JobHandle,
    QueueHandle,
    ServiceHandle,
    WorkerHandle,
    WorkflowHandle,
)

#: What a rule delivers to.
Target = QueueHandle | WorkerHandle | WorkflowHandle | JobHandle | ServiceHandle | ExternalHandle
TARGETS = (QueueHandle, WorkerHandle, WorkflowHandle, JobHandle, ServiceHandle, ExternalHandle)


@dataclass(frozen=True, slots=True, kw_only=True)
class Transform:
    """The target's input, made as EventBridge makes it; one of three.

    `template` is JSON with `<name>` for the value at `paths[name]`, a JSON path into the event such as
    `$.detail.order`; `<aws.events.event.json>`, `<aws.events.event>`, `<aws.events.rule-name>`,
    `<aws.events.rule-arn>` and `<aws.events.event.ingestion-time>` are always there. `constant` is sent as it is,
    whatever the event says. `path` sends the part of the event that lies there.
    """

    template: str | None = None
    paths: Mapping[str, str] = field(default_factory=dict)
    constant: object = None
    path: str | None = None

    def as_json(self) -> str:
        """The fields of an EventBridge target, as JSON. Raises ValueError for a constant that JSON cannot say."""
        fields: dict[str, object] = {}
        if self.template is not None:
            fields["InputTemplate"] = self.template
        if self.paths:
            fields["InputPathsMap"] = dict(self.paths)
        if self.constant is not None:
            fields["Input"] = json.dumps(self.constant, ensure_ascii=False)
        if self.path is not None:
            fields["InputPath"] = self.path
        return json.dumps(fields, ensure_ascii=False)


def transform_text(given: object) -> object:
    """A transform as its JSON; anything else as it is, for the type check to name."""
    if not isinstance(given, Transform):
        return given
    try:
        return given.as_json()
    except (TypeError, ValueError):
        return given


def pattern_text(given: object) -> object:
    """A pattern as its JSON; what JSON cannot say as it is, for the type check to name."""
    try:
        return json.dumps(given, sort_keys=True)
    except (TypeError, ValueError):
        return given
