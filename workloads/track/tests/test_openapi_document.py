"""openapi.json is what the backend writes now. The front end's client is made from it; `make web` checks that."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent


def test_the_document_is_up_to_date() -> None:
    command = [sys.executable, "-m", "track.api.write_openapi"]
    environment = {**os.environ, "PYTHONPATH": str(HERE.parent)}
    written = subprocess.run(command, cwd=HERE.parent, env=environment, capture_output=True, check=True).stdout
    stored = (HERE.parent / "openapi.json").read_bytes()
    assert written == stored, "the API has changed: make client"
