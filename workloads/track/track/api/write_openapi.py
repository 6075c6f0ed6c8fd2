"""`python -m track.api.write_openapi [file]`: writes the OpenAPI document, to standard output without a file."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec

from track.resources import bind_nothing


def main(arguments: Sequence[str]) -> int:
    """Write the document."""
    bind_nothing()
    from track.api.openapi import document
    from track.api.routes import OPERATIONS

    text = msgspec.json.format(msgspec.json.encode(document(OPERATIONS), order="sorted"), indent=2) + b"\n"
    if arguments:
        Path(arguments[0]).write_bytes(text)
    else:
        sys.stdout.buffer.write(text)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
