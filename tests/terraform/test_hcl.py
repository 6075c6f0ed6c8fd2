"""The writer's text is what `terraform fmt` would leave, and Terraform reads back the values that were written."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from tests.terraform.tool import Terraform

from rung.terraform.hcl import Block, Call, Expression, Noted, Raw, Text, document, expression

#: Terraform turns every string into Unicode's composed form (NFC), so letters that change under it are left out.
LETTERS = st.characters(blacklist_categories=("Cs", "Mn", "Lo", "Cn", "Co"))
AWKWARD = st.sampled_from(
    ['"', "${a}", "$${", "%{if}", "\\", "\n", "\t", "\r\n", "\x00", "$", "%", "{", "}", "ä", "😀", "#", "<<E"]
)  # fmt: skip
STRINGS = st.lists(st.one_of(AWKWARD, st.text(LETTERS, max_size=5)), max_size=6).map("".join)
SCALARS = st.one_of(
    STRINGS, st.booleans(), st.integers(-(2**53), 2**53), st.floats(-1e6, 1e6).map(lambda number: round(number, 4))
)
KEYS = st.one_of(STRINGS, st.from_regex(r"[a-z_]{1,20}", fullmatch=True))
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)


def _normal(value: Any) -> Any:
    """The value as JSON tells it, with strings in the form that Terraform keeps."""
    from unicodedata import normalize

    match value:
        case str():
            return normalize("NFC", value)
        case list():
            return [_normal(item) for item in value]
        case dict():
            return {normalize("NFC", name): _normal(item) for name, item in value.items()}
        case _:
            return value


@pytest.mark.terraform
@settings(max_examples=6, deadline=None, phases=(Phase.generate,), suppress_health_check=list(HealthCheck))
@given(values=st.lists(VALUES, min_size=20, max_size=60))
def test_terraform_reads_back_what_was_written_and_would_format_it_the_same(
    terraform: Terraform, tmp_path: Path, values: list[Any]
) -> None:
    written = [
        Block(kind="output", labels=(f"v{index}",), attributes={"value": value})
        for index, value in enumerate(values)
    ]
    (tmp_path / "main.tf").write_text(document(written), encoding="utf-8", newline="")
    assert terraform.format_differences(tmp_path) == ""
    terraform.run(tmp_path, "apply", "-auto-approve", "-no-color")
    read = json.loads(terraform.run(tmp_path, "output", "-json").stdout)
    assert [_normal(read[f"v{index}"]["value"]) for index in range(len(values))] == [
        _normal(value) for value in values
    ]


def _module() -> Block:
    environment: dict[str, Expression] = {
        "PORT": 8000,
        "DATABASE_URL": Text(("postgresql://", Raw("module.db.endpoint"), ":5432/shop")),
        "RUNG_BINDING_ORDERS": Call(
            "jsonencode", ({"kind": "queue", "urls": {"default": Raw("module.orders.url")}},)
        ),
    }
    return Block(
        kind="module",
        labels=("api",),
        note="api answers requests (workload.py:15)",
        attributes={
            "source": "../modules/ecs_service",
            "cpu": 0.5,
            "command": ["python", "-m", "rung.runtime.serve"],
            "environment": environment,
            "statements": [
                Noted("api sends to orders (workload.py:18)", {"sid": "Send", "actions": ["sqs:SendMessage"]})
            ],
            "subnet_ids": Raw("module.network.private_subnet_ids"),
        },
    )


def test_a_module_reads_like_one_written_by_hand() -> None:
    assert (
        document([_module()])
        == """\
# api answers requests (workload.py:15)
module "api" {
  source  = "../modules/ecs_service"
  cpu     = 0.5
  command = ["python", "-m", "rung.runtime.serve"]
  environment = {
    PORT                = 8000
    DATABASE_URL        = "postgresql://${module.db.endpoint}:5432/shop"
    RUNG_BINDING_ORDERS = jsonencode({ kind = "queue", urls = { default = module.orders.url } })
  }
  statements = [
    # api sends to orders (workload.py:18)
    { sid = "Send", actions = ["sqs:SendMessage"] },
  ]
  subnet_ids = module.network.private_subnet_ids
}
"""
    )


def test_what_is_too_long_for_a_line_is_spread_over_several() -> None:
    long = {"first": "x" * 60, "second": "y" * 60}
    assert expression([long]) == f'[\n  {{\n    first  = "{"x" * 60}"\n    second = "{"y" * 60}"\n  }},\n]'
    assert expression(Call("jsonencode", (long,))).splitlines()[0] == "jsonencode({"


def test_a_string_cannot_begin_an_expression() -> None:
    assert expression('${file("/etc/passwd")}') == r'"$${file(\"/etc/passwd\")}"'
    assert expression(Text(("%{ if true }", Raw("module.a.b")))) == '"%%{ if true }${module.a.b}"'


@pytest.mark.terraform
def test_the_example_is_formatted_as_terraform_would(terraform: Terraform, tmp_path: Path) -> None:
    (tmp_path / "main.tf").write_text(document([_module(), _module()]))
    assert terraform.format_differences(tmp_path) == ""
