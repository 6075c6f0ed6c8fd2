"""An event that a rule could not deliver, and what is written beside it, under the names that EventBridge uses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

#: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html, "Considerations", read on 2026-11-21.
RULE, CODE, MESSAGE = "RULE_NAME", "ERROR_CODE", "ERROR_MESSAGE"
EXHAUSTED, ATTEMPTS = "EXHAUSTED_RETRY_CONDITION", "RETRY_ATTEMPTS"
TOO_MANY, TOO_OLD = "MaximumRetryAttempts", "MaximumEventAgeInSeconds"


@dataclass(frozen=True, slots=True, kw_only=True)
class Undelivered:
    """An event for which there is no dead-letter queue: kept in the table of dead letters."""

    lane: str
    body: bytes
    headers: Mapping[str, str]
    reason: str


def undelivered_headers(
    rule: str, *, code: str, message: str, attempts: int, exhausted: str | None = None
) -> dict[str, str]:
    """Why an event lies in a dead-letter queue. `attempts` counts tries after the first."""
    told = {RULE: rule, CODE: code, MESSAGE: message[:500], ATTEMPTS: str(attempts)}
    return told if exhausted is None else {**told, EXHAUSTED: exhausted}
