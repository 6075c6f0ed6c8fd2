"""Text from outside, as it can be kept.

JSON and file names may hold halves of characters (lone surrogates), which Python carries along and no encoding to
UTF-8 takes: neither a broker nor a database nor the log. And Postgres keeps no NUL in text.
"""

from __future__ import annotations


def keepable(text: str) -> str:
    """The text with halves of characters written out, as `\\udcff`."""
    return text.encode("utf-8", "backslashreplace").decode()


def storable(text: str) -> str:
    """The text as Postgres keeps it: `keepable`, and NUL written out too."""
    return keepable(text).replace("\x00", "\\0")
