"""What is there already is named, not made: its ARN stands wherever a part's output would. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any, TypeVar, cast

from rung.model.existing import ExistingCache, ExistingDatabase, ExistingQueue
from rung.model.nodes import Bucket, Bus, Cache, Postgres, Queue, Secret, Table
from rung.parts.design import Part
from rung.parts.values import Reference
from rung.rungs.setting import Setting

Anything = TypeVar("Anything")
Known = Mapping[tuple[str, str], str]
#: How something that exists is named, by kind of node: the beginning of what `existing=` takes.
BEGINNINGS = {
    "secret": "arn:aws:secretsmanager:", "table": "arn:aws:dynamodb:", "bucket": "", "bus": "arn:aws:events:",
    "queue": "arn:aws:sqs:", "load_balancer": "arn:aws:elasticloadbalancing:", "key": "arn:aws:kms:",
}  # fmt: skip


def known_outputs(setting: Setting) -> Known:
    """What is known of everything that exists: (part, output) -> text."""
    known: dict[tuple[str, str], str] = {}
    for node in setting.graph.nodes:
        match node:
            case Secret(existing=str(arn)):
                known[node.name, "arn"] = arn
                known[node.name, "name"] = arn.rpartition(":")[2]
            case Table(existing=str(arn)):
                known[node.name, "arn"] = arn
                known[node.name, "name"] = arn.rpartition("/")[2]
            case Bucket(existing=str(name)):
                known[node.name, "arn"] = f"arn:aws:s3:::{name}"
                known[node.name, "name"] = name
            case Bus(existing=str(name)):
                known[node.name, "arn"] = name
                known[node.name, "name"] = name.rpartition("/")[2]
            case Postgres() if place := setting.existing_database(node.name):
                known.update(_outputs(node.name, _of_database(setting, place)))
            case Cache() if there := setting.existing_cache(node.name):
                known.update(_outputs(node.name, _of_cache(there)))
            case Queue() if lanes := setting.existing_lanes(node):
                for lane, part in setting.queue_parts(node):
                    known.update(_outputs(part, _of_lane(lanes[lane])))
            case _:
                continue
    return known


def _outputs(part: str, values: Mapping[str, str]) -> Known:
    return {(part, output): text for output, text in values.items()}


def _of_database(setting: Setting, place: ExistingDatabase) -> dict[str, str]:
    return {
        "endpoint": place.host, "reader_endpoint": place.host, "port": str(place.port),
        "database": database_name(setting, place.node), "security_group_id": place.security_group,
        "master_secret_arn": place.credentials,
    }  # fmt: skip


def _of_cache(place: ExistingCache) -> dict[str, str]:
    return {"endpoint": place.host, "port": str(place.port), "security_group_id": place.security_group}


def _of_lane(place: ExistingQueue) -> dict[str, str]:
    outputs = {"arn": place.arn, "name": place.arn.rpartition(":")[2], "url": url_of(place.arn)}
    if place.key_arn is not None:
        outputs["key_arn"] = place.key_arn
    if place.dead_letter_arn is not None:
        outputs |= {
            "dead_letter_arn": place.dead_letter_arn, "dead_letter_url": url_of(place.dead_letter_arn),
            "dead_letter_name": place.dead_letter_arn.rpartition(":")[2],
        }  # fmt: skip
    return outputs


def url_of(arn: str) -> str:
    """Where a queue is: `arn:aws:sqs:eu-west-1:123456789012:orders` is
    `https://sqs.eu-west-1.amazonaws.com/123456789012/orders`."""
    _, _, _, region, account, name = (arn.split(":", 5) + [""] * 6)[:6]
    return f"https://sqs.{region}.amazonaws.com/{account}/{name}"


def database_name(setting: Setting, database: str) -> str:
    """What a database is called on its server: the workload's name, unless it exists under another."""
    place = setting.existing_database(database)
    return (place.database if place else None) or setting.graph.name.replace("-", "_")


def to_make(parts: tuple[Part, ...], known: Known) -> tuple[Part, ...]:
    """The parts that are not there yet, knowing what is."""
    there = {name for name, _ in known}
    return tuple(named(part, known) for part in parts if part.name not in there)


def named(value: Anything, known: Known) -> Anything:
    """The same value with text for the outputs that are known."""
    return cast("Anything", _named(value, known)) if known else value


def _named(value: Any, known: Known) -> Any:
    if isinstance(value, Reference):
        text = known.get((value.part, value.output))
        return value if text is None else f"{value.prefix}{text}{value.suffix}"
    if isinstance(value, tuple):
        return tuple(_named(each, known) for each in value)
    if is_dataclass(value) and not isinstance(value, type):
        changed = {field.name: _named(getattr(value, field.name), known) for field in fields(value)}
        return replace(value, **changed)
    return value
