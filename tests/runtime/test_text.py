"""Halves of characters, as JSON from outside may hold them, break neither log, worker, workflow nor webhook."""

from __future__ import annotations

import json

import pytest

from rung.runtime.log import configure_logging, logger
from rung.runtime.text import keepable
from rung.runtime.webhooks.deliverer import _failure
from rung.runtime.worker.handler import describe, format_traceback
from rung.runtime.workflow.errors import Failure

HALF = json.loads('"plan \\udcff"')


def test_a_half_is_written_out() -> None:
    assert keepable(HALF) == "plan \\udcff"
    assert keepable("ganz \N{SNOWMAN}") == "ganz \N{SNOWMAN}"


@pytest.mark.parametrize("style", ["json", "console"])
def test_a_log_line_with_a_half_breaks_nobody(style: str, capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging(format=style)
    try:
        logger(__name__).error("refused", reason=HALF, exc_info=ValueError(HALF))
    finally:
        configure_logging(format="json")
    assert "udcff" in capsys.readouterr().out


def test_what_is_kept_of_an_error_can_be_kept() -> None:
    error = ValueError(HALF)
    failure = Failure.of(error)
    kept = (describe(error), format_traceback(error), failure.message, failure.traceback)
    for text in (*kept, _failure(0.0, HALF).error or ""):
        assert "udcff" in text
        text.encode()
