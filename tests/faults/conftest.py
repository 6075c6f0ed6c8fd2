"""The fixture of faults that every broker has to pass."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.faults.brokers import BROKERS, Place, placed


@pytest.fixture(params=BROKERS)
async def place(request: pytest.FixtureRequest, postgres_url: str, tmp_path: Path) -> AsyncIterator[Place]:
    """An empty queue on each broker in turn."""
    async with placed(request.param, postgres_url, tmp_path / "broker") as place:
        yield place
