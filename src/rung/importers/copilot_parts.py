"""Pieces of Copilot's manifests, each in the words of a workload file."""

from __future__ import annotations

import re
from typing import Any

from rung.importers.documents import listing, mapping
from rung.importers.draft import Value
from rung.importers.reading import health_path

_UNITS = {"minute": "minute", "hour": "hour", "day": "day"}
_PREDEFINED = {"@hourly": "1 hour", "@daily": "1 day", "@midnight": "1 day", "@weekly": "7 days"}


def health_of(http: dict[str, Any], image: dict[str, Any]) -> str | None:
    """The path of the health check, in either of its two forms; else the one that the container's own check asks."""
    check = http.get("healthcheck")
    path = mapping(check).get("path") if isinstance(check, dict) else check
    if isinstance(path, str) and path.startswith("/"):
        return path
    return health_path(mapping(image.get("healthcheck")).get("command"))


def counts(value: object) -> dict[str, Value]:
    """`3`, `1-10`, or a range with targets: the fewest and the most tasks."""
    if isinstance(value, int) and not isinstance(value, bool) and value > 0:
        return {"min_tasks": value, "max_tasks": max(value, 4)}
    scope = mapping(value).get("range", value) if isinstance(value, dict) else value
    if isinstance(scope, dict):
        return _between(scope.get("min"), scope.get("max"))
    found = re.fullmatch(r"\s*(\d+)\s*-\s*(\d+)\s*", str(scope))
    return _between(int(found[1]), int(found[2])) if found else {}


def _between(least: object, most: object) -> dict[str, Value]:
    if not isinstance(least, int) or not isinstance(most, int) or not 0 <= least <= most or most < 1:
        return {}
    return {"min_tasks": max(1, least), "max_tasks": most}


def size(content: Any) -> dict[str, Value]:
    """CPU units of 1024 to the vCPU, and MiB."""
    found: dict[str, Value] = {}
    if isinstance(content.get("cpu"), int) and content["cpu"] >= 128:
        found["cpu"] = content["cpu"] / 1024
    if isinstance(content.get("memory"), int) and content["memory"] >= 64:
        found["memory"] = content["memory"]
    return found


def alias_of(http: dict[str, Any]) -> str | None:
    """The first name under which it is reached."""
    for each in listing(http.get("alias")):
        name = mapping(each).get("name") if isinstance(each, dict) else each
        if isinstance(name, str) and re.fullmatch(r"[\w.-]+", name):
            return name
    return None


def every_or_cron(text: str) -> dict[str, Value] | None:
    """`rate(5 minutes)`, `@daily`, `@every 1h30m`, five or six fields of cron; None for what is none of them."""
    words = text.strip()
    rate = re.fullmatch(r"rate\((\d+) (minute|hour|day)s?\)", words)
    if rate and int(rate[1]) > 0:
        return {"every": f"{rate[1]} {_UNITS[rate[2]]}{'s' if rate[1] != '1' else ''}"}
    if words in _PREDEFINED:
        return {"every": _PREDEFINED[words]}
    every = re.fullmatch(r"@every ((?:\d+h)?(?:\d+m)?(?:\d+s)?)", words)
    if every and re.search(r"[1-9]", every[1]):
        return {"every": re.sub(r"(?<=[hms])(?=\d)", " ", every[1])}
    fields = re.sub(r"^cron\((.*)\)$", r"\1", words).split()
    if len(fields) == 6:  # EventBridge's: no seconds, a year at the end, and ? for the day that does not count
        fields = ["*" if each == "?" else each for each in fields[:5]]
        if re.search(r"\d", fields[4]) or "#" in " ".join(fields) or "L" in fields[2] + fields[4]:
            return None  # its days of the week begin with 1 for Sunday
    return {"cron": " ".join(fields)} if len(fields) == 5 and all(_is_field(each) for each in fields) else None


def _is_field(text: str) -> bool:
    return bool(
        re.fullmatch(r"(?:\*|[\dA-Z]+(?:-[\dA-Z]+)?)(?:/\d+)?(?:,(?:[\dA-Z]+(?:-[\dA-Z]+)?)(?:/\d+)?)*", text)
    )


def worker_facts(content: Any) -> tuple[dict[str, Value], list[str]]:
    """The queue of a worker, and the topics (`service/topic`) whose messages arrive there."""
    subscribe = mapping(content.get("subscribe"))
    queue = mapping(subscribe.get("queue"))
    arguments: dict[str, Value] = {}
    for key, parameter in (("retention", "retention"), ("timeout", "visibility_timeout"), ("delay", "delay")):
        if isinstance(queue.get(key), str) and re.fullmatch(r"(?:\d+(?:h|m|s))+", queue[key]):
            arguments[parameter] = re.sub(r"(?<=[hms])(?=\d)", " ", queue[key])
    tries = mapping(queue.get("dead_letter")).get("tries")
    if isinstance(tries, int) and 1 <= tries <= 1_000:
        arguments["max_receive_count"] = tries
    topics = [mapping(each) for each in listing(subscribe.get("topics"))]
    return arguments, [f"{each.get('service')}/{each.get('name')}" for each in topics]


def repository_of(content: Any) -> str | None:
    """`owner/name` of the pipeline's source on GitHub."""
    properties = mapping(mapping(content.get("source")).get("properties"))
    found = re.search(r"github\.com[/:]([\w.-]+/[\w.-]+?)(?:\.git)?/?$", str(properties.get("repository") or ""))
    return found[1] if found else None
