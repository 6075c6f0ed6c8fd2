"""A workload as it was at a commit, in a folder of its own for as long as it is needed."""

from __future__ import annotations

import io
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rung.errors import UsageError

#: git answers from this machine; what takes longer hangs.
TIMEOUT_SECONDS = 30.0


class NotThereError(UsageError):
    """The commit is there, and the workload file is not in it."""


@contextmanager
def workload_at(workload: Path, reference: str) -> Iterator[Path]:
    """The workload file as of `reference`, beside the files of its folder at that commit.

    Raises UsageError when the file is in no repository or the reference is not there, NotThereError when the
    commit has no such file.
    """
    folder = workload.resolve().parent
    if not _git(folder, "ls-tree", "--name-only", _not_an_option(reference), "--", workload.name):
        raise NotThereError(f"{workload.name} does not exist at {reference}")
    archive = _git(folder, "archive", "--format=tar", reference, ".")
    with tempfile.TemporaryDirectory(prefix="rung-") as place:
        with tarfile.open(fileobj=io.BytesIO(archive)) as files:
            _extract(files, place)
        yield Path(place) / workload.name


def _extract(files: tarfile.TarFile, place: str) -> None:
    """Filtered where Python can: from 3.11.4 on, and Debian 12 has 3.11.2."""
    if hasattr(tarfile, "data_filter"):
        files.extractall(place, filter="data")
    else:
        files.extractall(place)  # noqa: S202 - git writes it, and no path that leads outside


def _not_an_option(reference: str) -> str:
    if reference.startswith("-"):
        raise UsageError(f"{reference!r} is no commit")
    return reference


def _git(folder: Path, *words: str) -> bytes:
    try:
        found = subprocess.run(
            ["git", "-C", str(folder), *words], capture_output=True, check=False, timeout=TIMEOUT_SECONDS
        )
    except FileNotFoundError:
        raise UsageError("git is not on PATH, and an earlier workload is read from it") from None
    if found.returncode:
        said = found.stderr.decode(errors="replace").strip().splitlines()
        raise UsageError(f"git cannot read that: {said[-1] if said else 'no reason given'}")
    return found.stdout
