"""A transformer as data, and how it is read from the fields of an EventBridge target.

{"InputPathsMap": {"order": "$.detail.order"}, "InputTemplate": "{\\"number\\": <order>}"}
{"Input": "{\\"go\\": true}"}
{"InputPath": "$.detail"}
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from rung.near import suggestion
from rung.patterns.mistakes import Mistake, Mistakes
from rung.transforms.paths import Path, parse_path

#: Limits of InputTransformer and Target (API reference, see the package).
MAX_TEMPLATE_CHARACTERS = 8_192
MAX_PATHS = 100
MAX_PATH_CHARACTERS = 256
#: What every template may name, as text and as JSON. The last two are JSON, and no part of a text.
EVENT, WHOLE_EVENT = "aws.events.event", "aws.events.event.json"
RULE_ARN, RULE_NAME = "aws.events.rule-arn", "aws.events.rule-name"
INGESTION_TIME = "aws.events.event.ingestion-time"
PREDEFINED = (RULE_ARN, RULE_NAME, INGESTION_TIME, EVENT, WHOLE_EVENT)
_NAME = re.compile(r"[A-Za-z0-9_-]{1,256}")
_TOKEN = re.compile(r'<(?P<name>[A-Za-z0-9_.-]+)>|\\.|"', re.DOTALL)
#: Stands for the value of a slot inside of a text while a template is judged.
_MARK = "\u2400value"
_FORMS = "a template with its paths, a constant, or a path"


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """A place in a template for the value of `name`; `inside` a JSON string or as a value of its own."""

    name: str
    inside: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """Text with slots, and the paths of the names that are not predefined."""

    pieces: tuple[str | Slot, ...]
    paths: Mapping[str, Path]


@dataclass(frozen=True, slots=True, kw_only=True)
class Constant:
    """The same JSON for every event."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """The part of the event at a path."""

    path: Path


Transformer: TypeAlias = Template | Constant | Part


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedTransformer:
    """The transformer, or the mistakes that keep it from being one."""

    transformer: Transformer | None
    mistakes: tuple[Mistake, ...]


def parse_transformer(text: str) -> ParsedTransformer:
    """A transformer of the JSON of its EventBridge fields."""
    mistakes = Mistakes()
    transformer = _parse(_fields(text), mistakes)
    return ParsedTransformer(transformer=None if mistakes.found else transformer, mistakes=tuple(mistakes.found))


def _fields(text: str) -> dict[str, Any]:
    """The fields that are given and are of the right type; the others count as left out."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    given = found if isinstance(found, dict) else {}
    names = ("InputTemplate", "Input", "InputPath")
    texts = {name: given[name] for name in names if isinstance(given.get(name), str)}
    paths = given.get("InputPathsMap")
    return {**texts, "InputPathsMap": paths if isinstance(paths, dict) else {}}


def _parse(fields: Mapping[str, Any], mistakes: Mistakes) -> Transformer | None:
    given = [name for name in ("InputTemplate", "Input", "InputPath") if name in fields]
    if len(given) != 1:
        mistakes.add("$", f"{len(given)} ways to make the input", f"write one of {_FORMS}")
        return None
    match given[0]:
        case "InputPath":
            path = _path("path", fields["InputPath"], mistakes)
            return None if path is None else Part(path=path)
        case "Input":
            return _constant(fields["Input"], mistakes)
        case _:
            return _template(fields["InputTemplate"], fields["InputPathsMap"], mistakes)


def _constant(text: str, mistakes: Mistakes) -> Constant:
    if len(text) > MAX_TEMPLATE_CHARACTERS:
        mistakes.add("constant", f"{len(text):,} characters", f"at most {MAX_TEMPLATE_CHARACTERS:,}")
    if not _is_json(text):
        mistakes.add("constant", "it is not JSON", "write what json.dumps can say")
    return Constant(text=text)


def _path(at: str, text: Any, mistakes: Mistakes) -> Path | None:
    path = parse_path(text) if isinstance(text, str) and len(text) <= MAX_PATH_CHARACTERS else None
    if path is None:
        possible = (
            "write keys of letters, digits, - and _ with dots between them, indices and *, as in "
            f"$.detail.lines[0], at most {MAX_PATH_CHARACTERS} characters"
        )
        mistakes.add(at, f"{text!r} is no path that EventBridge knows", possible)
    return path


def _template(text: str, given: Mapping[str, str], mistakes: Mistakes) -> Template:
    if len(text) > MAX_TEMPLATE_CHARACTERS:
        mistakes.add("template", f"{len(text):,} characters", f"at most {MAX_TEMPLATE_CHARACTERS:,}")
    if len(given) > MAX_PATHS:
        mistakes.add("paths", f"{len(given)} paths", f"at most {MAX_PATHS}")
    paths: dict[str, Path] = {}
    for name, path in given.items():
        if _NAME.fullmatch(name) is None:
            mistakes.add(f"paths[{name!r}]", "it is not a name", "write letters, digits, - and _")
        found = _path(f"paths[{name!r}]", path, mistakes)
        if found is not None:
            paths[name] = found
    template = Template(pieces=_pieces(text), paths=paths)
    _judge(template, given, mistakes)
    return template


def _pieces(text: str) -> tuple[str | Slot, ...]:
    """The template cut at its slots, each with whether it stands inside a JSON string."""
    pieces: list[str | Slot] = []
    inside, at = False, 0
    for token in _TOKEN.finditer(text):
        if token["name"] is not None:
            pieces += [text[at : token.start()], Slot(name=token["name"], inside=inside)]
            at = token.end()
        elif token[0] == '"':
            inside = not inside
    pieces.append(text[at:])
    return tuple(piece for piece in pieces if piece != "")


def _judge(template: Template, given: Mapping[str, str], mistakes: Mistakes) -> None:
    """What only the whole template shows: unknown names, JSON inside of text, text that is no JSON."""
    for slot in dict.fromkeys(piece for piece in template.pieces if isinstance(piece, Slot)):
        known = (*given, *PREDEFINED)
        if slot.name not in known:
            there = ", ".join(known)
            mistakes.add(
                "template", f"<{slot.name}> is not in paths{suggestion(slot.name, known)}", f"it may name {there}"
            )
        elif slot.inside and slot.name in (EVENT, WHOLE_EVENT):
            mistakes.add("template", f"<{slot.name}> inside of a text", "write it without quotes, as a value")
    sample = "".join(_sample(piece) for piece in template.pieces)
    if not _is_json(sample) or _names_a_key(json.loads(sample)):
        mistakes.add(
            "template", "with its values it is not JSON",
            'write JSON: {"order": <order>}, or a text in quotes: "order <order> is paid"; no <name> is a key',
        )  # fmt: skip


def _sample(piece: str | Slot) -> str:
    if isinstance(piece, str):
        return piece
    return _MARK if piece.inside else "0"


def _names_a_key(value: Any) -> bool:
    """Whether a slot stands in the name of a key, which EventBridge does not take."""
    match value:
        case dict():
            return any(_MARK in key or _names_a_key(each) for key, each in value.items())
        case list():
            return any(_names_a_key(each) for each in value)
        case _:
            return False


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True
