"""Every IAM action that a module writes into a policy exists, by policy_sentry's copy of AWS's own tables."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from functools import cache

import pytest
from tests.terraform.module_harness import MODULES

pytest.importorskip("policy_sentry")
WORD = re.compile(r'"(?P<service>[a-z0-9-]+):(?P<name>[A-Za-z*]+)"')
#: Words with a colon that are no permissions of a service.
GLOBAL = {"aws"}
EFFECT = re.compile(r'Effect += "(\w+)"')


@cache
def actions(service: str) -> frozenset[str]:
    from policy_sentry.querying.actions import get_actions_for_service

    return frozenset(get_actions_for_service(service))


@cache
def conditions(service: str) -> frozenset[str]:
    from policy_sentry.querying.conditions import get_condition_keys_for_service

    return frozenset(get_condition_keys_for_service(service))


def words(module: str) -> set[tuple[str, str]]:
    """Everything in the module's files that reads like `service:Action`."""
    texts = (path.read_text() for path in (MODULES / module).glob("*.tf") if path.name != "variables.tf")
    return {(found["service"], found["name"]) for text in texts for found in WORD.finditer(text)}


@pytest.mark.parametrize("module", sorted(path.parent.name for path in MODULES.glob("*/main.tf")))
def test_every_action_exists(module: str) -> None:
    unknown = [
        f"{service}:{name}"
        for service, name in sorted(words(module))
        if service not in GLOBAL
        and f"{service}:{name}" not in conditions(service)
        and not any(fnmatchcase(action, f"{service}:{name}") for action in actions(service))
    ]
    assert unknown == []


def test_no_module_gives_a_whole_service() -> None:
    """Whole services are denied (without TLS), or are a key that its own account decides about by IAM."""
    given = [
        f"{path.parent.name}/{path.name}: {found[0]}"
        for path in sorted(MODULES.glob("*/*.tf"))
        for text in (path.read_text(),)
        for found in WORD.finditer(text)
        if found["name"] == "*"
        and found["service"] != "kms"
        and EFFECT.findall(text[: found.start()])[-1] == "Allow"
    ]
    assert given == []
