"""The log lines of this package, one JSON object each."""

from __future__ import annotations

import os
import sys
import traceback
from datetime import UTC, datetime

import msgspec


def emit(level: str, event: str, fields: dict[str, object]) -> None:
    """One line on standard output."""
    line = {"time": datetime.now(UTC).isoformat(timespec="milliseconds"), "level": level, "event": event}
    node = os.environ.get("RUNG_NODE")
    if node:
        line["node"] = node
    sys.stdout.write(msgspec.json.encode({**line, **fields}).decode() + "\n")
    sys.stdout.flush()


def log_exception(error: BaseException, fields: dict[str, object]) -> None:
    """An error nobody expected, with its traceback: for our eyes, never for the client's."""
    emit(
        "error",
        "unhandled",
        {**fields, "error": repr(error), "traceback": "".join(traceback.format_exception(error))},
    )
