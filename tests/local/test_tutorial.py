"""docs/tutorial/first-workload.md works as it is written: its files, its commands, its answer."""

from __future__ import annotations

import re
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
from tests.local.dev import running

PAGE = Path(__file__).parents[2] / "docs/tutorial/first-workload.md"
_FILE = re.compile(r"^```\w+ (\S+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
_REQUEST = re.compile(r"^curl (-X POST )?http://localhost:8000(\S+)$", re.MULTILINE)


@pytest.mark.timeout(120)
@pytest.mark.xdist_group("rung-dev")
def test_the_tutorial(tmp_path: Path) -> None:
    page = PAGE.read_text()
    files = dict(_FILE.findall(page))
    assert set(files) == {"workload.py", "migrations/0001_greeting.sql", "app.py", "worker.py"}
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    checked = subprocess.run([sys.executable, "-m", "rung.cli.main", "check"], cwd=tmp_path, check=False)
    assert checked.returncode == 0
    (post, greet), (plain, listing) = _REQUEST.findall(page)
    assert (bool(post), bool(plain)) == (True, False)
    answer = re.search(r"The second answers `(.*?)`", page)
    assert answer is not None
    with running(tmp_path / "workload.py") as dev:
        urllib.request.urlopen(urllib.request.Request(dev.url + greet, method="POST"), timeout=10).close()
        dev.eventually(listing, lambda body: str(body).replace("'", '"') == answer[1])
