"""The log is one JSON object per line, joined with the current action, and no secret gets into it."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest

from rung.runtime.context import Context, Tenant, serving
from rung.runtime.log import Secret, configure_logging, logger
from rung.runtime.masking import mask_text, masked

log = logger(__name__)


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_a_line_carries_the_context_and_what_the_caller_said(capsys: pytest.CaptureFixture[str]) -> None:
    with serving(Context(correlation_id="c-1", tenant=Tenant("acme"), user="u-7")):
        log.info("order placed", order_id="o-1", duration_ms=12.5)
    (line,) = lines(capsys)
    time = line.pop("time")
    assert time.endswith("+00:00")
    assert line == {
        "level": "info",
        "event": "order placed",
        "node": "",
        "logger": __name__,
        "correlation_id": "c-1",
        "tenant": "acme",
        "user": "u-7",
        "order_id": "o-1",
        "duration_ms": 12.5,
    }


def test_outside_of_any_action_no_correlation_id_is_invented(capsys: pytest.CaptureFixture[str]) -> None:
    log.warning("started")
    (line,) = lines(capsys)
    assert "correlation_id" not in line
    assert line["level"] == "warning"


def test_an_exception_is_structured_and_its_message_masked(capsys: pytest.CaptureFixture[str]) -> None:
    try:
        raise ValueError("cannot reach postgres://shop:hunter22@db/shop")
    except ValueError:
        log.exception("query failed")
    (line,) = lines(capsys)
    (stack,) = line["exception"]
    assert line["level"] == "error"
    assert stack["exc_type"] == "ValueError"
    assert stack["exc_value"] == "cannot reach postgres://shop:***@db/shop"
    assert stack["frames"][-1]["name"] == "test_an_exception_is_structured_and_its_message_masked"


@pytest.mark.parametrize(
    "name",
    ["password", "db_password", "access_token", "Authorization", "api_key", "card", "card_number", "cookie"],
)
def test_a_field_named_like_a_secret_is_masked(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    log.info("signed in", **{name: "s3cr3t-value", "nested": {name: "s3cr3t-value"}})
    out = capsys.readouterr().out
    assert "s3cr3t" not in out
    assert json.loads(out)[name] == "***"


@pytest.mark.parametrize("name", ["cardinality", "tokens_used", "pass_count", "secretary", "discard", "company"])
def test_a_field_named_only_nearly_like_a_secret_is_not(name: str) -> None:
    assert masked({name: "shown"}) == {name: "shown"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("paid with 4111 1111 1111 1111 today", "paid with *** today"),
        ("5500-0000-0000-0004", "***"),
        ("Authorization: Bearer abc.def.ghi", "Authorization: Bearer ***"),
        ("redis://:pass@127.0.0.1:6379/0", "redis://:***@127.0.0.1:6379/0"),
        ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl", "***"),
    ],
)
def test_a_value_shaped_like_a_secret_is_masked(text: str, expected: str) -> None:
    assert mask_text(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "4111 1111 1111 1112",  # fails the Luhn check
        "order 2026-11-21T05:40:24.123456",
        "4f9c1d41111111111111111a",  # digits inside an id
        "http://api.local/products?page=2",
        "1732167600000000",
    ],
)
def test_a_value_that_only_looks_a_little_like_a_secret_is_kept(text: str) -> None:
    assert mask_text(text) == text


def test_a_secret_prints_as_stars_and_still_works_as_a_string() -> None:
    secret = Secret("hunter2")
    assert f"{secret} {secret!r} {secret:>5}" == "*** Secret('***')   ***"
    assert secret.reveal() == "hunter2"
    assert secret == "hunter2"
    assert masked({"value": secret}) == {"value": "***"}


def test_what_cannot_be_encoded_does_not_break_the_caller(capsys: pytest.CaptureFixture[str]) -> None:
    circle: dict[str, Any] = {}
    circle["self"] = circle
    log.info("odd", thing=object, circle=circle, raw=b"\x00\x01", endless=float("inf"))
    (line,) = lines(capsys)
    assert line["raw"] == "<2 bytes>"


@pytest.mark.usefixtures("configured")
def test_third_parties_write_into_the_same_stream(capsys: pytest.CaptureFixture[str]) -> None:
    with serving(Context(correlation_id="c-2")):
        logging.getLogger("third.party").warning("connecting to redis://:pass@h:%d", 6379)
    (line,) = lines(capsys)
    assert line["event"] == "connecting to redis://:***@h:6379"
    assert (line["logger"], line["level"], line["correlation_id"]) == ("third.party", "warning", "c-2")
    assert line["node"] == "api"


@pytest.mark.usefixtures("configured")
def test_the_console_format_is_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging(format="console")
    log.info("order placed", order_id="o-1")
    out = capsys.readouterr().out
    assert "order placed" in out
    assert "order_id=o-1" in out
    assert not out.startswith("{")
