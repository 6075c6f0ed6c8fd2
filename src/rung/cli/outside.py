"""What a command meets outside of rung, told as findings: none of it is a bug of rung.

Files that it may not read or write, servers that refuse, packages that are not installed.
"""

from __future__ import annotations

import errno
import os
from pathlib import Path

import rung
from rung.errors import ApplicationError, Finding

#: The disk has no room, or may not be written to at all.
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)
#: Clients of servers: what they raise tells of the server, or of what was asked of it.
CLIENTS = ("asyncpg", "redis", "aiormq", "botocore")
#: The extra that brings a package, by the name that is imported.
EXTRAS = {
    "aiohttp": "local",
    "aiormq": "rabbitmq",
    "boto3": "aws",
    "botocore": "aws",
    "cryptography": "webhooks",
    "hdrh": "load",
    "httptools": "load",
    "ijson": "prices",
    "numpy": "forecast",
    "watchfiles": "local",
    "yaml": "import",
}


def finding_of(error: Exception) -> Finding | None:
    """The finding that tells the user what to do; None when it is a fault of rung and not of anything outside."""
    if isinstance(error, ModuleNotFoundError):
        return _package(error)
    if isinstance(error, ApplicationError | ConnectionError | TimeoutError):
        return _server(str(error) or type(error).__name__)
    if isinstance(error, OSError) and error.errno in FULL:
        return _file("what was to be written", error)
    if isinstance(error, OSError) and error.filename is not None:
        file = os.fsdecode(error.filename)
        return None if Path(file).is_relative_to(Path(rung.__file__).parent) else _file(file, error)
    return _server(str(error)) if type(error).__module__.partition(".")[0] in CLIENTS else None


def _file(file: str, error: OSError) -> Finding:
    return Finding(
        code="R0215",
        severity="error",
        message=f"{file} cannot be used: {(error.strerror or str(error)).lower()}",
        effect="the command ended there; what it had already written stays",
        help="name a file or a folder that exists and that you may read and write",
    )


def _server(found: str) -> Finding:
    return Finding(
        code="R0216",
        severity="error",
        message="a server did not do what the command asked of it",
        found=found,
        effect="the command ended there",
        help="look whether the server runs, the URL names it with user and password, and that user may do it",
    )


def _package(error: ModuleNotFoundError) -> Finding | None:
    extra = EXTRAS.get(str(error.name).partition(".")[0])
    if extra is None:
        return None
    return Finding(
        code="R0217",
        severity="error",
        message=f"this command needs the package {error.name!r}",
        found="it is not installed beside rung",
        effect="nothing was done",
        help=f"pip install 'rung[{extra}]'",
    )
