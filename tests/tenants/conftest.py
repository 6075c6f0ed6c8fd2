"""What the tests of moves, archives and commands share."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from tests.tenants.moving_kit import System, system


@pytest.fixture
async def kit(postgres_url: str) -> AsyncIterator[System]:
    """Three tenants in shared tables, and an empty database of its own for one of them."""
    async with system(postgres_url) as made:
        yield made
