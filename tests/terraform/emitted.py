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
    shared = dict(_shared("\n".join(files.values())))
    blocks = [_resolved(body, named) for block in document["module"] for body in block.values()]
    return frozenset(right for body in blocks for right in (*_allowed(body, shared), *_connected(body)))


def _shared(text: str) -> Iterator[tuple[str, list[str]]]:
    """The blocks of several alike, by label, with the keys of their maps: lanes of a queue, secrets, logins."""
    for block in re.finditer(r'(?ms)^module "(?P<label>\w+)" \{$(?P<body>.*?)^\}$', text):
        if lanes := re.search(r"^  lanes += \[(.*)\]$", block["body"], re.MULTILINE):
            yield block["label"], re.findall(r'"([^"]+)"', lanes[1])
        if secrets := re.search(r"(?ms)^  (?:secrets|logins) += \{(\n.*?^  | .*? )\}$", block["body"]):
            yield block["label"], re.findall(r'([\w-]+)"? += \{', secrets[1])


def _allowed(body: Mapping[str, Any], shared: Mapping[str, list[str]]) -> Iterator[tuple[object, ...]]:
    """The rows of `statements`; one with a key allows the use of that key too, by way of a service."""
    for each in body.get("statements", {}).values():
        tests = each.get("when", {}).values()
        conditions = tuple((_bare(key), *map(_bare, values)) for test in tests for key, values in test.items())
        for action in each["actions"]:
            for resource in _listed(each["resources"], shared):
                yield ("may", _bare(each["role"]), _bare(action), resource, conditions)
        if key := each.get("key"):
            through = (("kms:ViaService", _bare(key["through"])),)
            yield from (
                ("may", _bare(each["role"]), _bare(action), _bare(key["arn"]), through)
                for action in key["actions"]
            )


def _listed(resources: list[str] | str, shared: Mapping[str, list[str]]) -> Iterator[str]:
    """Every resource of a list, of `values(...)` of a block's map, or of both put together by `concat`."""
    text = resources if isinstance(resources, str) else ", ".join(resources)
    for whole in re.finditer(r"values\(module\.(\w+)\.(\w+)\)", text):
        yield from (_entry(whole[1], whole[2], key) for key in shared[whole[1]])
    single = re.sub(
        r"values\([^)]*\)", "", text.removeprefix("${concat(") if text.startswith("${concat") else text
    )
    if isinstance(resources, str):
        resources = re.findall(r'"[^",]*\$\{[^}]*\}[^"]*"|module\.[\w.]+(?:\["[^"]+"\])?', single)
    for each in resources:
        found = re.fullmatch(r'(\w+)\.(\w+)\["([^"]+)"\]', _bare(each))
        yield _entry(*found.groups()) if found else _bare(each)


def _entry(label: str, outputs: str, key: str) -> str:
    """`orders.arns["payment"]` as `orders_payment.arn`: one of several, as if it stood alone."""
    before = {"secrets": ""}.get(label, f"{label.removesuffix('_logins')}_")
    return f"{before}{key}".replace("-", "_") + "." + outputs.removesuffix("s")


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
    return _WHOLE.sub(lambda found: found["expression"], text.strip('"')).strip('"').removeprefix("module.")
