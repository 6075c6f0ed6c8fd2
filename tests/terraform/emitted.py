"""What the emitted files allow, read from their text as Terraform would read it: an independent second reading."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import hcl2

Rights = frozenset[tuple[object, ...]]
_WHOLE = re.compile(r"\$\{(?P<expression>[^{}]*)\}")


def rights(files: Mapping[str, str]) -> Rights:
    """Who may call what on what, under which conditions, and who may connect where: each right by itself."""
    document = hcl2.loads(files["grants.tf"])
    named = {name: value for block in document.get("locals", []) for name, value in block.items()}
    found = re.search(r'^ +region += "([a-z0-9-]+)"$', "\n".join(files.values()), re.MULTILINE)
    named["region"] = found[1] if found else "nowhere"
    blocks = [_resolved(body, named) for block in document["module"] for body in block.values()]
    return frozenset(right for body in blocks for right in (*_allowed(body), *_connected(body)))


def _allowed(body: Mapping[str, Any]) -> Iterator[tuple[object, ...]]:
    """The rows of `statements`; one with a key allows the use of that key too, by way of a service."""
    for each in body.get("statements", {}).values():
        tests = each.get("when", {}).values()
        conditions = tuple((_bare(key), *map(_bare, values)) for test in tests for key, values in test.items())
        for action in each["actions"]:
            for resource in each["resources"]:
                yield ("may", _bare(each["role"]), _bare(action), _bare(resource), conditions)
        if key := each.get("key"):
            through = (("kms:ViaService", _bare(key["through"])),)
            yield from (
                ("may", _bare(each["role"]), _bare(action), _bare(key["arn"]), through)
                for action in key["actions"]
            )


def _connected(body: Mapping[str, Any]) -> Iterator[tuple[object, ...]]:
    """The rows of `allowed`: who reaches whom at which ports."""
    for source, targets in body.get("allowed", {}).items():
        for target, ports in targets.items():
            yield from (("connects", _bare(source), _bare(target), port) for port in ports)


def _resolved(value: Any, named: Mapping[str, Any]) -> Any:
    """A value with locals in place of their names."""
    if isinstance(value, dict):
        return {key: _resolved(each, named) for key, each in value.items() if key != "__is_block__"}
    if isinstance(value, list):
        return [_resolved(each, named) for each in value]
    if isinstance(value, str):
        if (name := value.removeprefix("${local.").removesuffix("}")) in named:
            return _resolved(named[name], named)
        return value.replace("${local.region}", str(named["region"]))
    return value


def _bare(text: str) -> str:
    """`"${module.uploads.arn}/*"` as `uploads.arn/*`."""
    return _WHOLE.sub(lambda found: found["expression"].removeprefix("module."), text.strip('"')).strip('"')
