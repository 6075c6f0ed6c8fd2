"""From an event and a transformer to what the target gets: always JSON, without spaces."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, assert_never

from rung.transforms import transformer as names
from rung.transforms.paths import MISSING
from rung.transforms.transformer import Constant, Part, Slot, Template, Transformer


class TransformError(Exception):
    """The values of this event make no JSON of the template: it can never be delivered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What a template may name beside the event: the rule, and when the bus took the event (ISO 8601)."""

    rule_name: str
    rule_arn: str
    ingestion_time: str


def render(transformer: Transformer, event: Mapping[str, Any], facts: Facts) -> bytes:
    """What the target gets of an event (as `json.loads` gives it). Raises TransformError.

    A value inside of a text is put there as it is: EventBridge does not escape it, so quotes in it end the text.
    """
    match transformer:
        case Constant():
            return _compact(transformer.text)
        case Part():
            found = transformer.path.find(event)
            return _dump(None if found is MISSING else found).encode()
        case Template():
            return _compact("".join(_text(piece, transformer, event, facts) for piece in transformer.pieces))
        case _:
            assert_never(transformer)


def _text(piece: str | Slot, template: Template, event: Mapping[str, Any], facts: Facts) -> str:
    if isinstance(piece, str):
        return piece
    value = _value(piece.name, template, event, facts)
    if not piece.inside:
        return _dump("" if value is MISSING else value)
    if value is MISSING:
        return ""
    if isinstance(value, str):
        return value
    return _dump(value).replace('"', "")


def _value(name: str, template: Template, event: Mapping[str, Any], facts: Facts) -> Any:
    if name in template.paths:
        return template.paths[name].find(event)
    match name:
        case names.RULE_NAME:
            return facts.rule_name
        case names.RULE_ARN:
            return facts.rule_arn
        case names.INGESTION_TIME:
            return facts.ingestion_time
        case names.EVENT:
            return {key: value for key, value in event.items() if key != "detail"}
        case names.WHOLE_EVENT:
            return event
        case _:
            return MISSING


def _dump(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _compact(text: str) -> bytes:
    try:
        return _dump(json.loads(text)).encode()
    except ValueError as error:
        raise TransformError(f"the transformed input is not JSON: {error}") from error
