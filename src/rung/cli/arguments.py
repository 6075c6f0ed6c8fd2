"""Values of options that several commands take: counts, and URLs of servers."""

from __future__ import annotations

import argparse
import math
import os
from urllib.parse import urlsplit

from rung.errors import UsageError

HIGHEST_PORT = 65_535
DATABASES = ("postgresql", "postgres")
BROKERS = (*DATABASES, "redis", "rediss", "valkey", "amqp", "amqps")


def at_least_one(text: str) -> int:
    """The type of an option that counts something."""
    return _number(text, least=1)


def at_least_zero(text: str) -> int:
    """The type of an option such as a seed."""
    return _number(text, least=0)


def port_number(text: str) -> int:
    """The type of an option that is a TCP port."""
    number = _number(text, least=1)
    if number > HIGHEST_PORT:
        raise argparse.ArgumentTypeError(f"{text!r}: a port is at most {HIGHEST_PORT}")
    return number


def duration_seconds(text: str) -> float:
    """The type of an option that is a time in seconds, however short, and ends."""
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 < seconds < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r}: write a number of seconds above 0")
    return seconds


def server_url(text: str, schemes: tuple[str, ...] = DATABASES) -> str:
    """The URL as it is. Raises UsageError when no server could be meant; the text itself may hold a password."""
    try:
        found = urlsplit(text)
        good = found.scheme in schemes and found.port != 0
    except ValueError:
        good = False
    if not good:
        raise UsageError(f"--url takes {schemes[0]}://user:password@host:port/..., or {_others(schemes)}")
    return text


def database_url(given: str | None) -> str:
    """`--url`, else DATABASE_URL. Raises UsageError when there is neither, or no database could be meant."""
    url = given or os.environ.get("DATABASE_URL")
    if not url:
        raise UsageError("say which database: --url URL, or DATABASE_URL in the environment")
    return server_url(url)


def _others(schemes: tuple[str, ...]) -> str:
    return ", ".join(f"{each}://" for each in schemes[1:])


def _number(text: str, *, least: int) -> int:
    try:
        number = int(text)
    except ValueError:
        number = least - 1
    if number < least:
        raise argparse.ArgumentTypeError(f"{text!r}: write a whole number of {least} or more")
    return number
